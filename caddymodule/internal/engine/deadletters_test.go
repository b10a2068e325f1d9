package engine

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// refusing is a handler that rejects until fix is called.
func (r *rig) refusing(name string) string {
	return handler(name, "refuse = \""+r.dir+"/fixed\"")
}

func (r *rig) fix() { r.touch("fixed") }

// dead waits until there are so many dead letters.
func (r *rig) dead(n int) {
	r.t.Helper()
	r.eventually("the dead letters are there", func() bool { return r.e.Status(context.Background()).Buffer.DeadLetters == uint64(n) })
}

func (r *rig) countLetters(f Filter) DeadLetterCount {
	r.t.Helper()
	c, err := r.e.CountDeadLetters(context.Background(), f)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func TestDeadLettersAreReplayedAndGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(r.refusing("h")+handler("other", "")))
	r.append("v:1", "w:1", "v:2")
	r.dead(3)
	r.fix()
	jobs, reread, err := r.e.ReplayDeadLetters(ctx, Filter{Vehicle: "v"}, 0)
	if err != nil || len(jobs) != 1 || reread != (Reread{}) {
		t.Fatalf("jobs %+v, reread %+v, %v", jobs, reread, err)
	}
	job := r.replayed(jobs[0].ID)
	r.settled("h")
	if job.Handler != "h" || job.Kind != replay.KindDeadLetters || job.Total != 2 || job.Fed != 2 {
		t.Errorf("the job is %+v", job)
	}
	if got := r.events("h"); got != "v:1* v:2*" {
		t.Errorf("the handler got %q", got)
	}
	want := DeadLetterCount{Total: 1, ByHandler: map[string]int{"h": 1}, ByReason: map[buffer.Reason]int{buffer.ReasonRejected: 1}}
	if diff := cmp.Diff(want, r.countLetters(Filter{})); diff != "" {
		t.Errorf("dead letters that are left (-want +got):\n%s", diff)
	}
	// Nothing is left to replay.
	if jobs, _, err := r.e.ReplayDeadLetters(ctx, Filter{Vehicle: "v"}, 0); err != nil || len(jobs) != 0 {
		t.Errorf("a second replay: %v, %v", jobs, err)
	}
}

func TestLettersOfSeveralHandlers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(r.refusing("h")+r.refusing("i")))
	r.append("v:1", "v:2")
	r.dead(4)
	r.fix()
	jobs, _, err := r.e.ReplayDeadLetters(context.Background(), Filter{}, 0)
	if err != nil || len(jobs) != 2 {
		t.Fatalf("jobs %+v, %v", jobs, err)
	}
	for i, name := range []string{"h", "i"} {
		job := r.replayed(jobs[i].ID)
		r.settled(name)
		if got := r.events(name); job.Handler != name || job.Total != 2 || job.Fed != 2 || got != "v:1* v:2*" {
			t.Errorf("%s got %q by %+v", name, got, job)
		}
	}
	r.dead(0)
}

// What dies again while its replay runs is left for the next one.
func TestLettersThatDieAgain(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(r.refusing("h")))
	r.append("v:1", "v:2")
	r.dead(2)
	jobs, _, err := r.e.ReplayDeadLetters(ctx, Filter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if job := r.replayed(jobs[0].ID); job.Fed != 2 {
		t.Errorf("the job is %+v", job)
	}
	r.settled("h")
	r.dead(2)
	page, err := r.e.DeadLetters(ctx, Filter{}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range page.DeadLetters {
		if l.Retry.Replay != jobs[0].ID || l.Retry.Attempts != 1 {
			t.Errorf("the letter's memory is %+v", l.Retry)
		}
	}
}

func TestLettersOfTrimmedEvents(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(r.refusing("h")))
	r.append("v:1", "v:2")
	r.dead(2)
	r.sweep(8 * 24 * time.Hour)
	r.eventually("the events are trimmed", func() bool {
		_, _, err := r.e.Event(ctx, 2)
		return errors.Is(err, buffer.ErrNotFound)
	})
	r.fix()
	jobs, _, err := r.e.ReplayDeadLetters(ctx, Filter{}, 0)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("jobs %v, %v", jobs, err)
	}
	if job := r.replayed(jobs[0].ID); job.Fed != 2 {
		t.Errorf("the job is %+v", job)
	}
	r.settled("h")
	if got := r.events("h"); got != "v:1* v:2*" {
		t.Errorf("the handler got %q", got)
	}
	r.dead(0)
}

func TestLettersOfHandlersThatAreNotConfigured(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(r.refusing("h")+r.refusing("gone")))
	r.append("v:1")
	r.dead(2)
	r.apply("two", r.defs(r.refusing("h")))
	jobs, _, err := r.e.ReplayDeadLetters(ctx, Filter{}, 0)
	if !errors.Is(err, buffer.ErrNotFound) || !strings.Contains(err.Error(), `handlers gone, which`) || len(jobs) != 0 {
		t.Errorf("jobs %v, %v", jobs, err)
	}
	if jobs, err := r.e.Replays(ctx); err != nil || len(jobs) != 0 {
		t.Errorf("something was begun: %v, %v", jobs, err)
	}
	// Forgetting the handler leaves its letters to be read, and dropped.
	if err := r.e.Forget(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.e.DropDeadLetters(ctx, Filter{Handler: "gone"}); err != nil || n != 1 {
		t.Errorf("%d were dropped, %v", n, err)
	}
	if c := r.countLetters(Filter{}); c.Total != 1 || c.ByHandler["h"] != 1 {
		t.Errorf("left is %+v", c)
	}
}

