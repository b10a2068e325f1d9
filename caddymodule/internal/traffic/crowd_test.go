package traffic

import (
	"testing"
	"time"
)

// A crowd lasts until some minutes have gone by without a refusal; the next one begins anew.
func TestCrowd(t *testing.T) {
	var counts Counters
	s := counts.Source("a")
	if got := counts.Crowd.Current(noon); got != (Crowd{}) {
		t.Errorf("%+v before any refusal", got)
	}
	last := noon.Add(4 * time.Minute)
	s.Crowd.Refused(noon)
	counts.Source("b").Crowd.Refused(last)
	want := Crowd{Since: noon, Last: last, Refused: 2}
	if got := counts.Crowd.Current(last.Add(crowdPast)); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	later := last.Add(crowdPast + time.Second)
	if got := counts.Crowd.Current(later); got != (Crowd{}) {
		t.Errorf("%+v when it is past", got)
	}
	s.Crowd.Refused(later)
	if got := counts.Crowd.Current(later); got != (Crowd{Since: later, Last: later, Refused: 1}) {
		t.Errorf("%+v, want a new one", got)
	}
}
