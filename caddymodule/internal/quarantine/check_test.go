package quarantine

import (
	"bytes"
	"testing"
	"time"
)

// store has the buffer take an event, as an attempt of Smartcar's that was not refused.
func (r *rig) store(q *Request, body []byte) {
	r.t.Helper()
	e, ok := eventOf(&header{Source: q.Source, ReceivedAt: r.buffer.now, Signature: q.Signature}, body)
	if !ok {
		r.t.Fatal("it is no event")
	}
	if _, err := r.buffer.Append(r.t.Context(), e); err != nil {
		r.t.Fatal(err)
	}
}

// Where a later attempt of an event was stored, the one that is kept is not to be released: a handler has it.
func TestStoredMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		before, other, trimmed bool // it is stored before the tokens are right; with other contents; not there any more
		releasable, files      int
	}{
		"before the tokens are right":    {before: true},
		"after":                          {},
		"with other contents":            {other: true, releasable: 1, files: 1},
		"with other contents and before": {before: true, other: true, releasable: 1, files: 1},
		"its contents are gone":          {trimmed: true, files: 1},
		"its contents are gone, before":  {before: true, trimmed: true, files: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Settings{})
			q := r.keep(smartcars, 300)
			body := q.Body
			if tc.other {
				body = bytes.Replace(body, []byte("xx"), []byte("yy"), 1)
			}
			r.buffer.trimmed = tc.trimmed
			if tc.before {
				r.store(q, body)
			}
			r.Set(Settings{On: true}, right)
			r.later(time.Second)
			if !tc.before {
				if got := r.Summary().Releasable; got != 1 {
					t.Errorf("%d are releasable before it is stored", got)
				}
				r.store(q, body)
			}
			r.later(2 * lookEvery)
			r.later(time.Second)
			if got := r.Summary().Releasable; got != tc.releasable {
				t.Errorf("%d are releasable, want %d", got, tc.releasable)
			}
			if n, _ := r.files(); n != tc.files || r.dropped(Repeat) != uint64(1-tc.files) {
				t.Errorf("%d files, want %d; %d repeats", n, tc.files, r.dropped(Repeat))
			}
		})
	}
}

// Those that verify are looked at again while Smartcar makes its attempts, not for ever.
func TestLooksEnd(t *testing.T) {
	r := newRig(t, Settings{})
	bad := &badFolder{folder: r.Store.files}
	r.Store.files = bad
	r.keep(smartcars, 300)
	r.Set(Settings{On: true}, right)
	for range 2 * mostLooks {
		r.later(lookEvery)
	}
	if bad.reads == 0 || bad.reads > mostLooks+1 {
		t.Errorf("it was read %d times", bad.reads)
	}
	r.buffer.lost = true
	for range 2 * mostLooks {
		r.later(lookEvery)
	}
	if bad.reads > mostLooks+1 {
		t.Errorf("while the clock is not believed it was read %d times", bad.reads)
	}
}

// A reload with the same tokens has nothing verified again, and one with others keeps the count until it is.
func TestReloads(t *testing.T) {
	const kept = 2*slice + 10
	r := newRig(t, Settings{})
	for range kept {
		r.keep(smartcars, 300)
	}
	r.later(time.Hour)
	bad := &badFolder{folder: r.Store.files}
	r.Store.files = bad
	r.Set(Settings{On: true}, right)
	r.pass(time.Second)
	if sum := r.Summary(); sum.Releasable != kept || bad.reads != kept {
		t.Fatalf("%d are releasable, %d were read", sum.Releasable, bad.reads)
	}
	r.Set(Settings{On: true, MaxCount: 1000}, ring{"production": rightToken})
	if sum := r.Summary(); sum.Releasable != kept || sum.Checking {
		t.Errorf("after a reload with the same tokens: %+v", sum)
	}
	r.pass(time.Second)
	if bad.reads != kept {
		t.Errorf("%d were read again", bad.reads-kept)
	}
	r.Set(Settings{On: true}, ring{"production": rightToken, "test": wrongToken})
	if sum := r.Summary(); sum.Releasable != kept || !sum.Checking {
		t.Errorf("after a reload with others: %+v", sum)
	}
	r.later(checkEvery)
	r.buffer.now = r.buffer.now.Add(checkEvery / 2)
	r.steps()
	if bad.reads != kept+slice {
		t.Errorf("%d were read at once, want %d", bad.reads-kept, slice)
	}
	r.pass(time.Second)
	if sum := r.Summary(); sum.Releasable != kept || sum.Checking || bad.reads != 2*kept {
		t.Errorf("%+v, %d were read", sum, bad.reads-kept)
	}
	r.Set(Settings{On: true}, ring{"production": wrongToken})
	r.pass(time.Second)
	if sum := r.Summary(); sum.Releasable != 0 || sum.Checking {
		t.Errorf("with the wrong token: %+v", sum)
	}
}

// What could not be read is verified when it can be.
func TestUnreadForATime(t *testing.T) {
	r := newRig(t, Settings{})
	r.keep(smartcars, 300)
	bad := &badFolder{folder: r.Store.files, read0: errFull}
	r.Store.files = bad
	r.Set(Settings{On: true}, right)
	r.pass(time.Second)
	if sum := r.Summary(); sum.Releasable != 0 || !sum.Checking || bad.reads > 1 {
		t.Errorf("%+v, read %d times", sum, bad.reads)
	}
	r.later(lookEvery)
	bad.read0 = nil
	r.later(lookEvery)
	if sum := r.Summary(); sum.Releasable != 1 || sum.Checking {
		t.Errorf("%+v", sum)
	}
}
