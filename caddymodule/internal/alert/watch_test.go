package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// A thing is said when it has stood, once in each window, and when it has ended, with how long it lasted.
func TestOneMessageInAWindow(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(59 * time.Second)
		expect(t, "before it has stood", b.titles())
		pass(17 * time.Second)
		expect(t, "when it has stood", b.titles(), "crm is down")
		pass(3*time.Hour + 58*time.Minute)
		expect(t, "within the window", b.titles())
		pass(2 * time.Minute)
		expect(t, "after the window", b.titles(), "crm is down")
		pass(4 * time.Hour)
		m := b.last(t)
		expect(t, "after another", b.titles(), "crm is down")
		if !strings.Contains(m.Text, "(it has lasted for 8h0") || !strings.Contains(m.Text, "caddy smartcar restart crm") {
			t.Errorf("%s", m.Text)
		}
		w.set()
		pass(50 * time.Second)
		expect(t, "when it is gone for a moment", b.titles())
		pass(30 * time.Second)
		m = b.last(t)
		expect(t, "when it has ended", b.titles(), "resolved: crm is down")
		if !strings.Contains(m.Text, "+ resolved, after 8h0") {
			t.Errorf("%s", m.Text)
		}
		pass(24 * time.Hour)
		expect(t, "when all is well", b.titles())
	})
}

func TestShortThingsAreNotSaid(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(45 * time.Second)
		w.set()
		pass(time.Hour)
		expect(t, "an hour later", b.titles())
	})
}

// What comes together is one message, the worst first, with the numbers of now.
func TestDigest(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(letters(2), down("crm"))
		pass(40 * time.Second)
		w.set(letters(17), down("crm"), down("archive"))
		pass(36 * time.Second)
		m := b.last(t)
		expect(t, "together", b.titles(), "2 things need attention")
		first, second := strings.Index(m.Text, "! crm is down"), strings.Index(m.Text, "- 17 dead letters")
		if first < 0 || second < first || !strings.Contains(m.Text, "1 more, said before or new") || !strings.HasPrefix(m.Text, "On web-1, which receives production:") {
			t.Errorf("%s", m.Text)
		}
		pass(time.Minute)
		expect(t, "the one that came later", b.titles(), "archive is down")
		w.set(down("archive"))
		pass(2 * time.Minute)
		m = b.last(t)
		expect(t, "two have ended", b.titles(), "2 things are resolved")
		var p Payload
		if err := json.Unmarshal(m.JSON, &p); err != nil || p.Standing != 1 || len(p.Items) != 2 || p.Items[0].State != Ended || p.Items[1].ID != "handler_down/crm" {
			t.Errorf("%s, %v", m.JSON, err)
		}
	})
}

// What comes and goes is said a few times, and not each time.
func TestFlapping(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		for range 120 { // 20 hours
			w.set(down("crm"))
			pass(5 * time.Minute)
			w.set()
			pass(5 * time.Minute)
		}
		n := len(b.titles())
		if n < 5 || n > 20 {
			t.Errorf("%d messages in 20 hours, of something that came 120 times", n)
		}
		pass(4*time.Hour + 2*time.Minute)
		expect(t, "when it stays away", b.titles(), "resolved: crm is down")
	})
}

// A reload says nothing again, whatever it was about: the same targets, others that are taken back, a pause without any.
func TestReloadSaysNothingTwice(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(2 * time.Minute)
		expect(t, "first", b.titles(), "crm is down")
		w.Configure(to(b, "slack"))
		pass(2 * time.Minute)
		expect(t, "after a reload", b.titles())
		w.Configure(to(new(box), "mail"))
		pass(2 * time.Minute)
		w.Configure(to(b, "slack"))
		pass(2 * time.Minute)
		expect(t, "after one that was taken back", b.titles())
		w.Configure(Config{})
		pass(2 * time.Minute)
		w.Configure(to(b, "slack", "mail"))
		pass(2 * time.Minute)
		expect(t, "after one without messages", b.titles())
		w.set()
		pass(2 * time.Minute)
		expect(t, "the end", b.titles(), "resolved: crm is down", "resolved: crm is down")
	})
}

