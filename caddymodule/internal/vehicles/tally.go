package vehicles

import (
	"cmp"
	"slices"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Told is an error as VEHICLE_ERRORs tell it, with a type and code that are documented; all others are "other". The
// code is "" where Smartcar says null.
type Told struct {
	Source, Type, Code string
	// State is ERROR, RESOLVED or other.
	State string
}

// ToldCount is how often it was told since this process began to count.
type ToldCount struct {
	Told
	Count uint64
}

// mostSources bounds the sources that are counted by name.
const mostSources = 1000

// tally counts what VEHICLE_ERRORs tell.
type tally struct {
	mu      sync.Mutex
	counts  map[Told]uint64
	sources map[string]struct{}
}

func (t *tally) add(source string, told []smartcar.VehicleError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts, t.sources = map[Told]uint64{}, map[string]struct{}{}
	}
	if _, known := t.sources[source]; !known && len(t.sources) == mostSources {
		return
	}
	t.sources[source] = struct{}{}
	for i := range told {
		t.counts[documented(source, &told[i])]++
	}
}

// documented names an error by what is documented of it, which bounds how many names there are.
func documented(source string, e *smartcar.VehicleError) Told {
	d := Told{Source: source, Type: other, Code: other, State: other}
	if e.State == smartcar.StateError || e.State == smartcar.StateResolved {
		d.State = e.State
	}
	if !slices.ContainsFunc(errorTypes, func(t smartcar.ErrorType) bool { return t.Type == e.Type }) {
		return d
	}
	d.Type = e.Type
	if smartcar.KnownError(e.Type, e.Code) {
		d.Code = e.Code
	}
	return d
}

var errorTypes = smartcar.ErrorTypes()

// snapshot returns the counts, in order.
func (t *tally) snapshot() []ToldCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]ToldCount, 0, len(t.counts))
	for told, n := range t.counts {
		list = append(list, ToldCount{told, n})
	}
	slices.SortFunc(list, func(a, b ToldCount) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.State, b.State))
	})
	return list
}
