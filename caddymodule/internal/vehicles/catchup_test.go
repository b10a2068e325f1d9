package vehicles

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

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
			r.table.store.failure.set(err)
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
