package freshness

import (
	"slices"
	"strings"
	"time"
)

// The bounds of a table. Smartcar documents 93 signals.
const (
	// maxSignals is how many signals a table has. A further one is not noted, and so
	// never stale; those that are in it go on being judged.
	maxSignals = 512
	// maxCode is how long a code may be, in bytes. One that is longer is not noted.
	maxCode = 128
)

// Table is the newest reading of each signal of a vehicle that a handler has finished.
// The zero Table is empty and ready for use. It is not safe for concurrent use; Stale
// and Append may run at the same time as each other.
type Table struct {
	entries []entry // by code
}

type entry struct {
	code string
	age  age
}

// Len is how many signals the table has.
func (t *Table) Len() int { return len(t.entries) }

// find returns the place of a code, and whether the table has it.
func (t *Table) find(code string) (int, bool) {
	return slices.BinarySearchFunc(t.entries, code, func(e entry, code string) int {
		return strings.Compare(e.code, code)
	})
}

// Stale returns the codes of the stale signals, sorted and each once, nil if there are
// none. Of a code that the event has twice, both must be stale. What the table has from
// after now counts as nothing.
func (t *Table) Stale(r Reading, replay bool, now time.Time) []string {
	var stale, fresh [maxSignals/64 + 1]uint64 // a bit for each entry
	found := false
	for i := range r.index.Signals {
		s := &r.index.Signals[i]
		at, ok := t.find(s.Code)
		if !ok || t.entries[at].age.isFuture(r, now) {
			continue
		}
		known := t.entries[at].age
		a, judged := r.age(s)
		if judged && (known.newer(a) || !replay && !a.newer(known)) {
			stale[at/64] |= 1 << (at % 64)
			found = true
		} else {
			fresh[at/64] |= 1 << (at % 64)
		}
	}
	if !found {
		return nil
	}
	var codes []string
	for at, e := range t.entries {
		if (stale[at/64]&^fresh[at/64])>>(at%64)&1 == 1 {
			codes = append(codes, e.code)
		}
	}
	return codes
}

// Merge notes what is newer than what the table has, or has from after now, and reports
// whether there was any such.
func (t *Table) Merge(r Reading, now time.Time) bool {
	changed := false
	for i := range r.index.Signals {
		s := &r.index.Signals[i]
		a, ok := r.age(s)
		if !ok || len(s.Code) > maxCode {
			continue
		}
		at, known := t.find(s.Code)
		switch {
		case known && (a.newer(t.entries[at].age) || t.entries[at].age.isFuture(r, now)):
			t.entries[at].age = a
		case !known && len(t.entries) < maxSignals:
			// A copy, as the codes of a reading share memory.
			t.entries = slices.Insert(t.entries, at, entry{strings.Clone(s.Code), a})
		default:
			continue
		}
		changed = true
	}
	return changed
}
