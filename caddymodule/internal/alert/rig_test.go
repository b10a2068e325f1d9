package alert

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a sender that keeps what it gets, and fails when it is told to.
type box struct {
	mu    sync.Mutex
	got   []send.Message
	at    []time.Time
	tries []time.Time
	err   error
	hang  bool
}

func (b *box) Send(ctx context.Context, m send.Message) error {
	b.mu.Lock()
	b.tries = append(b.tries, time.Now())
	err, hang := b.err, b.hang
	if err == nil && !hang {
		b.got, b.at = append(b.got, m), append(b.at, time.Now())
	}
	b.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (b *box) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// titles are those of the messages since the last call.
func (b *box) titles() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	titles := []string{}
	for _, m := range b.got {
		_, title, _ := strings.Cut(m.Title, ": ")
		titles = append(titles, title)
	}
	b.got = nil
	return titles
}

func (b *box) last(t *testing.T) send.Message {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) == 0 {
		t.Fatal("no message")
	}
	return b.got[len(b.got)-1]
}

// world is what the status says.
type world struct {
	*Watch
	begun time.Time
	log   strings.Builder

	mu     sync.Mutex
	state  string
	stands []api.Attention
	hang   chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{begun: time.Now(), state: "open"}
	w.Watch = New(w.now, slog.New(slog.NewTextHandler(&w.log, nil)))
	w.host = "web-1"
	return w
}

func (w *world) now(context.Context) (api.Status, bool) {
	w.mu.Lock()
	hang := w.hang
	v := api.Status{Receiving: api.Receiving{State: w.state}, Attention: slices.Clone(w.stands), Sources: []api.Source{{Name: "production"}}}
	w.mu.Unlock()
	if hang != nil {
		<-hang
	}
	v.Attention = append(v.Attention, w.Attention()...)
	return v, true
}

// set makes it so that only these stand.
func (w *world) set(items ...api.Attention) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stands = items
}

func down(handler string) api.Attention {
	return api.Attention{
		Kind: api.HandlerDown, Level: api.LevelError, Handler: handler, What: handler + " is down",
		Do: "fix its plugin, then: caddy smartcar restart " + handler, Commands: []string{"caddy smartcar restart " + handler},
	}
}

func letters(n int) api.Attention {
	return api.Attention{Kind: api.DeadLetters, Level: api.LevelWarning, What: fmt.Sprintf("%d dead letters", n), Do: "look"}
}

var usual = Rules{Every: 4 * time.Hour, After: time.Minute, Level: api.LevelWarning}

func to(b *box, names ...string) Config {
	c := Config{Rules: usual}
	for _, name := range names {
		c.Targets = append(c.Targets, Target{Name: name, Key: name, Sender: b})
	}
	return c
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// in runs a test with a clock of its own, and ends the watch.
func in(t *testing.T, test func(t *testing.T, w *world, b *box)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t), new(box)
		w.Configure(to(b, "slack"))
		test(t, w, b)
		w.Stop()
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
