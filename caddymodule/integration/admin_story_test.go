package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Events can be listed, filtered, paged through, found and shown.
func TestAdminEvents(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, _ := newAdminSite(t)
	s.startAdmin(t)
	s.must(t, "There is no such event", "events")
	first := s.sendEvents(t, "car-1", 5)
	between := time.Now()
	second := s.sendEvents(t, "car-2", 3)
	s.settled(t)

	ids := func(p adminPage) (ids []string) {
		for _, e := range p.Items {
			ids = append(ids, e.ID)
		}
		return ids
	}
	all := slices.Concat(first, second)
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	tests := []struct {
		query string
		want  []string
	}{
		{"", all},
		{"newest=true", backwards},
		{"vehicle=car-1", first},
		{"type=VEHICLE_STATE&mode=LIVE&source=default", all},
		{"type=VEHICLE_ERROR", nil},
		{"since=" + url.QueryEscape(between.Format(time.RFC3339Nano)), second},
		{"until=" + url.QueryEscape(between.Format(time.RFC3339Nano)), first},
		{"id=" + second[1], second[1:2]},
		{"source=default&id=" + first[0], first[:1]},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			var p adminPage
			s.get(t, "/smartcar/events?"+tt.query, &p)
			if diff := cmp.Diff(tt.want, ids(p)); diff != "" || p.NextCursor != "" {
				t.Errorf("next %q, %s", p.NextCursor, diff)
			}
			var paged []string
			for cursor, pages := "", 0; !strings.Contains(tt.query, "id="); pages++ {
				var p adminPage
				s.get(t, "/smartcar/events?limit=2&cursor="+cursor+"&"+tt.query, &p)
				if len(p.Items) > 2 || pages > 8 {
					t.Fatalf("page %d has %d events", pages, len(p.Items))
				}
				paged = append(paged, ids(p)...)
				if cursor = p.NextCursor; cursor == "" {
					if diff := cmp.Diff(tt.want, paged); diff != "" {
						t.Error(diff)
					}
					break
				}
			}
		})
	}

	t.Run("one event", func(t *testing.T) {
		var e adminEvent
		s.get(t, "/smartcar/events/6", &e)
		if e.ID != second[0] || e.Position != 6 || e.VehicleID != "car-2" || e.SizeBytes != len(e.Payload) || !json.Valid(e.Payload) {
			t.Errorf("%+v", e)
		}
		want := []adminStanding{{Handler: "archive", State: "settled"}, {Handler: "crm", State: "settled"}}
		if diff := cmp.Diff(want, e.Handlers); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("commands", func(t *testing.T) {
		if out := s.must(t, "POSITION", "events", "--vehicle", "car-2"); strings.Count(out, "car-2") != 3 || strings.Contains(out, "car-1") {
			t.Errorf("the list:\n%s", out)
		}
		if out := s.must(t, "There are more", "events", "--limit", "2", "--newest"); !strings.Contains(out, second[2]) || strings.Contains(out, second[0]) {
			t.Errorf("the newest two:\n%s", out)
		}
		s.must(t, "There is no such event", "events", "--type", "vehicle_error", "--since", "1h")
		for _, name := range []string{"6", second[0]} {
			out := s.must(t, second[0], "show", name)
			for _, want := range []string{"car-2", "archive", "settled", `"eventType": "VEHICLE_STATE"`} {
				if !strings.Contains(out, want) {
					t.Errorf("show %s lacks %q:\n%s", name, want, out)
				}
			}
		}
		s.refused(t, "neither an event nor a dead letter", "show", "no-such-thing")
		s.refused(t, "stored are 1 to 8", "show", "99")
		s.refused(t, "--since", "events", "--since", "yesterday")
		raw := s.askAdmin(t, http.MethodGet, "/smartcar/events/6", "").body
		if out := s.must(t, "", "show", "6", "--json"); out != string(raw) {
			t.Errorf("--json prints something else than the answer:\n%s\n%s", out, raw)
		}
	})
}

// Dead letters, from the first rejection to the last drop.
func TestAdminDeadLetters(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, app := newAdminSite(t)
	s.startAdmin(t)
	s.must(t, "Nothing needs attention", "status")
	app.answer("car-1", http.StatusUnprocessableEntity)
	app.answer("car-2", http.StatusInternalServerError)
	rejected := s.sendEvents(t, "car-1", 3)
	exhausted := s.sendEvents(t, "car-2", 2)
	garbage := []byte("\x00 not json")
	if status, err := post(s.client, s.url, garbage, smartcar.Sign(testToken, garbage)); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v", status, err)
	}
	waitFor(t, "six dead letters", 20*time.Second, func() bool { return s.status(t).Buffer.DeadLetters == 6 })
	s.settled(t)

	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "6 dead letters") || !strings.Contains(out, "1 thing needs attention") {
		t.Errorf("status: exit code %d\n%s", code, out)
	}
	var p adminPage
	s.get(t, "/smartcar/dead-letters?handler=crm&reason=exhausted", &p)
	if len(p.Items) != 2 {
		t.Fatalf("exhausted: %+v", p.Items)
	}
	letter := p.Items[0]
	if letter.Handler != "crm" || letter.Attempts != 3 || letter.Event.ID != exhausted[0] || letter.DiedAt.IsZero() || !strings.Contains(letter.LastError, "500") {
		t.Errorf("%+v", letter)
	}
	var one adminEvent
	s.get(t, "/smartcar/dead-letters/"+letter.ID, &one)
	if one.ID != letter.ID || !strings.Contains(string(one.Payload), exhausted[0]) {
		t.Errorf("%+v", one)
	}
	var event adminEvent
	s.get(t, fmt.Sprintf("/smartcar/events/%d", letter.Event.Position), &event)
	if crm := event.Handlers[1]; crm.State != "dead_letter" || crm.DeadLetter != letter.ID || crm.Attempts != 3 {
		t.Errorf("the event's own state does not name its dead letter: %+v", event.Handlers)
	}
	var lost adminPage
	s.get(t, "/smartcar/dead-letters?reason=unreadable", &lost)
	if len(lost.Items) != 1 || lost.Items[0].Handler != "" {
		t.Fatalf("unreadable: %+v", lost.Items)
	}
	unreadable := lost.Items[0].ID
	var bytes adminEvent
	s.get(t, "/smartcar/dead-letters/"+unreadable, &bytes)
	if string(bytes.PayloadBase64) != string(garbage) {
		t.Errorf("%+v", bytes)
	}

	s.must(t, "exhausted", "dead-letters", "list", "--vehicle", "car-2")
	s.must(t, "http_422", "dead-letters", "--reason", "rejected")
	s.must(t, "Dead letter", "show", letter.ID)
	s.must(t, exhausted[0], "dead-letters", "show", letter.ID)

	t.Run("dropping asks", func(t *testing.T) {
		s.must(t, "1 dead letter: 1 of crm, 1 rejected", "dead-letters", "drop", "--event-id", rejected[0], "--dry-run")
		s.refused(t, "--yes", "dead-letters", "drop", "--event-id", rejected[0])
		s.refused(t, "there is no filter", "dead-letters", "drop", "--yes")
		if answer := s.askAdmin(t, http.MethodDelete, "/smartcar/dead-letters", ""); answer.status != http.StatusBadRequest {
			t.Errorf("a DELETE of everything: %d %s", answer.status, answer.body)
		}
		if n := s.status(t).Buffer.DeadLetters; n != 6 {
			t.Errorf("%d dead letters, want 6 still", n)
		}
		s.must(t, "Dropped 1 dead letter", "dead-letters", "drop", "--event-id", rejected[0], "--yes")
		s.refused(t, "is of the event "+rejected[0], "dead-letters", "drop", "--event-id", rejected[0], "--yes")
		if n := s.status(t).Buffer.DeadLetters; n != 5 {
			t.Errorf("%d dead letters, want 5", n)
		}
	})
	t.Run("replaying keeps order", func(t *testing.T) {
		app.answer("car-1", http.StatusOK)
		s.must(t, "2 dead letters: 2 of crm, 2 rejected", "dead-letters", "replay", "--vehicle", "car-1", "--dry-run")
		s.must(t, "done, 100%, 2 put back", "dead-letters", "replay", "--vehicle", "car-1")
		s.settled(t)
		if diff := cmp.Diff(rejected[1:], app.events()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(rejected[1:], app.replays()); diff != "" {
			t.Errorf("marked as replays: %s", diff)
		}
	})
	t.Run("they may die again", func(t *testing.T) {
		s.must(t, "done", "dead-letters", "replay", "--reason", "exhausted")
		waitFor(t, "three dead letters", 20*time.Second, func() bool { return s.status(t).Buffer.DeadLetters == 3 })
	})
	t.Run("unreadable stay", func(t *testing.T) {
		s.must(t, "Read anew: 0 of 1 dead letter of no handler", "dead-letters", "replay", unreadable)
		s.must(t, "Dead letter", "show", unreadable)
	})
	t.Run("one by its id", func(t *testing.T) {
		if answer := s.askAdmin(t, http.MethodDelete, "/smartcar/dead-letters/"+unreadable, ""); answer.status != http.StatusOK {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		if answer := s.askAdmin(t, http.MethodDelete, "/smartcar/dead-letters/"+unreadable, ""); answer.status != http.StatusNotFound {
			t.Errorf("again: %d %s", answer.status, answer.body)
		}
	})
	t.Run("all", func(t *testing.T) {
		s.must(t, "Dropped 2 dead letters", "dead-letters", "drop", "--all", "--yes")
		s.must(t, "Nothing needs attention", "status")
	})
}

// A replay of stored events: counted first, in order, followed, stopped, resumed.
func TestAdminReplay(t *testing.T) {
	t.Parallel()
	s, app := newAdminSite(t)
	p := s.startAdmin(t)
	first := s.sendEvents(t, "car-1", 4)
	s.sendEvents(t, "car-2", 20)
	s.settled(t)

	s.refused(t, "--handler is missing", "replay", "--all")
	s.refused(t, `no handler "cms": there are archive, crm`, "replay", "--handler", "cms", "--all")
	s.refused(t, "there is no filter", "replay", "--handler", "crm")
	s.refused(t, "rate", "replay", "--handler", "crm", "--all", "--rate", "20000")
	s.must(t, "4 stored events for crm", "replay", "--handler", "crm", "--vehicle", "car-1", "--dry-run")
	if got := app.replays(); len(got) > 0 {
		t.Fatalf("--dry-run replayed %v", got)
	}
	s.must(t, "done, 100%, 4 put back", "replay", "--handler", "crm", "--vehicle", "car-1")
	waitFor(t, "the replay arrives", 10*time.Second, func() bool { return len(app.replays()) == 4 })
	if diff := cmp.Diff(first, app.replays()); diff != "" {
		t.Error(diff)
	}

	out := s.must(t, "has begun", "replay", "--handler", "crm", "--all", "--rate", "1", "--detach")
	_, after, _ := strings.Cut(out, "Replay ")
	id := strings.Fields(after)[0]
	s.must(t, "running", "replay", "list")
	s.must(t, "resume "+id, "replay", "stop", id)
	r := s.replay(t, id)
	if r.State != "stopped" || r.Handler != "crm" || r.Kind != "events" || r.Rate != 1 {
		t.Errorf("%+v", r)
	}
	// It is kept over a restart, as it was left.
	p.terminate(t)
	s.startAdmin(t)
	waitFor(t, "the handlers are at work again", 20*time.Second, func() bool {
		handlers := s.status(t).Handlers
		return len(handlers) > 0 && !slices.ContainsFunc(handlers, func(h adminHandler) bool { return h.State == "starting" })
	})
	if r := s.replay(t, id); r.State != "stopped" {
		t.Errorf("after a restart: %+v", r)
	}
	s.must(t, "running", "replay", "resume", id)
	s.must(t, "", "replay", "stop", id)
	s.refused(t, `there is no replay "no-such-replay"`, "replay", "stop", "no-such-replay")

	t.Run("interrupted", func(t *testing.T) {
		cmd, _ := command(t, "replay", "--handler", "crm", "--all", "--rate", "1", "--address", "unix/"+s.admin)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, last := bufio.NewScanner(stdout), ""
		for lines.Scan() {
			if last = lines.Text(); strings.Contains(last, "running") {
				_ = cmd.Process.Signal(os.Interrupt)
			}
		}
		if err := cmd.Wait(); err != nil || !strings.Contains(last, "goes on. To stop it: caddy smartcar replay stop") {
			t.Errorf("%v, the last line: %s", err, last)
		}
		// As it is printed, with --address.
		_, args, _ := strings.Cut(last, "replay stop")
		s.must(t, "stopped", append([]string{"replay", "stop"}, strings.Fields(args)...)...)
	})
}
