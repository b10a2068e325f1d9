package vehicles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	state  = smartcar.TypeVehicleState
	failed = smartcar.TypeVehicleError
)

func TestWhatIsKnownOfAVehicle(t *testing.T) {
	r := newRig(t)
	r.settle()
	first := r.now()
	r.store("car", state, nil)
	r.pass(time.Hour)
	told1 := r.now()
	r.store("car", failed, vehicleError(
		told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "REAUTHENTICATE"),
		told("NEW_TYPE", "anna@example.org", "ERROR", "call 555 1234")))
	r.pass(time.Hour)
	told2 := r.now()
	r.store("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "CONTACT_SUPPORT")))
	r.pass(time.Hour)
	r.store("car", "VEHICLE_DISCONNECTED", []byte(`{}`))
	other := r.now()

	want := Vehicle{
		Source: "production", ID: "car", LastState: first, LastError: told2, LastOther: other,
		NewestReading: first.Add(-10 * time.Second),
		Open: []OpenError{
			{"CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "CONTACT_SUPPORT", told1, told2},
			{"NEW_TYPE", "other", "other", told1, told1},
		},
	}
	check := func(when string) {
		t.Helper()
		got := r.vehicle("car")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("at once")
	r.settle()
	check("written")
	r.restart()
	check("after a restart")
	if n := r.Summary().Behind; n != 0 {
		t.Errorf("%d events were read again after a restart", n)
	}

	r.store("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "RESOLVED", "")))
	want.LastError = r.now()
	want.Open = want.Open[1:]
	check("after RESOLVED")
	if last := want.LastEvent(); !last.Equal(r.now()) {
		t.Errorf("last event %s", last)
	}
}

// A time of long ago, as a late retry or events that are recovered bring, does not hide what is newer.
func TestOutOfOrder(t *testing.T) {
	r := newRig(t)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for _, e := range []struct {
		at    time.Time
		state string
	}{{at(30), "RESOLVED"}, {at(10), "ERROR"}} {
		r.appendOf("production", "car", failed, vehicleError(told("PERMISSION", "", e.state, "")), e.at)
	}
	r.appendOf("production", "car", state, smartcar.Sample{RecordedAt: at(29)}.VehicleState(), at(30))
	r.appendOf("production", "car", state, smartcar.Sample{RecordedAt: at(3)}.VehicleState(), at(9))
	r.settle()
	v := r.vehicle("car")
	if !v.LastState.Equal(at(30)) || !v.NewestReading.Equal(at(29)) || len(v.Open) != 0 {
		t.Errorf("%+v", v)
	}
}

// No event is left out, whatever kept the watch from hearing of it.
func TestWhatWasNotHeardOfIsReadFromTheBuffer(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(r *rig)
	}{
		{"nothing of it", func(r *rig) {
			for i := range 300 {
				r.append(fmt.Sprint("car", i), state, nil)
			}
		}},
		{"every third is heard of", func(r *rig) {
			for i := range 300 {
				if i%3 == 0 {
					r.store(fmt.Sprint("car", i), state, nil)
					continue
				}
				r.append(fmt.Sprint("car", i), state, nil)
			}
		}},
		{"errors have no room", func(r *rig) {
			r.notes.bytes = mostBodies
			for i := range 300 {
				r.store(fmt.Sprint("car", i), failed, smartcar.Sample{}.VehicleError())
			}
			r.settle()
			if n := len(r.list(Query{InError: true})); n != 300 {
				r.t.Errorf("%d vehicles in error, want 300", n)
			}
		}},
		{"vehicles have no room", func(r *rig) {
			r.notes.changed = make([]heard, mostChanged)
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
		}},
		{"a file of the store is damaged", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			for i := range 5000 {
				key, _ := appendKey(nil, "production", fmt.Sprint("only in the store ", i))
				if !r.notes.addHeard(key, &heard{reading: 1}) {
					r.t.Fatal("no room")
				}
			}
			r.step()
			if err := r.table.store.flush(); err != nil {
				r.t.Fatal(err)
			}
			r.crash()
			damageTables(r.t, filepath.Join(r.dir, Folder))
			r.watch()
		}},
		{"there is nobody to hear it", func(r *rig) {
			r.crash()
			for i := range 300 {
				r.append(fmt.Sprint("car", i), state, nil)
			}
			r.watch()
		}},
		{"what was heard of is lost in a crash", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			r.step()
			r.crash()
			r.watch()
		}},
		{"the store fails, and loses what it has not in files", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			r.step()
			r.fail(errors.New("the disk is gone"))
			r.pass(reopenAfter)
		}},
		{"the store is damaged", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			r.crash()
			damage(r.t, filepath.Join(r.dir, Folder))
			r.watch()
		}},
		{"the store is damaged while it is open", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			r.step()
			err := fmt.Errorf("%w: 000007.sst", errDamagedFile)
			r.table.store.failure.Store(&err)
		}},
		{"the store is of another version", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			if err := r.table.store.db.Set(keyVersion, []byte{version + 1}, pebble.NoSync); err != nil {
				r.t.Fatal(err)
			}
			r.restart()
		}},
		{"the store is of a buffer that went farther", func(r *rig) {
			for i := range 300 {
				r.store(fmt.Sprint("car", i), state, nil)
			}
			r.step()
			if err := r.table.store.db.Set(keyPosition, appendPosition(1<<40), pebble.NoSync); err != nil {
				r.t.Fatal(err)
			}
			if err := r.table.store.flush(); err != nil {
				r.t.Fatal(err)
			}
			r.crash()
			r.watch()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.settle()
			test.do(r)
			r.settle()
			if n := len(r.list(Query{})); n != 300 {
				t.Errorf("%d vehicles, want 300", n)
			}
			if s := r.Summary(); s.State != StateKept {
				t.Errorf("it is %s: %v", s.State, s.Err)
			}
		})
	}
}

