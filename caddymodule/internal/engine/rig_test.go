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
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// diskOpener opens a real buffer in a directory.
type diskOpener struct {
	options disk.Options
	fail    func() error
}

func (o *diskOpener) Key() string { return o.options.Path }

func (o *diskOpener) Open(ctx context.Context, _ *slog.Logger) (buffer.Buffer, error) {
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
		Opener: &diskOpener{options: disk.Options{Path: filepath.Join(dir, "buffer")}},
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
		Bundled: func(name string) (sdk.Schema, bool) { return witness().Schema(), true },
	})
	if diags.HasErrors() {
		r.t.Fatalf("loading the handlers: %v", diags)
	}
	return f.Handlers
}

// handler is the text of one handler block.
func handler(name, config string) string {
	return fmt.Sprintf("handler %q {\n  plugin = \"witness\"\n  config {\n    file = OUT\n    label = %q\n    %s\n  }\n}\n", name, name, config)
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
	for _, h := range r.e.Status().Handlers {
		if h.Name == name {
			return h
		}
	}
	r.t.Fatalf("no handler %q in %+v", name, r.e.Status().Handlers)
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
}

func (r *rig) lines() []line {
	raw, err := os.ReadFile(r.out())
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	var lines []line
	for text := range strings.Lines(string(raw)) {
		var l line
		if _, err := fmt.Sscanf(text, "%s %d %s %d\n", &l.label, &l.pid, &l.event, &l.attempt); err == nil {
			lines = append(lines, l)
		}
	}
	return lines
}

// eventually waits until the condition holds.
func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			r.t.Fatalf("never came: %s; status %+v", what, r.e.Status())
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
