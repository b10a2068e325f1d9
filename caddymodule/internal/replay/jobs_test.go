package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func slogOrNothing(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

func TestEverythingIsFedInOrder(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(200) // more than three chunks
	once := r.h.take()
	job := r.ended(r.add(Job{}).ID)
	want := strings.ReplaceAll(once+" ", " ", "* ")
	if got := r.h.take() + " "; got != want {
		t.Errorf("the handler got %q", got)
	}
	if job.State != StateDone || job.Fed != 200 || job.Cursor != 200 || job.Open != 0 {
		t.Errorf("the job is %+v", job)
	}
}

func TestWhatIsStoredLaterIsNotFed(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(30)
	r.h.take()
	id := r.add(Job{Rate: 50}).ID
	r.append("v:30", "v:31")
	if job := r.ended(id); job.Fed != 30 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.h.take(); strings.Contains(got, "v:30*") || strings.Count(got, "*") != 30 {
		t.Errorf("the handler got %q", got)
	}
}

func TestRateHolds(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(50)
	begun := time.Now()
	r.ended(r.add(Job{Rate: 100}).ID)
	// The first chunk of 10 goes at once.
	if took := time.Since(begun); took < 380*time.Millisecond {
		t.Errorf("50 events at 100 a second took %s", took)
	}
}

func TestUnwantedAndOpenEventsAreLeftOut(t *testing.T) {
	c := dispatch.Config{When: func(e *buffer.Event) bool { return e.VehicleID != "x" }}
	r := newRig(t, c)
	r.append("v:1", "x:2", "v:3")
	r.settled()
	r.d.Pause()
	r.append("v:4")
	r.eventually("the event is in memory", func() bool { return r.d.Stats().InMemory == 1 })
	id := r.add(Job{}).ID
	r.eventually("the job has ended", func() bool { return r.jobs.List()[0].Ended() })
	if job := r.jobs.List()[0]; job.Fed != 2 || job.Unwanted != 1 || job.Open != 1 {
		t.Errorf("the job is %+v", job)
	}
	// A second one has nothing to feed: all that is wanted waits already.
	r.h.take()
	second := r.add(Job{}).ID
	r.eventually("the job has ended", func() bool { return r.jobs.List()[1].Ended() })
	if job := r.jobs.List()[1]; job.ID != second || job.Fed != 0 || job.Open != 3 {
		t.Errorf("the second job is %+v", job)
	}
	r.d.Resume()
	r.ended(id)
	if got := r.h.take(); strings.Count(got, "*") != 2 || strings.Count(got, "v:4") != 1 {
		t.Errorf("the handler got %q", got)
	}
}

// A dead letter that the handler does not want any more stays: feeding it would lose it.
func TestUnwantedLettersStay(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.append("v:1", "x:2")
	r.settled()
	r.h.reject.Store(false)
	r.stop()
	r.start(dispatch.Config{When: func(e *buffer.Event) bool { return e.VehicleID != "x" }})
	r.h.take()
	job := r.ended(r.add(Job{Kind: KindDeadLetters}).ID)
	if job.State != StateDone || job.Fed != 1 || job.Unwanted != 1 {
		t.Errorf("the job is %+v", job)
	}
	if got, left := r.h.take(), r.b.Stats().DeadLetters; got != "v:1*" || left != 1 {
		t.Errorf("the handler got %q, %d letters are left", got, left)
	}
}

// Letters are fed by position, not by the time of death.
func TestLettersKeepTheOrderOfTheirLane(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.append("v:1", "v:2", "v:3")
	r.settled()
	// The first one dies once more, and is the last to have died.
	if job := r.ended(r.add(Job{Kind: KindDeadLetters, Filter: Filter{EventIDs: []string{"v:1"}}}).ID); job.Fed != 1 {
		t.Fatalf("the job is %+v", job)
	}
	r.h.reject.Store(false)
	r.h.take()
	// One at a time: what is put back in one step is in order anyway.
	if job := r.ended(r.add(Job{Kind: KindDeadLetters, Rate: 10}).ID); job.Fed != 3 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.h.take(); got != "v:1* v:2* v:3*" {
		t.Errorf("the handler got %q", got)
	}
}

// One event may have two letters of a handler, when a replay of events died too.
func TestTwoLettersOfOneEvent(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.append("v:1", "v:2")
	r.settled()
	r.ended(r.add(Job{Filter: Filter{EventIDs: []string{"v:1"}}}).ID)
	if n := r.b.Stats().DeadLetters; n != 3 {
		t.Fatalf("there are %d letters", n)
	}
	r.h.reject.Store(false)
	r.h.take()
	if job := r.ended(r.add(Job{Kind: KindDeadLetters}).ID); job.Fed != 2 || job.Open != 1 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.h.take(); got != "v:1* v:2*" {
		t.Errorf("the handler got %q", got)
	}
}

func TestLettersStoppedAndResumed(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.many(40)
	r.h.reject.Store(false)
	r.h.take()
	id := r.add(Job{Kind: KindDeadLetters, Rate: 50}).ID
	r.eventually("it has begun", func() bool { return r.jobs.List()[0].Fed > 0 })
	job, err := r.jobs.Stop(context.Background(), id)
	if err != nil || job.State != StateStopped || job.Fed == 40 {
		t.Fatalf("stop: %v, the job is %+v", err, job)
	}
	if again, err := r.jobs.Stop(context.Background(), id); err != nil || again.State != StateStopped || again.Fed != job.Fed {
		t.Errorf("a second stop: %v, the job is %+v", err, again)
	}
	r.stop()
	r.start(dispatch.Config{})
	if got := r.jobs.List(); len(got) != 1 || got[0].State != StateStopped {
		t.Fatalf("after a restart there is %+v", got)
	}
	if _, err := r.jobs.Resume(id); err != nil {
		t.Fatal(err)
	}
	if job := r.ended(id); job.State != StateDone || job.Fed != 40 {
		t.Errorf("the job is %+v", job)
	}
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprintf("v:%d*", i))
	}
	if got := r.h.take(); got != strings.Join(want, " ") {
		t.Errorf("the handler got %q", got)
	}
}

