package vehicles

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Vehicle is what is known of a vehicle of a source. Times that are not known are zero.
type Vehicle struct {
	Source, ID string
	// LastState, LastError and LastOther are when the last VEHICLE_STATE, VEHICLE_ERROR and event of another type were
	// received.
	LastState, LastError, LastOther time.Time
	// NewestReading is the time of its newest reading, by its maker.
	NewestReading time.Time
	// Open are the errors that VEHICLE_ERRORs told, and that were not resolved since, by type and code.
	Open []OpenError
}

// LastEvent is when its last event was received.
func (v *Vehicle) LastEvent() time.Time {
	last := v.LastState
	for _, t := range []time.Time{v.LastError, v.LastOther} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// OpenError is an error that was not resolved.
type OpenError struct {
	// Type, Code and Resolution are as Smartcar says, "" for null; other where that is no name.
	Type, Code, Resolution string
	// Since is when it was first received since it was last resolved, Last when it was last received.
	Since, Last time.Time
}

// Query picks vehicles.
type Query struct {
	// Source, "" for all.
	Source string
	// SilentFor picks those that nothing was heard of for so long; 0: all.
	SilentFor time.Duration
	// InError picks those with open errors.
	InError bool
	// After is the Page.Next of the page before.
	After string
	// Limit of vehicles.
	Limit int
}

// mostLooks bounds how many vehicles a page looks at.
const mostLooks = 100_000

// Page are some vehicles, ordered by source and id.
type Page struct {
	Vehicles []Vehicle
	// Next is the Query.After of the next page, "" where there is none. A page may have fewer vehicles than Limit, or
	// none, and yet a next one.
	Next string
	// Behind is how many positions of the buffer have yet to be read: what is known may be older by so many events.
	Behind uint64
}

// List lists vehicles. Errors: ErrOff, ErrNotReady.
func (w *Watch) List(ctx context.Context, q Query) (Page, error) {
	if err := w.ask(ctx); err != nil {
		return Page{}, err
	}
	defer w.turn.unlock()
	if err := w.write(); err != nil {
		return Page{}, err
	}
	from, to := []byte{kindVehicle}, []byte{kindVehicle + 1}
	if q.Source != "" {
		from, to = sourceKeys(q.Source)
	}
	if after := append([]byte(q.After), 0); q.After != "" && bytes.Compare(after, from) > 0 {
		from = after
	}
	if bytes.Compare(from, to) >= 0 {
		return Page{}, nil
	}
	silent := w.now().Add(-q.SilentFor).UnixMilli()
	page := Page{Behind: w.behind()}
	var last []byte
	looked := 0
	err := w.table.store.each(from, to, func(key []byte, r *record) bool {
		wanted := (q.SilentFor == 0 || r.newest() < silent) && (!q.InError || r.inError())
		if looked == mostLooks || wanted && len(page.Vehicles) == q.Limit {
			page.Next = string(last)
			return false
		}
		looked++
		last = append(last[:0], key...)
		if source, id, ok := parseKey(key); ok && wanted {
			page.Vehicles = append(page.Vehicles, view(source, id, r))
		}
		return true
	})
	if err != nil {
		return Page{}, fmt.Errorf("listing vehicles: %w", err)
	}
	return page, nil
}

// Find returns what is known of a vehicle, of each source that has it. Errors: ErrOff, ErrNotReady.
func (w *Watch) Find(ctx context.Context, id string) (Page, error) {
	if err := w.ask(ctx); err != nil {
		return Page{}, err
	}
	defer w.turn.unlock()
	if err := w.write(); err != nil {
		return Page{}, err
	}
	found, err := w.table.find(id)
	if err != nil {
		return Page{}, err
	}
	page := Page{Behind: w.behind()}
	for _, f := range found {
		page.Vehicles = append(page.Vehicles, view(f.source, id, &f.record))
	}
	return page, nil
}

// ask takes the turn, with an open store.
func (w *Watch) ask(ctx context.Context) error {
	if !w.wanted() {
		return ErrOff
	}
	if err := w.turn.lock(ctx); err != nil {
		return err
	}
	switch {
	case w.closed || w.table.store == nil && w.table.failed == nil:
		w.turn.unlock()
		return fmt.Errorf("%w: they are not open", ErrNotReady)
	case w.table.store == nil:
		err := w.table.failed
		w.turn.unlock()
		return fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	return nil
}

// behind counts the positions that have yet to be read.
func (w *Watch) behind() uint64 {
	if b := w.table.backlog; b != (span{}) {
		return b.last - b.first + 1
	}
	return 0
}

// found is a record with its key.
type found struct {
	source string
	key    []byte
	record record
}

// find looks a vehicle up at each source.
func (t *table) find(id string) (all []found, err error) {
	for from := []byte{kindVehicle}; ; {
		source, ok, err := t.sourceFrom(from)
		if err != nil || !ok {
			return all, err
		}
		if key, ok := appendKey(nil, source, id); ok {
			r, ok, err := t.store.record(key)
			if err != nil {
				return nil, fmt.Errorf("looking a vehicle up: %w", err)
			}
			if ok {
				all = append(all, found{source, key, r})
			}
		}
		_, from = sourceKeys(source)
	}
}

// sourceFrom returns the first source that has a vehicle, from a key on.
func (t *table) sourceFrom(from []byte) (source string, ok bool, err error) {
	err = t.store.each(from, []byte{kindVehicle + 1}, func(key []byte, _ *record) bool {
		source, _, ok = parseKey(key)
		return !ok
	})
	return source, ok, err
}

func view(source, id string, r *record) Vehicle {
	v := Vehicle{
		Source: source, ID: id,
		LastState: timeOf(r.last[classState]), LastError: timeOf(r.last[classError]), LastOther: timeOf(r.last[classOther]),
		NewestReading: timeOf(r.reading),
	}
	for i := range r.faults {
		if f := &r.faults[i]; f.open() {
			v.Open = append(v.Open, OpenError{f.typ, f.code, f.resolution, timeOf(f.since.at), timeOf(f.last.at)})
		}
	}
	return v
}

// timeOf is a time of milliseconds, zero for 0.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
