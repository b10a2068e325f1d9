package powercut_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// runAsPlugin as first argument makes the test binary be the plugin below.
const runAsPlugin = "run-as-plugin"

type writerConfig struct {
	File string `config:"file" doc:"Where to write a line for each event."`
}

// writer is a plugin that writes what it has finished to a file, and fails now and then.
func writer() *sdk.Plugin {
	return sdk.New("writer", func(_ context.Context, c writerConfig) (sdk.Handler, error) {
		f, err := os.OpenFile(c.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		return func(_ context.Context, e *sdk.Event) error {
			if e.Attempt == 1 && strings.HasSuffix(e.ID, "3") {
				return sdk.Retry(20*time.Millisecond, errors.New("not at once"))
			}
			_, err := fmt.Fprintln(f, e.ID)
			return err
		}, nil
	})
}

// plain opens the disk buffer, and nobody looks at it.
type plain struct {
	opener
}

func (p *plain) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	w, err := p.opener.Open(ctx, host)
	if err != nil {
		return nil, err
	}
	return w.(*witnessed).Buffer, nil
}

// TestPowerCutProcesses cuts the power under handlers in processes of their own, started as
// under Caddy and reached over gRPC, in real time.
func TestPowerCutProcesses(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "cut") // paths of unix sockets are short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			w := &workshop{t: t, dir: dir, rnd: rand.New(rand.NewPCG(seed, 5)), ledger: newLedger(), disk: vfs.NewCrashableMem(), settledIn: map[string]int{}}
			for range 2 {
				w.live(true)
			}
			w.live(false)
			w.check()
		})
	}
}

// workshop is an installation with processes.
type workshop struct {
	t      *testing.T
	dir    string
	rnd    *rand.Rand
	ledger *ledger
	disk   *vfs.MemFS
	lives  int
	// settledIn says in which life an event was settled.
	settledIn map[string]int
}

// live is one life, which the power ends or which goes on until nothing is open.
func (w *workshop) live(cut bool) {
	ctx := context.Background()
	w.lives++
	life := w.ledger.current()
	m := newMachine(w.disk, w.ledger, w.rnd)
	o := &plain{opener{ledger: w.ledger, life: life, options: disk.Options{Path: "/smartcar", FS: m.fs()}.WithMemTable(32 << 10)}}
	e := engine.New(engine.Options{
		Opener: o, RuntimeDir: filepath.Join(w.dir, "run"), DrainTimeout: time.Second,
		Bundled: func(string) (string, []string, bool) { return os.Args[0], []string{runAsPlugin}, true },
	})
	defer func() {
		if err := e.Destruct(); err != nil && !cut {
			w.t.Errorf("stopping: %v", err)
		}
		w.disk = m.image
	}()
	if err := e.Open(ctx); err != nil {
		w.t.Fatalf("the buffer does not open: %v", err)
	}
	w.take(life, o.opened, w.lives-1)
	if err := e.Apply(ctx, w.lives, w.definitions()); err != nil {
		w.t.Fatalf("the handlers do not start: %v", err)
	}
	if cut {
		m.arm()
	}
	w.send(e, life, m).Wait()
	if cut {
		m.pull() // where the operation that it was to go at has not come
		return
	}
	w.drained(o.opened)
	m.pull()
	w.take(w.ledger.current(), o.opened, w.lives)
}

// take holds the store against the ledger, and notes what a life has settled.
func (w *workshop) take(life int, b buffer.Buffer, before int) {
	s := w.ledger.look(context.Background(), b)
	w.ledger.resync(life, s)
	for _, e := range w.ledger.events {
		if state := s.states[s.ids[e.ID]]["writer"]; state.Phase == buffer.PhaseSettled && w.settledIn[e.ID] == 0 {
			w.settledIn[e.ID] = before
		}
	}
}

// send has each vehicle send its events, one after the other, until the power goes or
// there are enough.
func (w *workshop) send(e *engine.Engine, life int, m *machine) *sync.WaitGroup {
	var wg sync.WaitGroup
	for v := range 4 {
		var events []*event
		for i := range 100 {
			ev := &event{Event: buffer.Event{
				Source: "fleet", ID: fmt.Sprintf("v%d-%d-%03d", v, w.lives, i), Type: "VEHICLE_STATE", VehicleID: vehicle(v),
				Body: []byte(`{"filler":"` + strings.Repeat("x", w.rnd.IntN(1000)) + `"}`),
			}}
			w.ledger.write(ev)
			events = append(events, ev)
		}
		wg.Go(func() {
			for _, ev := range events {
				if m.struck() {
					return
				}
				copied := ev.Event
				if r, err := e.Append(context.Background(), &copied); err == nil {
					w.ledger.answered(life, ev, r)
				} else {
					w.ledger.refused(life, ev, err)
				}
			}
		})
	}
	return &wg
}

func (w *workshop) definitions() []handlersfile.Definition {
	text := fmt.Sprintf(`handler "writer" {
  plugin = "writer"
  retry {
    min_delay = "10ms"
    max_delay = "50ms"
  }
  config {
    file = %q
  }
}
`, w.out(w.lives))
	path := filepath.Join(w.dir, "handlers.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	f, diags := handlersfile.Load([]string{path}, handlersfile.Options{
		Bundled: func(string) (sdk.Schema, bool) { return writer().Schema(), true },
	})
	if diags.HasErrors() {
		w.t.Fatalf("loading the handlers: %v", diags)
	}
	return f.Handlers
}

func (w *workshop) out(life int) string { return filepath.Join(w.dir, "out"+strconv.Itoa(life)) }

// drained waits until nothing is open.
func (w *workshop) drained(b *disk.Buffer) {
	patience := time.After(time.Minute)
	for {
		infos, err := b.Consumers(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if s := infos[0].ConsumerStats; s.Pending == 0 && s.Leased == 0 && s.Deferred == 0 {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-patience:
			w.t.Errorf("never settled: %+v", infos)
			return
		}
	}
}

// check wants every event that was acknowledged to be in the file of the life that has
// settled it, and those of a vehicle in their order in each file.
func (w *workshop) check() {
	written := make([]map[string]bool, w.lives+1)
	for life := 1; life <= w.lives; life++ {
		written[life] = map[string]bool{}
		raw, err := os.ReadFile(w.out(life))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
		last := map[string]string{}
		for id := range strings.Lines(string(raw)) {
			id = strings.TrimSpace(id)
			v, _, _ := strings.Cut(id, "-")
			if id <= last[v] {
				w.t.Errorf("life %d: %s comes after %s", life, id, last[v])
			}
			last[v], written[life][id] = id, true
		}
	}
	acked := 0
	for _, e := range w.ledger.events {
		life := w.settledIn[e.ID]
		switch {
		case !e.acked:
		case life == 0:
			w.t.Errorf("%s was never settled", e.ID)
		case !written[life][e.ID]:
			w.t.Errorf("%s was settled in life %d, in which the handler did not finish it", e.ID, life)
		default:
			acked++
		}
	}
	w.ledger.report(w.t)
	w.t.Logf("%d events acknowledged in %d lives", acked, w.lives)
}
