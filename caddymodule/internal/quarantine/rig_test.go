package quarantine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) {
	if os.Getenv(runAsVictim) != "" {
		victim(os.Getenv(runAsVictim))
		return
	}
	goleak.VerifyTestMain(m)
}

const (
	rightToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	wrongToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
	smartcars  = "203.0.113.0/24"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ring has one token for each source.
type ring map[string]string

func (r ring) Verify(source string, body []byte, signature string) (int, bool) {
	token, ok := r[source]
	return 1, ok && smartcar.Sign(token, body) == signature
}

func (r ring) Same(other any) bool {
	o, ok := other.(ring)
	return ok && maps.Equal(r, o)
}

// fakeBuffer is a buffer that has a clock and room, and stores events in memory, each once.
type fakeBuffer struct {
	buffer.Buffer
	mu     sync.Mutex
	now    time.Time
	lost   bool // nobody can tell what has passed
	room   uint64
	window time.Duration
	events []buffer.Event
	fail   error
	// trimmed: no event can be read any more.
	trimmed bool
}

func (b *fakeBuffer) Lookup(_ context.Context, source, id string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.events {
		if b.events[i].Source == source && b.events[i].ID == id {
			return uint64(i + 1), nil
		}
	}
	return 0, buffer.ErrNotFound
}

func (b *fakeBuffer) Event(_ context.Context, position uint64) (buffer.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trimmed {
		return buffer.Event{}, buffer.ErrNotFound
	}
	return b.events[position-1], nil
}

func (b *fakeBuffer) Clock() buffer.Clock { return b }
func (b *fakeBuffer) Now() int64          { return b.now.UnixNano() }

func (b *fakeBuffer) Ago(d time.Duration) int64 {
	if b.lost {
		return 0
	}
	return b.now.Add(-d).UnixNano()
}

func (b *fakeBuffer) Stats() buffer.Stats   { return buffer.Stats{Room: &b.room} }
func (b *fakeBuffer) Limits() buffer.Limits { return buffer.Limits{DedupeWindow: b.window} }

func (b *fakeBuffer) Append(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return buffer.Receipt{}, b.fail
	}
	for i := range b.events {
		if b.events[i].Source == e.Source && b.events[i].ID == e.ID {
			return buffer.Receipt{Duplicate: true, Differs: b.events[i].Digest != e.Digest}, nil
		}
	}
	kept := *e
	kept.Body = bytes.Clone(e.Body)
	b.events = append(b.events, kept)
	return buffer.Receipt{Position: uint64(len(b.events))}, nil
}

// rig is a store whose steps the test does.
type rig struct {
	*Store
	t      *testing.T
	dir    string
	buffer *fakeBuffer
	log    *bytes.Buffer
	events int
}

func newRig(t *testing.T, s Settings) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), log: new(bytes.Buffer)}
	r.buffer = &fakeBuffer{now: noon, room: 1 << 40, window: 7 * 24 * time.Hour}
	r.open(s)
	return r
}

// open opens it anew, as a restart does.
func (r *rig) open(settings Settings) {
	r.t.Helper()
	r.Store = New(r.dir, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r.start.Do(func() {})
	r.Store.buffer, r.clock = r.buffer, r.buffer.Clock()
	settings.On = true
	r.Set(settings, ring{})
	r.load()
	close(r.ready)
	r.follow()
}

// pass does steps of 10 ms.
func (r *rig) pass(d time.Duration) {
	for end := r.buffer.now.Add(d); r.buffer.now.Before(end); {
		r.buffer.now = r.buffer.now.Add(10 * time.Millisecond)
		r.steps()
	}
}

// steps does all that can be done now.
func (r *rig) steps() {
	for more := true; more; {
		more = r.step(r.buffer.now) == 0
	}
}

// later lets time pass in one step.
func (r *rig) later(d time.Duration) {
	r.buffer.now = r.buffer.now.Add(d)
	r.steps()
}

// settle has the store look at ages and room again.
func (r *rig) settle() { r.later(lookEvery) }

// body is one of so many bytes, about an event of its own.
func (r *rig) body(size int) []byte {
	r.events++
	head := fmt.Sprintf(`{"eventId":"00000000-0000-4000-8000-%012d","eventType":"VEHICLE_STATE","meta":{"mode":"LIVE"},"secret":"`, r.events)
	return append([]byte(head), append(bytes.Repeat([]byte{'x'}, max(0, size-len(head)-2)), `"}`...)...)
}

func (r *rig) request(network string, body []byte) *Request {
	return &Request{
		Source: "production", At: r.buffer.now, Code: CodeMismatch, Signature: smartcar.Sign(rightToken, body),
		ContentType: "application/json", Network: network, Body: body,
	}
}

// keep has an event of a network kept.
func (r *rig) keep(network string, size int) *Request {
	r.t.Helper()
	q := r.request(network, r.body(size))
	r.Offer(q)
	r.later(time.Second)
	return q
}

func (r *rig) list() []Kept {
	r.t.Helper()
	list, next, err := r.List(r.t.Context(), Pick{}, "", 1<<20)
	if err != nil || next != "" {
		r.t.Fatal(next, err)
	}
	return list
}

func (r *rig) kept(network string) (n int) {
	for _, k := range r.list() {
		if k.Network == network {
			n++
		}
	}
	return n
}

// files returns how many there are, and their bytes in whole blocks.
func (r *rig) files() (n int, size int64) {
	r.t.Helper()
	names, err := filepath.Glob(filepath.Join(r.dir, Folder, "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			r.t.Fatal(err)
		}
		size += onDisk(int(info.Size()))
	}
	return len(names), size
}

func (r *rig) release(dryRun bool) Released {
	r.t.Helper()
	got, err := r.Release(r.t.Context(), Pick{}, r.buffer, dryRun)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func (r *rig) dropped(why Reason) uint64 { return r.Summary().Dropped[why] }

// badFolder is a folder whose operations fail, or do nothing.
type badFolder struct {
	folder
	write0  error
	read0   error
	reads   int
	hang    chan struct{}
	removes func(name string) error
}

func (f *badFolder) write(name string, data []byte) error {
	if f.hang != nil {
		<-f.hang
	}
	if f.write0 != nil {
		return f.write0
	}
	return f.folder.write(name, data)
}

func (f *badFolder) read(name string) ([]byte, error) {
	f.reads++
	if f.read0 != nil {
		return nil, f.read0
	}
	return f.folder.read(name)
}

func (f *badFolder) remove(name string) error {
	if f.removes != nil {
		return f.removes(name)
	}
	return f.folder.remove(name)
}

var errFull = errors.New("no space left on device")