// However much happens, an hour has so many messages, and what is remembered is bounded.
func TestFlood(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		for i := range 3 * 180 { // 3 hours
			w.set(down(fmt.Sprint("a", i)), down(fmt.Sprint("a", i-1)), down(fmt.Sprint("a", i-2)), down(fmt.Sprint("a", i-3)), down(fmt.Sprint("a", i-4)))
			pass(20 * time.Second)
		}
		b.mu.Lock()
		for i := range b.at {
			if i >= mostInAnHour && b.at[i].Sub(b.at[i-mostInAnHour]) < time.Hour {
				t.Fatalf("%d messages within %s", mostInAnHour+1, b.at[i].Sub(b.at[i-mostInAnHour]))
			}
		}
		if len(b.at) < 2*mostInAnHour {
			t.Errorf("only %d messages", len(b.at))
		}
		b.mu.Unlock()
		var many []api.Attention
		for i := range 3 * mostItems {
			many = append(many, down(fmt.Sprint("b", i)))
		}
		w.set(many...)
		pass(2 * time.Hour)
		w.Watch.mu.Lock()
		defer w.Watch.mu.Unlock()
		if n, told := len(w.stand.items), len(w.peers["slack"].ledger.told); n > mostItems || told > mostItems {
			t.Errorf("%d items and %d told are remembered", n, told)
		}
		if n := len(b.last(t).Text); n > 2*mostNamed*mostWords {
			t.Errorf("a message of %d bytes", n)
		}
	})
}

func TestLevel(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		c := to(b, "slack")
		c.Level = api.LevelError
		w.Configure(c)
		w.set(letters(3))
		pass(time.Hour)
		expect(t, "a warning", b.titles())
		w.set(letters(3), down("crm"))
		pass(2 * time.Minute)
		expect(t, "an error", b.titles(), "crm is down")
	})
}

// A status that hangs, as on a disk that does, is said; what stood before it is not taken for ended.
func TestStatusThatHangs(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(2 * time.Minute)
		expect(t, "first", b.titles(), "crm is down")
		hang := make(chan struct{})
		w.mu.Lock()
		w.hang = hang
		w.mu.Unlock()
		pass(10 * time.Minute)
		titles := b.titles()
		if len(titles) != 1 || !strings.HasPrefix(titles[0], "how things stand cannot be found out") {
			t.Errorf("%q", titles)
		}
		w.mu.Lock()
		w.hang = nil
		w.mu.Unlock()
		close(hang)
		pass(3 * time.Minute)
		titles = b.titles()
		if len(titles) != 1 || !strings.HasPrefix(titles[0], "resolved: how things stand") {
			t.Errorf("%q", titles)
		}
	})
}

// A Caddy that stops has nothing to say of it, and does not say that all is resolved.
func TestStopping(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(2 * time.Minute)
		b.titles()
		w.mu.Lock()
		w.state = "closed"
		w.mu.Unlock()
		w.set(api.Attention{Kind: api.Stopping, Level: api.LevelError, What: "Caddy is stopping", Do: "wait"})
		pass(time.Hour)
		expect(t, "while it stops", b.titles())
	})
}

func TestReport(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		if r := New(w.now, slog.Default()).Report(); len(r.Targets) > 0 || r.Every != 0 {
			t.Errorf("without a config: %+v", r)
		}
		w.set(letters(2), down("crm"))
		pass(2 * time.Minute)
		b.fail(errors.New("it answered 500"))
		w.set(letters(2), down("crm"), down("archive"))
		pass(2 * time.Minute)
		r := w.Report()
		if r.Every != 14400 || r.After != 60 || r.Level != "warning" || len(r.Messages) != 1 || r.Messages[0].Target != "slack" {
			t.Errorf("%+v", r)
		}
		if len(r.Items) != 4 || r.Items[0].ID != "handler_down/archive" || r.Items[3].Kind != api.MessageUnsent || r.Items[1].Since.Sub(w.begun) > 15*time.Second {
			t.Errorf("%+v", r.Items)
		}
		v := r.Targets[0]
		if v.Target != "slack" || v.Sent != 1 || v.LastError != "it answered 500" || v.FailingSince.IsZero() || !v.NextTryAt.After(v.FailingSince) {
			t.Errorf("%+v", v)
		}
	})
}

// What a handler's own program has said stays on the machine: its author may have put anything into it.
func TestOwnWordsStayHere(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		a := down("crm")
		a.Said = "no car 1HGCM82633A004352 at 52.5200,13.4050"
		a.What += ": " + a.Said
		w.set(a)
		pass(2 * time.Minute)
		w.set()
		pass(2 * time.Minute)
		if len(b.got) != 2 {
			t.Fatalf("%d messages", len(b.got))
		}
		for _, m := range b.got {
			all := m.Title + m.Text + string(m.JSON)
			if strings.Contains(all, "1HGCM82633A004352") || strings.Contains(all, "52.5200") {
				t.Errorf("%s", all)
			}
		}
		if !strings.Contains(b.got[0].Text, "! crm is down (why: caddy smartcar status crm)") {
			t.Errorf("%s", b.got[0].Text)
		}
	})
}
