package engine

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// diskOpener opens a real buffer in a directory.
type diskOpener struct {
	options disk.Options
	fail    func() error
}

func (o *diskOpener) Key() string { return o.options.Path }

func (o *diskOpener) Limits() buffer.Limits { return buffer.Limits(o.options.Limits) }

func (o *diskOpener) Open(ctx context.Context, _ buffer.Host) (buffer.Buffer, error) {
	if o.fail != nil {
		if err := o.fail(); err != nil {
			return nil, err
		}
	}
	return disk.Open(ctx, o.options)
}

func (o *diskOpener) Reconfigure(b buffer.Buffer) error {
	return b.(*disk.Buffer).Reconfigure(o.options.Limits)
}

// logBuffer is a log that a test can read while others write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// rig is an engine over a real disk buffer, with handlers in real processes.
type rig struct {
	t   *testing.T
	dir string
	e   *Engine
	log *logBuffer
	// ahead is how far the buffer's clock is ahead of the time.
	ahead atomic.Int64
}

func newRig(t *testing.T, drain time.Duration) *rig {
	t.Helper()
	// Paths of unix sockets are short.
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, log: new(logBuffer)}
	r.e = New(Options{
		Reread: reread,
		Opener: &diskOpener{options: disk.Options{
			Path:  filepath.Join(dir, "buffer"),
			Clock: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) },
		}},
		Bundled: func(name string) (string, []string, bool) {
			return os.Args[0], []string{runAsPlugin}, name == "witness"
		},
		RuntimeDir:   filepath.Join(dir, "run"),
		DrainTimeout: drain,
		Log:          slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	t.Cleanup(func() {
		if err := r.e.Destruct(); err != nil && !t.Failed() {
			t.Logf("destruct: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
		_ = os.RemoveAll(dir)
	})
	return r
}

// reread reads an event's envelope again, as the receiver does.
func reread(e *buffer.Event) error {
	envelope, err := smartcar.ParseEnvelope(e.Body)
	if err != nil {
		return err
	}
	if envelope.EventID != "" {
		e.ID = envelope.EventID
	}
	e.Type, e.VehicleID, e.Digest = envelope.EventType, envelope.VehicleID, envelope.Digest
	return nil
}

// defs loads definitions from text; handlers of the plugin "witness" write to the
// file "out" of the rig.
func (r *rig) defs(text string) []handlersfile.Definition {
	r.t.Helper()
	text = strings.ReplaceAll(text, "OUT", strconv.Quote(r.out()))
	path := filepath.Join(r.dir, "handlers.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	f, diags := handlersfile.Load([]string{path}, handlersfile.Options{
		Bundled: func(_ string) (sdk.Schema, bool) { return witness().Schema(), true },
	})
	if diags.HasErrors() {
		r.t.Fatalf("loading the handlers: %v", diags)
	}
	return f.Handlers
}

// handler is the text of one handler block. A plugin built for the race detector would wait
// a second at its end.
func handler(name, config string) string {
	return fmt.Sprintf("handler %q {\n  plugin = \"witness\"\n  env = { GORACE = \"atexit_sleep_ms=0\" }\n  config {\n    file = OUT\n    label = %q\n    %s\n  }\n}\n", name, name, config)
}

func (r *rig) out() string { return filepath.Join(r.dir, "out") }

func (r *rig) apply(owner any, defs []handlersfile.Definition) {
	r.t.Helper()
	if err := r.e.Apply(context.Background(), owner, defs); err != nil {
		r.t.Fatalf("apply for %v: %v", owner, err)
	}
}

func (r *rig) append(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		lane, _, _ := strings.Cut(id, ":")
		e := &buffer.Event{Source: "test", ID: id, VehicleID: lane, Type: "VEHICLE_STATE", Body: []byte("{}"), ReceivedAt: time.Now()}
		if _, err := r.e.Append(context.Background(), e); err != nil {
			r.t.Fatalf("append: %v", err)
		}
	}
}

// status returns the status of one handler.
func (r *rig) status(name string) HandlerStatus {
	r.t.Helper()
	for _, h := range r.e.Status(context.Background()).Handlers {
		if h.Name == name {
			return h
		}
	}
	r.t.Fatalf("no handler %q in %+v", name, r.e.Status(context.Background()).Handlers)
	return HandlerStatus{}
}

// pid returns the process of a handler that must be up.
func (r *rig) pid(name string) int {
	r.t.Helper()
	s := r.status(name)
	if !s.Plugin.Up || s.Plugin.PID == 0 {
		r.t.Fatalf("handler %q is not up: %+v", name, s)
	}
	return s.Plugin.PID
}

// line is one delivery that a witness wrote down.
type line struct {
	label, event string
	pid, attempt int
	replay       bool
}

func (r *rig) lines() []line {
	raw, err := os.ReadFile(r.out())
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	var lines []line
	for text := range strings.Lines(string(raw)) {
		var l line
		if _, err := fmt.Sscanf(text, "%s %d %s %d %t\n", &l.label, &l.pid, &l.event, &l.attempt, &l.replay); err == nil {
			lines = append(lines, l)
		}
	}
	return lines
}

// events returns what a handler got, in order; what was marked as a replay ends in
// "*".
func (r *rig) events(label string) string {
	var events []string
	for _, l := range r.lines() {
		switch {
		case l.label != label:
		case l.replay:
			events = append(events, l.event+"*")
		default:
			events = append(events, l.event)
		}
	}
	return strings.Join(events, " ")
}

// restart ends the engine and puts another over the same buffer in its place.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.e.Destruct(); err != nil {
		r.t.Fatalf("destruct: %v", err)
	}
	r.e = New(r.e.opts)
}

// touch makes a file of the rig and returns its path.
func (r *rig) touch(name string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// sweep lets so much time pass for the buffer, and has it trim.
func (r *rig) sweep(d time.Duration) {
	r.t.Helper()
	r.ahead.Add(int64(d))
	if err := r.e.Reconfigure(r.e.opts.Opener); err != nil {
		r.t.Fatal(err)
	}
}

// eventually waits until the condition holds.
func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			r.t.Fatalf("never came: %s; status %+v", what, r.e.Status(context.Background()))
		}
	}
}

// settled waits until a handler has nothing left.
func (r *rig) settled(name string) {
	r.t.Helper()
	r.eventually(name+" has nothing left", func() bool {
		c := r.status(name).Consumer
		return c.Pending == 0 && c.Leased == 0 && c.Deferred == 0
	})
}