// damageTables writes over a part of each table that is not read when it is opened.
func damageTables(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteAt(bytes.Repeat([]byte("damaged "), 100), 20<<10)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// damage writes over the list of tables.
func damage(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, bytes.Repeat([]byte("damaged "), 50), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Where so much was not heard of that it cannot be marked, it is read all the same.
func TestFarBehind(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("first", state, nil)
	r.append("second", state, nil)
	r.store("third", state, nil)
	r.notes.mu.Lock()
	r.notes.marks.low = 0
	r.notes.mu.Unlock()
	r.table.before = 0
	r.notes.startAt(0)
	if last := r.buffer.Stats().Last; last != 3 {
		t.Fatal(last)
	}
	more, err := r.catchUp(marked)
	if err != nil || more {
		t.Fatal(more, err)
	}
	if got := r.list(Query{}); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// The rate at which the buffer is read is bounded, and what is left is told.
func TestCatchingUpIsBounded(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.append(fmt.Sprint("car", i), state, nil)
	}
	r.limits.perSecond = 30
	r.step()
	for left := 70; left > 0; left -= 30 {
		if s := r.Summary(); s.State != StateBehind || s.Behind != uint64(left) {
			t.Fatalf("%s, %d left, want %d", s.State, s.Behind, left)
		}
		r.step() // no time has passed
		r.pass(time.Second)
		r.step()
	}
	if n := len(r.list(Query{})); n != 100 {
		t.Errorf("%d vehicles", n)
	}
}

// What is heard of meanwhile is known at once, and a crash in the middle costs nothing.
func TestCrashWhileCatchingUp(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.append(fmt.Sprint("old", i), state, nil)
	}
	r.limits.perSecond = 30
	r.step()
	r.store("new", state, nil)
	if v := r.vehicle("new"); v.LastState.IsZero() {
		t.Error("the new one is not known")
	}
	if err := r.table.store.flush(); err != nil {
		t.Fatal(err)
	}
	r.crash()
	r.watch()
	r.settle()
	if n := len(r.list(Query{})); n != 101 {
		t.Errorf("%d vehicles, want 101", n)
	}
}

// A hundred thousand vehicles and types at once take no more memory than is said, and none is lost.
func TestManyAtOnceAreBounded(t *testing.T) {
	r := newRig(t)
	r.settle()
	const many = 100_000
	body := []byte(`{"eventType":"X"}`)
	e := r.event("production", "", "", body, r.now())
	last := r.buffer.Stats().Last
	for i := range uint64(many) {
		e.VehicleID, e.Type = fmt.Sprintf("car-%d", i), fmt.Sprintf("TYPE_%d", i)
		if i%2 == 0 {
			e.Type = failed
		}
		r.Stored(last+1+i, e)
		if n := len(r.notes.changed); n > mostChanged {
			t.Fatalf("%d vehicles are noted in memory", n)
		}
		if n := r.notes.bytes; n > mostBodies {
			t.Fatalf("%d bytes of errors are noted in memory", n)
		}
	}
	if n := len(r.notes.index); n != mostChanged {
		t.Errorf("%d vehicles are noted in memory, want %d", n, mostChanged)
	}
	for _, bad := range []string{strings.Repeat("x", 1000), ""} {
		e.VehicleID = bad
		e.Type = state
		r.Stored(last+many+1, e)
	}
	r.step()
	r.step()
	if n := len(r.tally.snapshot()); n > 1 {
		t.Errorf("%d kinds of errors are counted", n)
	}
}

// Counting errors is bounded by what is documented, and exact over drops.
func TestErrorsAreCounted(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("car", failed, vehicleError(
		told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", ""),
		told("CONNECTED_SERVICES_ACCOUNT", "NEW_CODE", "RESOLVED", ""),
		`{"type":"PERMISSION","code":null,"state":"ERROR"}`))
	r.append("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "")))
	for i := range 100 {
		r.store("car", failed, vehicleError(told(fmt.Sprint("TYPE_", i), "X", fmt.Sprint("STATE_", i), "")))
	}
	r.settle()
	want := []ToldCount{
		{Told{"production", "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR"}, 2},
		{Told{"production", "CONNECTED_SERVICES_ACCOUNT", "other", "RESOLVED"}, 1},
		{Told{"production", "PERMISSION", "", "ERROR"}, 1},
		{Told{"production", "other", "other", "other"}, 100},
	}
	if diff := cmp.Diff(want, r.Summary().Told); diff != "" {
		t.Error(diff)
	}
	r.restart()
	if told := r.Summary().Told; len(told) != 0 {
		t.Errorf("a restart counts again what was counted: %v", told)
	}
}

func TestList(t *testing.T) {
	r := newRig(t)
	r.settle()
	for i := range 5 {
		r.appendOf("a", fmt.Sprint("car", i), state, nil, r.now())
	}
	r.appendOf("b", "car1", failed, smartcar.Sample{}.VehicleError(), r.now())
	r.pass(25 * time.Hour)
	r.appendOf("b", "car9", state, nil, r.now())
	r.settle()
	for _, test := range []struct {
		name string
		q    Query
		want string
	}{
		{"all", Query{}, "car0 car1 car2 car3 car4 car1 car9"},
		{"of a source", Query{Source: "b"}, "car1 car9"},
		{"of no source", Query{Source: "c"}, ""},
		{"silent", Query{SilentFor: 24 * time.Hour, Source: "b"}, "car1"},
		{"silent for longer", Query{SilentFor: 48 * time.Hour}, ""},
		{"in error", Query{InError: true}, "car1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(r.list(test.q), " "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			test.q.Limit = 2
			var got []string
			for range 10 {
				page, err := r.List(context.Background(), test.q)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range page.Vehicles {
					got = append(got, v.ID)
				}
				if test.q.After = page.Next; page.Next == "" {
					break
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("in pages: %q, want %q", got, test.want)
			}
		})
	}
	page, err := r.Find(context.Background(), "car1")
	if err != nil || len(page.Vehicles) != 2 || page.Vehicles[0].Source != "a" || page.Vehicles[1].Source != "b" {
		t.Errorf("%+v %v", page, err)
	}
}

// The watch as it runs: by itself, and within its time.
func TestByItself(t *testing.T) {
	dir := t.TempDir()
	b := openBuffer(t, dir)
	defer b.Close()
	w := New(dir, slog.New(slog.DiscardHandler))
	if _, err := w.List(context.Background(), Query{Limit: 1}); !errors.Is(err, ErrNotReady) {
		t.Errorf("before the buffer is open: %v", err)
	}
	w.Opened(b)
	e := &buffer.Event{Source: "a", ID: "1", Type: state, VehicleID: "car", ReceivedAt: time.Now(), Body: []byte(`{}`)}
	receipt, err := b.Append(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	w.Stored(receipt.Position, e)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for w.Summary().State != StateKept && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	page, err := w.Find(ctx, "car")
	if err != nil || len(page.Vehicles) != 1 {
		t.Errorf("%+v %v", page, err)
	}
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := w.Find(ctx, "car"); !errors.Is(err, ErrNotReady) {
		t.Errorf("after Close: %v", err)
	}
	w.Stored(2, e)
}

// A watch of a buffer that never opened ends too.
func TestCloseWithoutABuffer(t *testing.T) {
	w := New(t.TempDir(), slog.New(slog.DiscardHandler))
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
	w.Opened(nil) // too late
}

// Closing does not wait for a disk that hangs.
func TestCloseInTime(t *testing.T) {
	r := newRig(t)
	r.settle()
	if err := r.turn.lock(context.Background()); err != nil { // as while a write hangs
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	r.turn.unlock()
}

// runAsVictim is the folder of a process that is killed.
const runAsVictim = "VEHICLES_VICTIM"

// victim stores events until it is killed, and prints how many.
func victim(dir string) {
	r := &rig{t: fatal{}, dir: dir}
	b := openBuffer(r.t, dir)
	w := New(dir, slog.New(slog.DiscardHandler))
	w.Opened(b)
	for i := 0; ; i++ {
		e := r.event("production", fmt.Sprintf("car-%d", i), state, nil, time.Now())
		e.ID = fmt.Sprint(i, "-", time.Now().UnixNano())
		receipt, err := b.Append(context.Background(), e)
		if err != nil {
			panic(err)
		}
		w.Stored(receipt.Position, e)
		if i%50 == 0 && w.turn.lock(w.life) == nil {
			if w.table.store != nil {
				_ = w.write()
				_ = w.table.store.flush()
			}
			w.turn.unlock()
		}
		fmt.Println(i + 1)
	}
}

// fatal ends the process of a victim.
type fatal struct{ testing.TB }

func (fatal) Helper()           {}
func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// After a SIGKILL nothing that was stored is missing.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	known := 0
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), runAsVictim+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stored, want := 0, 120+70*round
		for stored < want {
			if _, err := fmt.Fscanln(out, &stored); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		known = max(known, stored)

		r := &rig{t: t, dir: dir}
		r.clock.Store(int64(time.Since(noon)))
		r.open()
		r.settle()
		if n := len(r.list(Query{Limit: 10_000})); n < known {
			t.Errorf("round %d: %d vehicles, %d were stored", round, n, known)
		}
		r.close()
	}
}

// What is heard of while the buffer is read is not taken for written.
func TestCrashBetweenReadingAndWriting(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.append("unheard", state, nil)
	r.settle()
	r.append("unheard2", state, nil)
	r.step()
	r.pass(time.Second)
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	r.store("heard", state, nil)
	if _, err := r.catchUp(r.buffer.Stats().Last); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.notes.gap(r.buffer.Stats().Last, 1); ok {
		t.Fatal("the gap is still there")
	}
	r.append("later", state, nil)
	r.table.before = r.buffer.Stats().Last
	if _, err := r.catchUp(r.table.before); err != nil {
		t.Fatal(err)
	}
	if err := r.table.store.flush(); err != nil {
		t.Fatal(err)
	}
	r.crash()
	r.watch()
	r.settle()
	if got := strings.Join(r.list(Query{}), " "); got != "heard later unheard unheard2" {
		t.Errorf("%s", got)
	}
}