func TestLettersByFilter(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(r.refusing("h")+r.refusing("i")))
	r.append("v:1", "w:2")
	r.dead(4)
	if _, err := r.e.Append(ctx, &buffer.Event{Source: "other", ID: "x", Unreadable: "not a JSON object", Body: []byte("[]")}); err != nil {
		t.Fatal(err)
	}
	page, err := r.e.DeadLetters(ctx, Filter{}, "", 0)
	if err != nil || len(page.DeadLetters) != 5 || page.Next != "" {
		t.Fatalf("%d letters, next %q, %v", len(page.DeadLetters), page.Next, err)
	}
	last := page.DeadLetters[4]
	first := page.DeadLetters[0]
	for _, tt := range []struct {
		name   string
		filter Filter
		want   int
	}{
		{"all", Filter{}, 5},
		{"vehicle", Filter{Vehicle: "v"}, 2},
		{"handler", Filter{Handler: "h"}, 2},
		{"handler and vehicle", Filter{Handler: "h", Vehicle: "w"}, 1},
		{"reason", Filter{Reason: buffer.ReasonUnreadable}, 1},
		{"no such reason", Filter{Reason: buffer.ReasonPoison}, 0},
		{"type", Filter{Type: "VEHICLE_STATE"}, 4},
		{"source", Filter{Source: "other"}, 1},
		{"event id", Filter{EventIDs: []string{"w:2", "x"}}, 3},
		{"letter", Filter{DeadLetters: []buffer.DeadLetterID{last.ID, first.ID, first.ID}}, 2},
		{"letter that is not the handler's", Filter{Handler: "h", DeadLetters: []buffer.DeadLetterID{last.ID}}, 0},
		{"since the last death", Filter{Since: last.DiedAt}, 1},
		{"until the last death", Filter{Until: last.DiedAt}, 4},
	} {
		if got := r.countLetters(tt.filter).Total; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		page, err := r.e.DeadLetters(ctx, tt.filter, "", 0)
		if err != nil || len(page.DeadLetters) != tt.want {
			t.Errorf("%s: %d are listed, want %d: %v", tt.name, len(page.DeadLetters), tt.want, err)
		}
	}
	var ids []buffer.DeadLetterID
	var after buffer.DeadLetterID
	for {
		page, err := r.e.DeadLetters(ctx, Filter{Type: "VEHICLE_STATE"}, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.DeadLetters {
			ids = append(ids, l.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(ids) != 4 {
		t.Errorf("by pages there are %v", ids)
	}
	if _, err := r.e.CountDeadLetters(ctx, Filter{Reason: "tired"}); err == nil || !strings.Contains(err.Error(), `no reason "tired"`) {
		t.Errorf("a wrong reason: %v", err)
	}
	if _, err := r.e.DeadLetters(ctx, Filter{}, "", MaxPage+1); err == nil {
		t.Error("a limit that is too high was taken")
	}

	if l, err := r.e.DeadLetter(ctx, last.ID); err != nil || l.Event.ID != "x" {
		t.Errorf("the letter is %+v, %v", l, err)
	}
	if n, err := r.e.DropDeadLetters(ctx, Filter{Handler: "h", Vehicle: "v"}); err != nil || n != 1 {
		t.Errorf("%d were dropped, %v", n, err)
	}
	if c := r.countLetters(Filter{}); c.Total != 4 || c.ByHandler["h"] != 1 || c.ByHandler["i"] != 2 || c.ByHandler[""] != 1 {
		t.Errorf("left is %+v", c)
	}
	if n, err := r.e.DropDeadLetters(ctx, Filter{DeadLetters: []buffer.DeadLetterID{last.ID}}); err != nil || n != 1 {
		t.Errorf("%d were dropped by id, %v", n, err)
	}
	if _, err := r.e.DeadLetter(ctx, last.ID); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("a dropped letter: %v", err)
	}
}

func TestUnreadableLettersAreReadAgain(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("h", "")))
	for id, body := range map[string]string{
		"with":    `{"eventId":"v:1","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v"}}}`,
		"without": `{"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"w"}}}`,
		"broken":  `[]`,
	} {
		if _, err := r.e.Append(ctx, &buffer.Event{Source: "test", ID: id, Unreadable: "unknown form", Body: []byte(body), ReceivedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	jobs, got, err := r.e.ReplayDeadLetters(ctx, Filter{Reason: buffer.ReasonUnreadable}, 0)
	if err != nil || len(jobs) != 0 || got != (Reread{Readable: 2, Unreadable: 1}) {
		t.Fatalf("jobs %v, reread %+v, %v", jobs, got, err)
	}
	r.settled("h")
	anew := regexp.MustCompile(`without-reread-\d`).ReplaceAllString(r.events("h"), "without")
	if anew != "v:1 without" && anew != "without v:1" {
		t.Errorf("the handler got %q", anew)
	}
	page, err := r.e.DeadLetters(ctx, Filter{}, "", 0)
	if err != nil || len(page.DeadLetters) != 1 || page.DeadLetters[0].Event.ID != "broken" {
		t.Errorf("left is %+v, %v", page.DeadLetters, err)
	}
}
