package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The refused events are those that no new one that was stored has followed. A duplicate ends nothing: it may be a
// recorded delivery that somebody sends again.
func TestRefusalsSinceAnEventWasTaken(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for name, take := range map[string]func(*Source){
		"stored":     func(s *Source) { s.NoteStored(at(3)) },
		"unreadable": func(s *Source) { s.NoteUnreadable(at(3)) },
	} {
		t.Run(name, func(t *testing.T) {
			var counts Counters
			s, other := counts.Source("a"), counts.Source("b")
			if got := s.Refusals(); got.All != 0 {
				t.Errorf("%+v before any", got)
			}
			s.Refuse("signature_mismatch", at(0), true)
			s.Refuse("signature_missing", at(1), false)
			s.Refuse("body_too_large", at(2), true)
			other.NoteStored(at(2))
			s.Duplicate.Add(1)
			want := Refusals{Since: at(0), Last: at(2), By: map[string]uint64{"signature_mismatch": 1, "body_too_large": 1}, All: 2}
			if diff := cmp.Diff(want, s.Refusals()); diff != "" {
				t.Error(diff)
			}
			take(s)
			if got := s.Refusals(); got.All != 0 {
				t.Errorf("%+v after an event was taken", got)
			}
			s.Refuse("signature_mismatch", at(4), true)
			want = Refusals{Since: at(4), Last: at(4), By: map[string]uint64{"signature_mismatch": 1}, All: 1}
			if diff := cmp.Diff(want, s.Refusals()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What was stored last and refused last is told with its time, whatever it was meant to be.
func TestLastStoredAndRefused(t *testing.T) {
	var counts Counters
	s := counts.Source("a")
	if got := s.Snapshot(); !got.LastStored.IsZero() || !got.LastRefused.IsZero() || got.LastRefusal != "" {
		t.Errorf("%+v before anything came", got)
	}
	s.NoteStored(noon)
	s.NoteUnreadable(noon.Add(time.Minute))
	s.Refuse("signature_mismatch", noon, true)
	s.Refuse("method_not_allowed", noon.Add(time.Second), false)
	got := s.Snapshot()
	if !got.LastStored.Equal(noon.Add(time.Minute)) || !got.LastRefused.Equal(noon.Add(time.Second)) || got.LastRefusal != "method_not_allowed" {
		t.Errorf("%+v", got)
	}
}
