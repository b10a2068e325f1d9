package vehicles

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) {
	if os.Getenv(runAsVictim) != "" {
		victim(os.Getenv(runAsVictim))
		return
	}
	goleak.VerifyTestMain(m)
}

// rig is a watch over a real buffer, whose steps the test does, by a clock of its own.
type rig struct {
	t   testing.TB
	dir string
	*Watch
	buffer *disk.Buffer
	clock  atomic.Int64 // after noon
	events int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *rig) now() time.Time { return noon.Add(time.Duration(r.clock.Load())) }

func (r *rig) pass(d time.Duration) { r.clock.Add(int64(d)) }

func openBuffer(t testing.TB, dir string) *disk.Buffer {
	t.Helper()
	b, err := disk.Open(context.Background(), disk.Options{Path: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens buffer and watch, without its goroutine.
func (r *rig) open() {
	r.t.Helper()
	r.buffer = openBuffer(r.t, r.dir)
	r.watch()
}

// watch makes a watch of the buffer.
func (r *rig) watch() {
	r.Watch = New(r.dir, slog.New(slog.DiscardHandler))
	r.Watch.now = r.now
	r.limits.perSecond, r.limits.bytesPerSecond = 1<<30, 1<<40
	r.Watch.buffer = r.buffer
	r.notes.startAt(r.buffer.Stats().Last)
	r.noting.Store(true)
	r.counting.Store(true)
}

func (r *rig) close() {
	r.t.Helper()
	if r.Watch != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			r.t.Error(err)
		}
	}
	r.Watch = nil
	if err := r.buffer.Close(); err != nil {
		r.t.Error(err)
	}
}

// crash leaves the watch as a crash does: nothing more is written.
func (r *rig) crash() {
	r.end()
	if r.table.store != nil {
		if err := r.table.store.close(); err != nil {
			r.t.Error(err)
		}
	}
	r.Watch = nil
}

// restart closes all and opens it again.
func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.open()
	r.settle()
}

// settle does steps until there is no more to do.
func (r *rig) settle() {
	r.t.Helper()
	for range 1000 {
		r.pass(time.Second)
		if more := r.step(); !more && r.table.store != nil && r.table.before == r.buffer.Stats().Last {
			r.pass(time.Second)
			r.step()
			return
		}
	}
	r.t.Fatal("it does not end")
}

// append stores an event that came now, and returns its position.
func (r *rig) append(vehicle, eventType string, body []byte) uint64 {
	r.t.Helper()
	return r.appendOf("production", vehicle, eventType, body, r.now())
}

func (r *rig) appendOf(source, vehicle, eventType string, body []byte, at time.Time) uint64 {
	r.t.Helper()
	e := r.event(source, vehicle, eventType, body, at)
	receipt, err := r.buffer.Append(context.Background(), e)
	if err != nil {
		r.t.Fatal(err)
	}
	return receipt.Position
}

func (r *rig) event(source, vehicle, eventType string, body []byte, at time.Time) *buffer.Event {
	r.events++
	if body == nil {
		body = smartcar.Sample{VehicleID: vehicle, RecordedAt: at.Add(-10 * time.Second)}.VehicleState()
	}
	return &buffer.Event{
		Source: source, ID: fmt.Sprintf("%p-%d", r, r.events), Type: eventType, VehicleID: vehicle, ReceivedAt: at, Body: body,
	}
}

// store appends an event that came now and tells the watch.
func (r *rig) store(vehicle, eventType string, body []byte) {
	r.t.Helper()
	e := r.event("production", vehicle, eventType, body, r.now())
	receipt, err := r.buffer.Append(context.Background(), e)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Stored(receipt.Position, e)
}

// vehicle is what is known of one, of one source.
func (r *rig) vehicle(id string) Vehicle {
	r.t.Helper()
	page, err := r.Find(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(page.Vehicles) != 1 {
		r.t.Fatalf("%d of %s, want 1", len(page.Vehicles), id)
	}
	return page.Vehicles[0]
}

func (r *rig) list(q Query) []string {
	r.t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	page, err := r.List(context.Background(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	for _, v := range page.Vehicles {
		ids = append(ids, v.ID)
	}
	return ids
}

// vehicleError is a VEHICLE_ERROR with errors, which are JSON.
func vehicleError(errors ...string) []byte {
	return fmt.Appendf(nil, `{"eventType":"VEHICLE_ERROR","data":{"errors":[%s]}}`, strings.Join(errors, ","))
}

func told(typ, code, state, resolution string) string {
	return fmt.Sprintf(`{"type":%q,"code":%q,"state":%q,"description":"Anna's car","resolution":{"type":%q}}`,
		typ, code, state, resolution)
}

// diskUse is the size of all files below a folder.
func diskUse(t testing.TB, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
