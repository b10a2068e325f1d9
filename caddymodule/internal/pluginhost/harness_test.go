package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// journal is a log that tests can wait on.
type journal struct {
	mu   sync.Mutex
	recs []map[string]any
	more chan struct{}
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

func (j *journal) Write(b []byte) (int, error) {
	var rec map[string]any
	if err := json.Unmarshal(b, &rec); err != nil {
		return 0, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recs = append(j.recs, rec)
	close(j.more)
	j.more = make(chan struct{})
	return len(b), nil
}

func (j *journal) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: level}))
}

func (j *journal) snapshot() []map[string]any {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.recs)
}

// await returns the first record that fits, waiting for it.
func (j *journal) await(t testing.TB, what string, fits func(map[string]any) bool) map[string]any {
	t.Helper()
	return j.awaitN(t, 1, what, fits)
}

// awaitN returns the nth record that fits, waiting for it.
func (j *journal) awaitN(t testing.TB, n int, what string, fits func(map[string]any) bool) map[string]any {
	t.Helper()
	late := time.After(patience)
	for {
		j.mu.Lock()
		recs, more := j.recs, j.more
		j.mu.Unlock()
		seen := 0
		for _, rec := range recs {
			if !fits(rec) {
				continue
			}
			if seen++; seen == n {
				return rec
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("no log record: %s\nhave: %v", what, recs)
		}
	}
}

func message(text string) func(map[string]any) bool {
	return func(rec map[string]any) bool { return rec["msg"] == text }
}

// quick are timings for tests: short where a test waits for them to end, long where
// they must not.
func quick() timing {
	t := defaultTiming()
	t.handshake = patience
	t.describe, t.configure = patience, patience
	t.backoffMin, t.backoffMax = time.Millisecond, 20*time.Millisecond
	return t
}

// fakeSpec runs this test binary as a fake plugin with quirks.
func fakeSpec(t testing.TB, log *journal, quirks ...string) Spec {
	return roleSpec(t, log, "fake", quirks...)
}

func roleSpec(t testing.TB, log *journal, role string, args ...string) Spec {
	spec := Spec{
		Handler:    "h1",
		Command:    self(),
		Args:       append([]string{"as", role}, args...),
		RuntimeDir: t.TempDir(),
		// A plugin built for the race detector would wait a second at its end.
		Env: []string{"GORACE=atexit_sleep_ms=0"},
		Log: slog.New(slog.DiscardHandler),
	}
	if log != nil {
		spec.Log = log.logger(slog.LevelDebug)
	}
	return spec
}

// newPlugin returns a plugin that the test's end stops.
func newPlugin(t testing.TB, spec Spec, change ...func(*timing)) *Plugin {
	t.Helper()
	p := New(spec)
	p.t = quick()
	for _, c := range change {
		c(&p.t)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = p.Stop(ctx)
	})
	return p
}

func mustStart(t testing.TB, p *Plugin) {
	t.Helper()
	if err := p.Start(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func deliveries(payloads ...string) []dispatch.Delivery {
	var batch []dispatch.Delivery
	for i, body := range payloads {
		batch = append(batch, dispatch.Delivery{Attempt: 1, Event: &buffer.Event{
			ID: "e", Position: uint64(i + 1), VehicleID: "v", Body: []byte(body)}})
	}
	return batch
}

// handleOne delivers one event and returns its result.
func handleOne(t testing.TB, p *Plugin, payload string) dispatch.Result {
	t.Helper()
	results, err := p.Handle(testContext(t), deliveries(payload))
	if err != nil {
		t.Fatalf("handling %q: %v", payload, err)
	}
	if len(results) != 1 {
		t.Fatalf("handling %q: got %d results, want 1", payload, len(results))
	}
	return results[0]
}

// lookout is where processes connect to, so that a test sees whether they live.
type lookout struct {
	path string
	ln   net.Listener
}

func newLookout(t testing.TB) *lookout {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return &lookout{path: path, ln: ln}
}

// seen waits for a process to connect.
func (l *lookout) seen(t testing.TB) net.Conn {
	t.Helper()
	_ = l.ln.(*net.UnixListener).SetDeadline(time.Now().Add(patience))
	conn, err := l.ln.Accept()
	if err != nil {
		t.Fatalf("no process connected: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// awaitEnd waits for the process behind conn to end.
func awaitEnd(t testing.TB, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the process still lives: %v", err)
	}
}
