package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// job returns a job as it stands, and the zero one while its handler is not at work.
func (r *rig) job(id string) replay.Job {
	r.t.Helper()
	jobs, err := r.e.Replays(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, j := range jobs {
		if j.ID == id {
			return j
		}
	}
	return replay.Job{}
}

func (r *rig) replayed(id string) replay.Job {
	r.t.Helper()
	r.eventually("the replay is done", func() bool { return r.job(id).State == replay.StateDone })
	return r.job(id)
}

func TestReplayOfAVehiclesEvents(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("a", "")+handler("b", "")))
	r.append("v:1", "w:1", "v:2", "w:2", "v:3")
	r.settled("a")
	r.settled("b")
	before := r.events("b")

	job, err := r.e.ReplayEvents(ctx, "a", Filter{Vehicle: "v"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if job.State != replay.StateRunning || job.Handler != "a" || job.Kind != replay.KindEvents || job.Rate != replay.DefaultRate {
		t.Errorf("the job is %+v", job)
	}
	job = r.replayed(job.ID)
	r.settled("a")
	if job.Fed != 3 || job.Open != 0 || job.Unwanted != 0 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.events("a"); !strings.HasSuffix(got, " v:1* v:2* v:3*") || strings.Count(got, "*") != 3 {
		t.Errorf("the handler got %q", got)
	}
	if got := r.events("b"); got != before {
		t.Errorf("the other handler got %q", got)
	}
	for _, l := range r.lines() {
		if l.replay && l.attempt != 1 {
			t.Errorf("%+v is no first attempt", l)
		}
	}
	if s := r.e.Status(ctx); len(s.Replays) != 1 || s.Replays[0].ID != job.ID {
		t.Errorf("status shows %+v", s.Replays)
	}
	if s := r.status("a"); s.Dispatch.Replayed != 3 {
		t.Errorf("%d events are counted as replayed", s.Dispatch.Replayed)
	}
}

// The filter of a replay and the handler's own "when" both count.
func TestReplayPicks(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.append("v:1", "v:2") // from before there is a handler
	r.apply("one", r.defs(strings.Replace(handler("h", ""), "{\n", "{\n  when = event.vehicle == \"v\"\n  start = \"now\"\n", 1)))
	r.append("v:3", "w:4", "w:5")
	r.settled("h")
	if got := r.events("h"); got != "v:3" {
		t.Fatalf("the handler had %q", got)
	}
	for _, tt := range []struct {
		name     string
		filter   Filter
		want     string
		unwanted uint64
	}{
		{"everything", Filter{}, "v:1* v:2* v:3*", 2},
		{"by id", Filter{EventIDs: []string{"v:3", "v:1"}}, "v:1* v:3*", 0},
		{"by id and source", Filter{Source: "test", EventIDs: []string{"v:3", "v:2", "v:9"}}, "v:2* v:3*", 0},
		{"by ids that are not there", Filter{Source: "test", EventIDs: []string{"v:9"}}, "", 0},
		{"what the handler does not want", Filter{Vehicle: "w"}, "", 2},
		{"another type", Filter{Type: "VEHICLE_ERROR"}, "", 0},
		{"a time to come", Filter{Since: time.Now().Add(time.Hour)}, "", 0},
		{"a time that has passed", Filter{Until: time.Now().Add(-time.Hour)}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := r.events("h")
			job, err := r.e.ReplayEvents(ctx, "h", tt.filter, replay.MaxRate)
			if err != nil {
				t.Fatal(err)
			}
			job = r.replayed(job.ID)
			r.settled("h")
			if got := strings.TrimSpace(strings.TrimPrefix(r.events("h"), before)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if want := strings.Count(tt.want, "*"); job.Fed != uint64(want) || job.Unwanted != tt.unwanted {
				t.Errorf("the job is %+v", job)
			}
		})
	}
}

// Whatever interrupts a replay, each event is fed once and lanes keep their order.
func TestInterruptedReplayIsCompleted(t *testing.T) {
	t.Parallel()
	const vehicles, each = 3, 8
	plain, changed := handler("h", ""), handler("h", `pause = "1ms"`)
	stop := func(t *testing.T, r *rig, id string) {
		t.Helper()
		job, err := r.e.StopReplay(context.Background(), id)
		if err != nil || job.State != replay.StateStopped {
			t.Fatalf("stop: %v, the job is %+v", err, job)
		}
	}
	resume := func(t *testing.T, r *rig, id string) {
		t.Helper()
		if job := r.job(id); job.State != replay.StateStopped {
			t.Errorf("before the resume the job is %+v", job)
		}
		job, err := r.e.ResumeReplay(context.Background(), id)
		if err != nil || job.State != replay.StateRunning {
			t.Fatalf("resume: %v, the job is %+v", err, job)
		}
	}
	for _, tt := range []struct {
		name      string
		interrupt func(t *testing.T, r *rig, id string)
	}{
		{"by an operator", func(t *testing.T, r *rig, id string) {
			stop(t, r, id)
			resume(t, r, id)
		}},
		{"by an operator, and resumed after a restart", func(t *testing.T, r *rig, id string) {
			stop(t, r, id)
			r.restart()
			r.apply("two", r.defs(plain))
			resume(t, r, id)
		}},
		{"by an operator, and resumed after a change", func(t *testing.T, r *rig, id string) {
			stop(t, r, id)
			r.apply("two", r.defs(changed))
			resume(t, r, id)
		}},
		{"by a restart", func(_ *testing.T, r *rig, _ string) {
			r.restart()
			r.apply("two", r.defs(plain))
		}},
		{"by a reload", func(_ *testing.T, r *rig, _ string) {
			r.apply("two", r.defs(plain+handler("other", "")))
		}},
		{"by a change", func(_ *testing.T, r *rig, _ string) {
			r.apply("two", r.defs(changed))
		}},
		{"by a removal", func(_ *testing.T, r *rig, _ string) {
			r.apply("two", r.defs(handler("other", "")))
			r.apply("three", r.defs(plain))
		}},
		{"by a config that is taken back", func(_ *testing.T, r *rig, _ string) {
			r.apply("two", r.defs(changed))
			r.e.Release(context.Background(), "two")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 4*time.Second)
			r.apply("one", r.defs(plain))
			for i := range each {
				for v := range vehicles {
					r.append(fmt.Sprintf("v%d:%d", v, i))
				}
			}
			r.settled("h")
			job, err := r.e.ReplayEvents(context.Background(), "h", Filter{}, 40)
			if err != nil {
				t.Fatal(err)
			}
			r.eventually("it has begun", func() bool { return r.job(job.ID).Fed > 0 })
			if fed := r.job(job.ID).Fed; fed == vehicles*each {
				t.Fatal("it was done before it could be interrupted")
			}
			tt.interrupt(t, r, job.ID)
			job = r.replayed(job.ID)
			r.settled("h")
			if job.Fed != vehicles*each || job.Open != 0 {
				t.Errorf("the job is %+v", job)
			}
			next := map[string]int{}
			for _, l := range r.lines() {
				if l.label != "h" || !l.replay {
					continue
				}
				lane, number, _ := strings.Cut(l.event, ":")
				if number != fmt.Sprint(next[lane]) {
					t.Errorf("%s came where %d is due", l.event, next[lane])
				}
				next[lane]++
			}
			for v := range vehicles {
				if got := next[fmt.Sprintf("v%d", v)]; got != each {
					t.Errorf("%d events of vehicle %d were replayed, want %d", got, v, each)
				}
			}
		})
	}
}

