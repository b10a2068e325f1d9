package alert

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// A target that is new is told what stands.
func TestNewTargetIsTold(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		w.set(down("crm"))
		pass(2 * time.Minute)
		other := new(box)
		c := to(b, "slack")
		c.Targets = append(c.Targets, Target{Name: "mail", Key: "mail", Sender: other})
		w.Configure(c)
		pass(time.Minute)
		expect(t, "the old one", b.titles(), "crm is down")
		expect(t, "the new one", other.titles(), "crm is down")
	})
}

// While messages do not get through they are tried again at growing pauses; what gets through in the end is how things
// stand then. The other targets hear that this one does not.
func TestSenderThatFails(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		other := new(box)
		c := to(b, "slack")
		c.Targets = append(c.Targets, Target{Name: "mail", Key: "mail", Sender: other})
		w.Configure(c)
		b.fail(&send.Error{Host: "hooks.slack.com", RetryAfter: 40 * time.Second})
		w.set(down("crm"), letters(1))
		pass(5 * time.Minute)
		expect(t, "the other target", other.titles(), "2 things need attention",
			"messages about what needs attention do not get to slack, tried for 2m00s: hooks.slack.com:")
		w.set(down("archive"), letters(99))
		pass(3 * time.Hour)
		b.mu.Lock()
		tries := len(b.tries)
		if pause := b.tries[1].Sub(b.tries[0]); pause < 40*time.Second {
			t.Errorf("tried again after %s, although 40s were asked for", pause)
		}
		b.mu.Unlock()
		if tries < 10 || tries > 22 {
			t.Errorf("%d tries in three hours", tries)
		}
		if n := strings.Count(w.log.String(), "level=ERROR"); n < 2 || n > 15 {
			t.Errorf("%d lines in the log for %d tries", n, tries)
		}
		other.titles()
		b.fail(nil)
		pass(16 * time.Minute)
		m := b.last(t)
		expect(t, "when it works again", b.titles(), "2 things need attention")
		if strings.Contains(m.Text, "crm") || !strings.Contains(m.Text, "99 dead letters") {
			t.Errorf("%s", m.Text)
		}
		pass(2 * time.Minute)
		expect(t, "the other target then", other.titles(),
			"resolved: messages about what needs attention do not get to slack, tried for 3h16m: hooks.slack.com:")
	})
}

// Where nothing is to be said any more, a target that failed is not held to fail for ever.
func TestFailureIsForgotten(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		b.fail(errors.New("no"))
		w.set(down("crm"))
		pass(5 * time.Minute)
		if len(w.Attention()) != 1 || w.Attention()[0].ID() != "message_unsent/slack" {
			t.Errorf("%+v", w.Attention())
		}
		w.set()
		pass(20 * time.Minute)
		if len(w.Attention()) != 0 {
			t.Errorf("%+v", w.Attention())
		}
	})
}

// A sender that hangs holds up neither the other targets nor the end.
func TestSenderThatHangs(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		other := new(box)
		b.hang = true
		c := to(b, "slack")
		c.Targets = append(c.Targets, Target{Name: "mail", Key: "mail", Sender: other})
		w.Configure(c)
		w.set(down("crm"))
		pass(time.Hour)
		expect(t, "the other", other.titles(), "crm is down")
		if len(b.tries) != 1 {
			t.Errorf("%d at a time", len(b.tries))
		}
	})
}

// A test reaches each target at once and says what came of it; what failed before is tried again then.
func TestTest(t *testing.T) {
	in(t, func(t *testing.T, w *world, b *box) {
		broken := &box{err: errors.New("it answered 404")}
		c := to(b, "slack")
		c.Targets = append(c.Targets, Target{Name: "mail", Key: "mail", Sender: broken})
		w.Configure(c)
		w.set(down("crm"))
		pass(20 * time.Minute)
		b.titles()
		got := w.Test(t.Context())
		want := []api.AttentionTest{{Target: "slack", Sent: true}, {Target: "mail", Error: "it answered 404"}}
		if !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
		m := b.last(t)
		expect(t, "the test", b.titles(), "a test, nothing is the matter")
		var p Payload
		if err := json.Unmarshal(m.JSON, &p); err != nil || !p.Test || p.Standing != 2 || !strings.Contains(m.Text, "2 things need attention") {
			t.Errorf("%s %s, %v", m.Text, m.JSON, err)
		}
		broken.fail(nil)
		if got := w.Test(t.Context()); !got[1].Sent {
			t.Errorf("%+v", got)
		}
		pass(15 * time.Second)
		expect(t, "what waited", broken.titles(), "a test, nothing is the matter", "crm is down")
	})
}