// A replay that is resumed passes over what it has fed and what died again since.
func TestLettersThatDieAgainAreNotFedAgain(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.h.reject.Store(true)
	r.many(40)
	id := r.add(Job{Kind: KindDeadLetters, Rate: 50}).ID
	r.eventually("some have died again", func() bool { return r.d.Stats().Dead > 40 })
	if job, err := r.jobs.Stop(context.Background(), id); err != nil || job.Fed == 40 {
		t.Fatalf("stop: %v, the job is %+v", err, job)
	}
	if _, err := r.jobs.Resume(id); err != nil {
		t.Fatal(err)
	}
	if job := r.ended(id); job.Fed != 40 {
		t.Errorf("the job is %+v", job)
	}
	if n := r.b.Stats().DeadLetters; n != 40 {
		t.Errorf("%d letters are left", n)
	}
}

func TestFailedJobSaysWhyAndCanBeResumed(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	job := r.ended(r.add(Job{Kind: "future"}).ID)
	if job.State != StateFailed || !strings.Contains(job.Error, `"future" is not known`) {
		t.Errorf("the job is %+v", job)
	}
	r.stop()
	r.start(dispatch.Config{})
	if got := r.jobs.List()[0]; got.State != StateFailed || got.Error != job.Error {
		t.Errorf("after a restart the job is %+v", got)
	}
	resumed, err := r.jobs.Resume(job.ID)
	if err != nil || resumed.State != StateRunning || resumed.Error != "" {
		t.Errorf("resume: %v, the job is %+v", err, resumed)
	}
}

func TestEndedJobsAreForgottenInTheEnd(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(1)
	var ids []string
	for range keepEnded + 5 {
		id := r.add(Job{}).ID
		ids = append(ids, id)
		r.ended(id)
	}
	check := func(when string) {
		t.Helper()
		r.eventually(when, func() bool { return len(r.jobs.List()) == keepEnded })
		for _, id := range ids[5:] {
			if !r.jobs.Has(id) {
				t.Errorf("%s: job %s is forgotten", when, id)
			}
		}
	}
	check("the oldest are forgotten")
	r.stop()
	r.start(dispatch.Config{})
	check("also on disk")
}

func TestNotTooManyJobsAtOnce(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(30)
	for range maxRunning {
		r.add(Job{Rate: 0.01})
	}
	if _, err := r.jobs.Add(Job{Kind: KindEvents, Rate: 1}); !errors.Is(err, ErrTooMany) || !strings.Contains(err.Error(), "20 running") {
		t.Errorf("one more: %v", err)
	}
}

func TestClosedJobsTakeNothing(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	r.many(10)
	id := r.add(Job{Rate: 0.01}).ID
	r.jobs.Close()
	if _, err := r.jobs.Add(Job{Kind: KindEvents, Rate: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("add: %v", err)
	}
	if _, err := r.jobs.Stop(context.Background(), id); !errors.Is(err, ErrClosed) {
		t.Errorf("stop: %v", err)
	}
	if _, err := r.jobs.Resume(id); !errors.Is(err, ErrClosed) {
		t.Errorf("resume: %v", err)
	}
	if _, err := r.jobs.Stop(context.Background(), "nope"); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

// A memo of a later version, or one that is no job, is nobody's business here.
func TestForeignMemosAreLeftAlone(t *testing.T) {
	r := newRig(t, dispatch.Config{})
	memo := &buffer.Memo{Key: memoPrefix + "x", Value: []byte(`{"version":9,"id":"x"}`)}
	if err := r.consumer.Settle(context.Background(), buffer.Outcome{Verb: buffer.PutMemo, Memo: memo}); err != nil {
		t.Fatal(err)
	}
	r.stop()
	r.start(dispatch.Config{})
	if got := r.jobs.List(); len(got) != 0 {
		t.Errorf("there is %+v", got)
	}
	if raw, err := r.consumer.Memo(context.Background(), memo.Key); err != nil || string(raw) != string(memo.Value) {
		t.Errorf("the memo is %q, %v", raw, err)
	}
}
