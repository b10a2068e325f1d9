package replay

import (
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Two replays that pick the same: each counts what it put back itself, and nothing is put back twice.
func TestTwoReplaysAtOnce(t *testing.T) {
	const n = 60
	for _, tt := range []struct {
		name   string
		kind   Kind
		first  float64 // its rate
		second float64
	}{
		{"letters, as fast as each can", KindDeadLetters, MaxRate, MaxRate},
		{"letters, and the slow one has picked what the fast one takes", KindDeadLetters, 50, MaxRate},
		{"events, as fast as each can", KindEvents, MaxRate, MaxRate},
		{"events, and the slow one has picked what the fast one takes", KindEvents, 50, MaxRate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, dispatch.Config{})
			r.h.reject.Store(tt.kind == KindDeadLetters)
			r.many(n)
			r.h.reject.Store(false)
			r.h.take()
			job := Job{Kind: tt.kind, Rate: tt.first}
			if tt.kind == KindDeadLetters {
				job.Total = n
			} else {
				job.Last = r.b.Stats().Last
			}
			first := r.add(job).ID
			if tt.first != tt.second {
				r.eventually("the slow one has begun", func() bool { return r.jobs.List()[0].Fed > 0 })
			}
			job.Rate = tt.second
			second := r.add(job).ID
			a, b := r.ended(first), r.ended(second)
			if delivered := len(strings.Fields(r.h.take())); a.Fed+b.Fed != uint64(delivered) {
				t.Errorf("they count %d and %d, and %d were delivered", a.Fed, b.Fed, delivered)
			}
			for _, job := range []Job{a, b} {
				if job.State != StateDone || job.Seen() != n || tt.kind == KindEvents && job.Gone > 0 {
					t.Errorf("the job is %+v", job)
				}
			}
			if tt.kind == KindDeadLetters && (a.Fed+b.Fed != n || a.Gone != b.Fed || b.Gone != a.Fed) {
				t.Errorf("they put back %d and %d of %d, and say that %d and %d were gone", a.Fed, b.Fed, n, a.Gone, b.Gone)
			}
			if r.b.Stats().DeadLetters != 0 || len(r.jobs.claims) != 0 {
				t.Errorf("%d letters and %d claims are left", r.b.Stats().DeadLetters, len(r.jobs.claims))
			}
		})
	}
}

// Events that are put back and wait for the handler are put back once.
func TestTwoReplaysOfAPausedHandler(t *testing.T) {
	const n = 40
	r := newRig(t, dispatch.Config{})
	r.many(n)
	r.h.take()
	r.d.Pause()
	first := r.add(Job{Kind: KindEvents, Last: r.b.Stats().Last, Rate: 40}).ID
	r.eventually("the slow one has begun", func() bool { return r.jobs.List()[0].Fed > 0 })
	second := r.add(Job{Kind: KindEvents, Last: r.b.Stats().Last, Rate: MaxRate}).ID
	r.eventually("both have ended", func() bool {
		jobs := r.jobs.List()
		return jobs[0].Ended() && jobs[1].Ended()
	})
	r.d.Resume()
	a, b := r.ended(first), r.ended(second)
	if delivered := len(strings.Fields(r.h.take())); delivered != n || a.Fed+b.Fed != n || a.Seen() != n || b.Seen() != n {
		t.Errorf("%d were delivered; the jobs are %+v and %+v", delivered, a, b)
	}
}

// What an operator drops while a replay waits for its turn was not put back either.
func TestLettersDroppedMeanwhile(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.many(20)
	r.h.reject.Store(false)
	id := r.add(Job{Kind: KindDeadLetters, Rate: 20, Total: 20}).ID
	r.eventually("it has begun", func() bool { return r.jobs.List()[0].Fed > 0 })
	dropped := uint64(0)
	for l, err := range r.b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n, err := r.b.DropDeadLetters(t.Context(), l.ID)
		if err != nil {
			t.Fatal(err)
		}
		dropped += uint64(n)
	}
	job := r.ended(id)
	if job.Seen() != 20 || job.Gone < 1 || job.Gone > dropped || job.State != StateDone {
		t.Errorf("%d were dropped, the job is %+v", dropped, job)
	}
}

// A job has read a letter that another then puts back: to the first it is gone, also while its event waits for the handler.
func TestLetterThatAnotherPutBack(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.many(1)
	r.h.reject.Store(false)
	var read buffer.DeadLetter
	for letter, err := range r.b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		read = letter
	}
	r.d.Pause()
	r.add(Job{Kind: KindDeadLetters, Rate: MaxRate, Total: 1})
	r.eventually("the other has put it back", func() bool { return r.jobs.List()[0].Ended() })

	var job Job
	item := dispatch.Reopening{Event: envelope(&read.Event), Letter: read.ID}
	items, err := (&run{Jobs: r.jobs}).pick(t.Context(), &job, nil, item)
	if err != nil || len(items) != 0 || job.Gone != 1 || job.Open != 0 {
		t.Errorf("it picked %d, %v, and counted %d gone and %d open; want 1 gone", len(items), err, job.Gone, job.Open)
	}
	r.d.Resume()
}
