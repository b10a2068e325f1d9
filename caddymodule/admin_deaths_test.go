package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// lister pages through dead letters as the engine does.
type lister struct {
	letters []buffer.DeadLetter
	asked   int
}

func (l *lister) DeadLetters(_ context.Context, _ engine.Filter, after buffer.DeadLetterID, limit int) (engine.LetterPage, error) {
	l.asked++
	i := slices.IndexFunc(l.letters, func(d buffer.DeadLetter) bool { return d.ID > after })
	if i < 0 {
		return engine.LetterPage{}, nil
	}
	page := engine.LetterPage{Letters: l.letters[i:]}
	if len(page.Letters) > limit {
		page.Letters = page.Letters[:limit]
		page.Next = page.Letters[limit-1].ID
	}
	return page, nil
}

// The dead letters name whose they are and why, and a handler that gives up on all it
// gets is an error.
func TestDeathsAttention(t *testing.T) {
	old := deadLetters(3, "billing", buffer.ReasonExhausted, "", 5*time.Hour)
	few := deadLetters(9, "crm", buffer.ReasonRejected, "http_404", time.Minute)
	many := deadLetters(10, "crm", buffer.ReasonRejected, "http_404", time.Minute)
	earlier := deadLetters(10, "crm", buffer.ReasonRejected, "http_404", 11*time.Minute)
	lost := deadLetters(12, "", buffer.ReasonUnreadable, "", time.Minute)
	flood := deadLetters(1900, "crm", buffer.ReasonRejected, "", 12*time.Minute)
	tests := []struct {
		name     string
		letters  []buffer.DeadLetter
		want     string // of the warning
		rash     string // of the error, "" for none
		mostAsks int
	}{
		{"old", old, "3 dead letters: billing exhausted", "", 1},
		{"some just now", slices.Concat(old, few), "12 dead letters, 9 in the last hour: crm rejected http_404; billing exhausted", "", 1},
		{"many just now", many, "10 dead letters, 10 in the last hour", "crm gives up on what it gets: 10 dead letters in the last 10 minutes, rejected http_404", 1},
		{"many earlier", earlier, "10 in the last hour", "", 1},
		{"unreadable ones are no handler's", lost, "no handler unreadable", "", 1},
		{"very many", slices.Concat(flood, many), "1,910 dead letters, at least 1,010 in the last hour", "10 dead letters in the last 10 minutes", 2},
		{"very many, all old", deadLetters(1500, "crm", buffer.ReasonRejected, "", 5*time.Hour), "1,500 dead letters: crm rejected; more were not looked at", "", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w deathWatch
			l := &lister{letters: tt.letters}
			stored := uint64(len(tt.letters))
			for range 3 { // the second look makes do with what the first saw
				w.look(t.Context(), noon, l, stored, disk.LetterTime)
			}
			if l.asked > tt.mostAsks {
				t.Errorf("asked %d times", l.asked)
			}
			d := w.current()
			list := d.attention(stored)
			last := list[len(list)-1]
			if last.Level != levelWarning || !strings.Contains(last.What, tt.want) {
				t.Errorf("%+v, want %q", last, tt.want)
			}
			if (len(list) == 2) != (tt.rash != "") || len(list) == 2 && (list[0].Level != levelError || list[0].Handler != "crm" || !strings.Contains(list[0].What, tt.rash)) {
				t.Errorf("%+v, want %q", list, tt.rash)
			}
		})
	}
}

// Only what was removed is forgotten: a handler that is not at work yet is not.
func TestMayForget(t *testing.T) {
	s := engine.Status{
		Handlers: []engine.HandlerStatus{{Name: "crm"}},
		Removed:  []buffer.ConsumerInfo{{Name: "old", OrphanedSince: noon}, {Name: "early"}},
	}
	if err := mayForget(s, "old"); err != nil {
		t.Error(err)
	}
	wantRefusal(t, mayForget(s, "early"), http.StatusServiceUnavailable, "starting or stopping")
	wantRefusal(t, mayForget(s, "crm"), http.StatusConflict, "handlers file")
	wantRefusal(t, mayForget(s, "x"), http.StatusNotFound, "there are old")
	wantRefusal(t, mayForget(engine.Status{}, "x"), http.StatusNotFound, "nor any other")
}

// A handler that nobody has removed is never shown as removed.
func TestNotAtWork(t *testing.T) {
	for receiving, want := range map[engine.Receiving]string{engine.ReceivingOpen: stateStarting, engine.ReceivingClosed: stateStopping} {
		v := makeStatus(noon, engine.Status{Receiving: receiving, Removed: []buffer.ConsumerInfo{
			{Name: "crm", ConsumerStats: buffer.ConsumerStats{Pending: 3, Deferred: 1}, Oldest: noon.Add(-time.Minute)},
		}}, new(counters), new(deathWatch), bufferLimits{retention: time.Hour})
		if len(v.Removed) != 0 || len(v.Handlers) != 1 || v.Handlers[0].State != want || v.Handlers[0].Behind.Events != 4 {
			t.Errorf("%+v", v)
		}
		for _, a := range v.Attention {
			if strings.Contains(a.Do, "forget") {
				t.Errorf("%+v", a)
			}
		}
	}
}

// The answer to an order says what was ordered, even if the figures are late.
func TestTrustOrder(t *testing.T) {
	h := &engine.HandlerStatus{PausedSince: noon}
	h.Plugin.Up, h.Dispatch.Paused = true, true
	if got := handlerState(noon, trustOrder(h, false)); got != "ok" || !h.PausedSince.IsZero() {
		t.Errorf("after a resume it is %s", got)
	}
	if got := handlerState(noon, trustOrder(h, true)); got != "paused" {
		t.Errorf("after a pause it is %s", got)
	}
}

func TestPlain(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"not found": {fmt.Errorf("%s: %w", "no handler \"x\"; there are [\"a b\" \"c\"]", buffer.ErrNotFound), `no handler "x"; there are a b, c`},
		"in use":    {fmt.Errorf("%s: %w", "handler \"x\" is configured", buffer.ErrInUse), `handler "x" is configured`},
		"other":     {errors.New("the disk says no"), "the disk says no"},
	} {
		got := plain(tt.err)
		if got.Error() != tt.want || !errors.Is(got, tt.err) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestCheckRate(t *testing.T) {
	for _, rate := range []float64{0, -1, 0.001, 10001} {
		_, err := checkRate(&rate)
		wantRefusal(t, err, http.StatusBadRequest, "must be 0.01 to 10000")
	}
	fine := 2.5
	if got, err := checkRate(&fine); got != fine || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := checkRate(nil); got != 100 || err != nil {
		t.Errorf("without one: %v, %v", got, err)
	}
}

func TestBriefly(t *testing.T) {
	for why, want := range map[string]string{
		"the handler is unavailable: dial tcp 127.0.0.1:1: connect: connection refused":            "127.0.0.1:1: connect: connection refused",
		"the handler is unavailable: x:1: connecting failed: dial tcp 1.2.3.4:1: connect: refused": "x:1: refused",
		`starting plugin of handler "crm": exit status 2`:                                          "exit status 2",
		"the CRM says: dial again": "the CRM says: dial again",
		"":                         "",
	} {
		if got := briefly(why); got != want {
			t.Errorf("%q became %q, want %q", why, got, want)
		}
	}
}
