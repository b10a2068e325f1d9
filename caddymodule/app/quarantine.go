package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
)

// Quarantine says how much is kept of requests that were refused for their signature. Anybody can send such requests, so
// all of it is bounded.
type Quarantine struct {
	// How many bytes they may take on disk, all together, in whole blocks of 4 KiB. From 1 MiB. Default: 67108864 (64 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	// How many there may be. 1 to 100000. Default: 10000.
	MaxCount int `json:"max_count,omitempty"`

	// How long one is kept. From 1m, and at most the buffer's dedupe window, so that none is stored twice. Default: 7d,
	// or the dedupe window if that is shorter.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// How many bytes may be written in a second. From 64 KiB. Default: 1048576 (1 MiB).
	MaxRate int64 `json:"max_rate,omitempty"`
}

const (
	mostQuarantined     = 100_000
	shortestQuarantined = time.Minute
)

// check refuses what cannot be meant. dedupe is how long the buffer knows the ids of events, 0 where that is not known.
func (q *Quarantine) check(dedupe time.Duration) error {
	if q == nil {
		return nil
	}
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf("quarantine: "+format, args...)) }
	if q.MaxSize != 0 && q.MaxSize < quarantine.LeastSize {
		refuse("max_size %d: must be 1MiB or more", q.MaxSize)
	}
	if q.MaxCount < 0 || q.MaxCount > mostQuarantined {
		refuse("max_count %d: must be 1 to %d", q.MaxCount, mostQuarantined)
	}
	if q.MaxRate != 0 && q.MaxRate < quarantine.LeastRate {
		refuse("max_rate %d: must be 64KiB or more", q.MaxRate)
	}
	switch age := time.Duration(q.MaxAge); {
	case age != 0 && age < shortestQuarantined:
		refuse("max_age %s: must be %s or more", age, shortestQuarantined)
	case age > dedupe && dedupe > 0:
		refuse("max_age %s is more than the buffer's dedupe_window %s: an event that was released could be stored again;"+
			" lower max_age or raise dedupe_window", age, dedupe)
	}
	return errors.Join(errs...)
}

// settings are those of the store; nil: nothing is kept.
func (q *Quarantine) settings() quarantine.Settings {
	if q == nil {
		return quarantine.Settings{}.WithDefaults()
	}
	return quarantine.Settings{
		On: true, MaxSize: q.MaxSize, MaxCount: q.MaxCount, MaxAge: time.Duration(q.MaxAge), MaxRate: q.MaxRate,
	}.WithDefaults()
}

// quarantineSettings are those that delete nothing before this config is in force.
func (a *App) quarantineSettings() quarantine.Settings {
	s := a.Quarantine.settings()
	s.InForce = a.inForce
	return s
}

// Interface guard.
var _ engine.EventObserver = (*quarantine.Store)(nil)
