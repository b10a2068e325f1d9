package fleet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

type sent struct {
	seq, attempt int
	at           time.Duration
	id           string
}

// run collects what Run sends until the end of its plan; answers says what is answered.
func run(t *testing.T, o Options, answers func(Delivery) bool) (all []sent) {
	t.Helper()
	o.Start = time.Now()
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	Run(t.Context(), p, func(_ context.Context, d Delivery) bool {
		all = append(all, sent{d.Seq, d.Attempt, time.Since(o.Start), d.id})
		return answers(d)
	})
	return all
}

func TestRunKeepsThePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t, some, func(Delivery) bool { return true })
		want := deliveriesOf(t, some)
		if len(got) != len(want) {
			t.Fatalf("%d deliveries, want %d", len(got), len(want))
		}
		for i, d := range want {
			if got[i] != (sent{d.Seq, d.Attempt, d.At, d.id}) {
				t.Fatalf("delivery %d is %+v, want %+v", i, got[i], d)
			}
		}
	})
}

// What is refused comes again after 25, 50 and 100 s, and changes nothing else.
func TestRunRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := some
		o.Count = 200
		refused := deliveriesOf(t, o)[0].ID
		var first, others []sent
		for _, s := range run(t, o, func(d Delivery) bool { return d.ID != refused }) {
			if s.seq == 1 {
				first = append(first, s)
			} else {
				others = append(others, s)
			}
		}
		want := []time.Duration{0, 25 * time.Second, 75 * time.Second, 175 * time.Second}
		if len(first) != len(want) {
			t.Fatalf("%d attempts: %+v", len(first), first)
		}
		ids := map[string]bool{}
		for i, s := range first {
			if s.attempt != i+1 || s.at != want[i] || ids[s.id] {
				t.Errorf("attempt %d: %+v, want at %v", i+1, s, want[i])
			}
			ids[s.id] = true
		}
		i := 0
		for _, d := range deliveriesOf(t, o) {
			if d.Seq == 1 {
				continue
			}
			if others[i].id != d.id || others[i].at != d.At {
				t.Fatalf("delivery %+v became %+v", d, others[i])
			}
			i++
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		o := some
		o.Count, o.Start = 0, time.Now()
		p, err := NewPlan(o)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		Run(ctx, p, func(context.Context, Delivery) bool { n++; return true })
		if n == 0 || time.Since(o.Start) != 10*time.Second {
			t.Errorf("%d deliveries, ended after %v", n, time.Since(o.Start))
		}
	})
}

// A clock factor shortens the waits.
func TestClockFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := some
		o.Count, o.ClockFactor = 1, 100
		got := run(t, o, func(Delivery) bool { return false })
		if len(got) < 4 {
			t.Fatalf("%d attempts", len(got))
		}
		if last := got[len(got)-1]; last.at > 1750*time.Millisecond+crossing/100+25*time.Second/100 {
			t.Errorf("the last attempt is at %v", last.at)
		}
	})
}
