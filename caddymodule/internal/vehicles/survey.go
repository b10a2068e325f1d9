package vehicles

import (
	"bytes"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// surveyEvery is how often vehicles are counted, or seldomer: it takes a hundredth of the time at most.
	surveyEvery = 15 * time.Second
	surveyShare = 100
	// ahead is how far a time may be ahead of the clock; what is farther was noted while the clock was wrong.
	ahead = time.Hour
	// lately is the time whose vehicles a share of silent ones is of: others are gone for good, as far as one can tell.
	lately = 7 * 24 * time.Hour
)

// SourceSummary counts the vehicles of a source.
type SourceSummary struct {
	Source string
	// Vehicles are those that are kept, InError those with an open VEHICLE_ERROR.
	Vehicles, InError int
	// Silent are those that nothing was heard of for Settings.SilentAfter.
	Silent int
	// Lately are those that something was heard of in the week before that time, and LatelySilent the silent ones of
	// them.
	Lately, LatelySilent int
	// LastEvent is when something was last heard of any of them.
	LastEvent time.Time
}

// survey goes over all vehicles, a slice at a time. It counts them, and deletes those that are to be forgotten.
type survey struct {
	running bool
	next    []byte // where it goes on
	now     time.Time
	took    time.Duration
	sources []SourceSummary
	total   int
	// hours counts the vehicles by the hour in which they were last heard of.
	hours map[int64]int

	// What the last one found: when it was, and what is older than that is one vehicle too many.
	at     time.Time
	found  []SourceSummary
	cutoff int64
	due    time.Time
}

// count goes on with a survey, or begins one that is due, and reports whether there is more.
func (w *Watch) count() (more bool, err error) {
	v, now := &w.table.survey, w.now()
	if !v.running {
		if now.Before(v.due) {
			return false, nil
		}
		v.running, v.now, v.next = true, now, []byte{kindVehicle}
		v.took, v.sources, v.total, v.hours = 0, nil, 0, map[int64]int{}
	}
	b := w.table.store.db.NewBatch()
	defer func() { _ = b.Close() }()
	ended, err := w.countSlice(b)
	if err == nil && !b.Empty() {
		err = w.table.store.commit(b)
		w.table.unsynced = true
	}
	if err != nil {
		return false, err
	}
	v.took += w.now().Sub(now)
	if ended {
		w.endSurvey()
	}
	return !ended, nil
}

// countSlice counts some vehicles, and reports whether they were the last ones.
func (w *Watch) countSlice(b *pebble.Batch) (ended bool, err error) {
	v, s := &w.table.survey, w.settings.Load()
	forget := max(v.now.Add(-s.ForgetAfter).UnixMilli(), v.cutoff)
	trusted := w.buffer.Stats().ClockJump.By == 0
	forgets := s.mayDelete()
	future := v.now.Add(ahead).UnixMilli()
	n := 0
	ended = true
	eachErr := w.table.store.each(v.next, []byte{kindVehicle + 1}, func(key []byte, r *record) bool {
		if n == w.limits.slice {
			v.next, ended = bytes.Clone(key), false
			return false
		}
		n++
		switch {
		case !trusted: // nothing is deleted or changed for a time that may be wrong
		case r.newest() < forget && !forgets:
		case r.newest() < forget:
			err = b.Delete(key, nil)
			return err == nil
		case r.cut(future, v.now.UnixMilli()):
			err = b.Set(key, r.appendTo(nil), nil)
		}
		v.add(key, r, s)
		return err == nil
	})
	if err == nil {
		err = eachErr
	}
	return ended, err
}

// add counts a vehicle. Vehicles come in the order of their sources.
func (v *survey) add(key []byte, r *record, s *Settings) {
	source, _, ok := parseKey(key)
	if !ok {
		return
	}
	v.total++
	v.hours[r.newest()/time.Hour.Milliseconds()]++
	if n := len(v.sources); n == 0 || v.sources[n-1].Source != source {
		if n == mostSources {
			return
		}
		v.sources = append(v.sources, SourceSummary{Source: source})
	}
	c := &v.sources[len(v.sources)-1]
	last := time.UnixMilli(r.newest())
	silent := v.now.Sub(last) > s.SilentAfter
	recent := v.now.Sub(last) <= s.SilentAfter+lately
	c.Vehicles++
	c.InError += truth(r.inError())
	c.Silent += truth(silent)
	c.Lately += truth(recent)
	c.LatelySilent += truth(recent && silent)
	if last.After(c.LastEvent) {
		c.LastEvent = last
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// endSurvey takes what it found, and says what the next one deletes.
func (w *Watch) endSurvey() {
	v, now := &w.table.survey, w.now()
	v.running, v.at, v.found, v.cutoff = false, now, v.sources, 0
	v.due = v.now.Add(max(surveyEvery, surveyShare*v.took))
	if v.total <= w.limits.vehicles {
		return
	}
	hours := make([]int64, 0, len(v.hours))
	for h := range v.hours {
		hours = append(hours, h)
	}
	slices.Sort(hours)
	kept := 0
	for _, h := range slices.Backward(hours) {
		if kept += v.hours[h]; kept > w.limits.vehicles {
			v.cutoff = (h + 1) * time.Hour.Milliseconds()
			break
		}
	}
	w.log.Warn("vehicles: there are more than are kept; those that were silent the longest are forgotten",
		"vehicles", v.total, "kept", w.limits.vehicles)
	v.due = now
}

// cut cuts times beyond a limit down to now, and reports whether there were any.
func (r *record) cut(limit, now int64) (done bool) {
	lower := func(at *int64) {
		if *at > limit {
			*at, done = now, true
		}
	}
	for i := range r.last {
		lower(&r.last[i])
	}
	lower(&r.reading)
	for i := range r.faults {
		for _, m := range []*moment{&r.faults[i].since, &r.faults[i].last, &r.faults[i].resolved} {
			lower(&m.at)
		}
	}
	return done
}