func TestEventsThatComeDuringAReplayAreNotPartOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	r.append("v:1", "v:2", "v:3")
	r.settled("h")
	job, err := r.e.ReplayEvents(context.Background(), "h", Filter{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	r.append("w:4")
	r.eventually("the new event is delivered", func() bool { return strings.Contains(r.events("h"), "w:4") })
	job = r.replayed(job.ID)
	r.settled("h")
	if got := r.events("h"); job.Fed != 3 || strings.Count(got, "*") != 3 || strings.Contains(got, "w:4*") {
		t.Errorf("the handler had %q by %+v", got, job)
	}
}

func TestReplayOfAPausedHandlerWaits(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("h", "")))
	r.append("v:1", "v:2")
	r.settled("h")
	if err := r.e.Pause(ctx, "h"); err != nil {
		t.Fatal(err)
	}
	r.append("v:3")
	r.eventually("the event is in memory", func() bool { return r.status("h").Dispatch.InMemory == 1 })
	job, err := r.e.ReplayEvents(ctx, "h", Filter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if job = r.replayed(job.ID); job.Fed != 2 || job.Open != 1 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.events("h"); got != "v:1 v:2" {
		t.Errorf("the paused handler got %q", got)
	}
	if err := r.e.Resume(ctx, "h"); err != nil {
		t.Fatal(err)
	}
	r.settled("h")
	if got := r.events("h"); got != "v:1 v:2 v:1* v:2* v:3" && got != "v:1 v:2 v:3 v:1* v:2*" {
		t.Errorf("the handler had %q", got)
	}
}

func TestWhatCannotBeReplayed(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("h", "")))
	now := time.Now()
	for _, tt := range []struct {
		name, handler string
		filter        Filter
		rate          float64
		want          string
	}{
		{"unknown handler", "g", Filter{}, 0, `no handler "g"; there are h`},
		{"a reason", "h", Filter{Reason: buffer.ReasonRejected}, 0, "only dead letters have one"},
		{"another handler in the filter", "h", Filter{Handler: "g"}, 0, "only dead letters belong to a handler"},
		{"ids of letters", "h", Filter{DeadLetters: []buffer.DeadLetterID{"1"}}, 0, "give event ids"},
		{"too many ids", "h", Filter{EventIDs: make([]string, replay.MaxIDs+1)}, 0, "1001 ids are too many"},
		{"times the wrong way round", "h", Filter{Since: now, Until: now.Add(-time.Hour)}, 0, "is not before until"},
		{"too fast", "h", Filter{}, 10_001, "must be 0.01 to 10000 events"},
		{"backwards", "h", Filter{}, -1, "must be 0.01 to 10000"},
		{"no number", "h", Filter{}, math.NaN(), "must be 0.01 to 10000"},
	} {
		if _, err := r.e.ReplayEvents(ctx, tt.handler, tt.filter, tt.rate); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := r.e.StopReplay(ctx, "nope"); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("stop: %v", err)
	}
	if _, err := r.e.ResumeReplay(ctx, "nope"); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("resume: %v", err)
	}
	if jobs, err := r.e.Replays(ctx); err != nil || len(jobs) != 0 {
		t.Errorf("there are %v, %v", jobs, err)
	}
}
