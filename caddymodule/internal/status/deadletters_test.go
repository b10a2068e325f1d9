package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// lister pages through dead letters as the engine does.
type lister struct {
	letters []buffer.DeadLetter
	asked   int
}

func (l *lister) DeadLetters(_ context.Context, _ engine.Filter, after buffer.DeadLetterID, limit int) (engine.DeadLetterPage, error) {
	l.asked++
	i := slices.IndexFunc(l.letters, func(d buffer.DeadLetter) bool { return d.ID > after })
	if i < 0 {
		return engine.DeadLetterPage{}, nil
	}
	page := engine.DeadLetterPage{DeadLetters: l.letters[i:]}
	if len(page.DeadLetters) > limit {
		page.DeadLetters = page.DeadLetters[:limit]
		page.Next = page.DeadLetters[limit-1].ID
	}
	return page, nil
}

func (l *lister) DeadLettersSince(_ context.Context, t time.Time) (buffer.DeadLetterID, error) {
	return letterTime(t), nil
}

// letterTime is an id that sorts by the time of death.
func letterTime(t time.Time) buffer.DeadLetterID {
	return buffer.DeadLetterID(fmt.Sprintf("%020d", t.UnixNano()))
}

// deadLettersOf died one after another, the last of them a while ago.
func deadLettersOf(n int, handler string, reason buffer.Reason, code string, ago time.Duration) []buffer.DeadLetter {
	list := make([]buffer.DeadLetter, n)
	for i := range list {
		at := noon.Add(-ago - time.Duration(n-1-i)*time.Second)
		list[i] = buffer.DeadLetter{ID: letterTime(at), Handler: handler, Reason: reason, HandlerReason: code, DiedAt: at}
	}
	return list
}

// The dead letters name whose they are and why, and a handler that gives up on all it
// gets is an error.
func TestDeathsAttention(t *testing.T) {
	old := deadLettersOf(3, "billing", buffer.ReasonExhausted, "", 5*time.Hour)
	few := deadLettersOf(9, "crm", buffer.ReasonRejected, "http_404", time.Minute)
	many := deadLettersOf(10, "crm", buffer.ReasonRejected, "http_404", time.Minute)
	earlier := deadLettersOf(10, "crm", buffer.ReasonRejected, "http_404", 11*time.Minute)
	lost := deadLettersOf(12, "", buffer.ReasonUnreadable, "", time.Minute)
	flood := deadLettersOf(1900, "crm", buffer.ReasonRejected, "", 12*time.Minute)
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
		{"very many, all old", deadLettersOf(1500, "crm", buffer.ReasonRejected, "", 5*time.Hour), "1,500 dead letters: crm rejected; more were not looked at", "", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w DeadLetterWatch
			l := &lister{letters: tt.letters}
			stored := uint64(len(tt.letters))
			for range 3 { // the second look makes do with what the first saw
				w.Look(t.Context(), noon, l, stored)
			}
			if l.asked > tt.mostAsks {
				t.Errorf("asked %d times", l.asked)
			}
			d := w.current()
			list := d.attention(stored)
			last := list[len(list)-1]
			if last.Level != api.LevelWarning || !strings.Contains(last.What, tt.want) {
				t.Errorf("%+v, want %q", last, tt.want)
			}
			if (len(list) == 2) != (tt.rash != "") || len(list) == 2 && (list[0].Level != api.LevelError || list[0].Handler != "crm" || !strings.Contains(list[0].What, tt.rash)) {
				t.Errorf("%+v, want %q", list, tt.rash)
			}
		})
	}
}

// A handler that nobody has removed is never shown as removed.
func TestNotAtWork(t *testing.T) {
	for receiving, want := range map[engine.Receiving]string{engine.ReceivingOpen: api.StateStarting, engine.ReceivingClosed: api.StateStopping} {
		v := Make(noon, engine.Status{Receiving: receiving, Removed: []buffer.ConsumerInfo{
			{Name: "crm", ConsumerStats: buffer.ConsumerStats{Pending: 3, Deferred: 1}, Oldest: noon.Add(-time.Minute)},
		}}, new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{Retention: time.Hour}, Receivers{})
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
