package stage

import "sync/atomic"

// Switch is a Set that may change while others ask it, as a reload does to what outlives a config. The zero value, and
// nil, have no stage.
type Switch struct{ set atomic.Uint32 }

// Set replaces the stages.
func (s *Switch) Set(set Set) { s.set.Store(uint32(set)) }

// Has reports whether a stage is written now.
func (s *Switch) Has(st Stage) bool { return s != nil && Set(s.set.Load()).Has(st) }
