package vehicles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// trouble is a disk that fails at its n-th change, and from then on if it lasts, until it is mended.
type trouble struct {
	at    int64
	lasts bool
	only  string // the end of the names of the files that it is about
	takes time.Duration
	err   error
	n     atomic.Int64
	ended atomic.Bool
	hit   atomic.Bool
}

func (d *trouble) inject(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose || d.ended.Load() ||
		!strings.HasSuffix(op.Path, d.only) {
		return nil
	}
	if n := d.n.Add(1); n == d.at || d.lasts && n > d.at {
		d.hit.Store(true)
		time.Sleep(d.takes)
		return &vfsError{op.Kind, d.err}
	}
	return nil
}

type vfsError struct {
	kind errorfs.OpKind
	err  error
}

func (e *vfsError) Error() string { return fmt.Sprintf("op %d: %v", e.kind, e.err) }
func (e *vfsError) Unwrap() error { return e.err }

// unsynced is a file system that syncs nothing, which takes most of the time.
type unsynced struct{ vfs.FS }

func (u unsynced) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := u.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

func (u unsynced) OpenDir(name string) (vfs.File, error) {
	f, err := u.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error { return nil }

func (unsyncedFile) SyncData() error { return nil }

func (unsyncedFile) SyncTo(int64) (bool, error) { return true, nil }

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Whatever change of its files fails, once or until somebody makes room, the process goes on, so does the buffer, and
// in the end all is known that was stored.
func TestAnyWriteMayFail(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lasts bool
		only  string
		least int
		err   error
	}{
		{"full for a while", true, "", 20, syscall.ENOSPC},
		{"full once", false, "", 20, syscall.ENOSPC},
		{"room for nothing large", true, ".sst", 10, syscall.ENOSPC},
		{"an I/O error", false, "", 20, syscall.EIO},
		{"I/O errors for a while", true, "", 20, syscall.EIO},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := int64(5)
			if proof.IsLong() {
				step = 1
			}
			tried := 0
			for at := int64(1); ; at += step {
				d := &trouble{at: at, lasts: tt.lasts, only: tt.only, err: tt.err}
				synctest.Test(t, func(t *testing.T) { survive(t, d) })
				if t.Failed() {
					t.Fatalf("with change %d failing", at)
				}
				if !d.hit.Load() {
					break
				}
				tried++
			}
			if tried < tt.least {
				t.Errorf("%d changes are few", tried)
			}
			t.Logf("%d changes have failed", tried)
		})
	}
}

// survive has vehicles noted, flushed and compacted while the disk is in trouble, and then not any more.
func survive(t *testing.T, d *trouble) {
	b, err := disk.Open(t.Context(), disk.Options{Path: "buffer", FS: vfs.NewMem(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r, log := &rig{t: t, dir: t.TempDir(), buffer: b}, new(lines)
	r.watch()
	r.fs = errorfs.Wrap(unsynced{vfs.Default}, errorfs.InjectorFunc(d.inject))
	r.log = slog.New(slog.NewTextHandler(log, nil))
	defer r.close()
	const cars = 5
	const rounds = 12 // more than it takes until a compaction begins
	drive := func() {
		for car := range cars {
			r.store(fmt.Sprintf("car-%d", car), state, nil)
		}
		r.pass(flushEvery + time.Second)
		for range 3 {
			r.step()
			synctest.Wait() // what goes on behind has ended
			r.pass(time.Second)
		}
		if n := strings.Count(log.String(), "nothing is known of vehicles"); n > 1 {
			t.Errorf("%d lines in the log:\n%s", n, log)
		}
	}
	for range rounds {
		drive()
	}
	if !d.hit.Load() && r.table.store.db.Metrics().Compact.Count == 0 {
		t.Error("nothing was compacted")
	}
	d.ended.Store(true)
	r.pass(time.Hour)
	last := r.now()
	drive()
	r.settle()
	for car := range cars {
		page, err := r.Find(context.Background(), fmt.Sprintf("car-%d", car))
		if err != nil || len(page.Vehicles) != 1 || !page.Vehicles[0].LastState.Equal(last) {
			t.Fatalf("%v, %+v; want %s\n%s", err, page, last, log)
		}
	}
	if n := r.Summary().Behind; n != 0 {
		t.Errorf("%d behind", n)
	}
}

// Where nothing can be flushed, what is written waits when the memory for it is full, and fails with the flush.
func TestWritingDoesNotWaitForEver(t *testing.T) {
	folder := filepath.Join(t.TempDir(), Folder)
	synctest.Test(t, func(t *testing.T) {
		d := &trouble{at: 1, lasts: true, takes: time.Minute, err: syscall.ENOSPC}
		d.ended.Store(true)
		s, err := openStore(errorfs.Wrap(unsynced{vfs.Default}, errorfs.InjectorFunc(d.inject)), folder, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		d.ended.Store(false)
		for n := 0; err == nil; n++ {
			if n == 200 {
				t.Fatalf("%d MiB are written, and nothing was flushed", n)
			}
			b := s.db.NewBatch()
			for i := range 1 << 10 {
				if err := b.Set(fmt.Appendf(nil, "%d-%d", n, i), make([]byte, 1<<10), nil); err != nil {
					t.Fatal(err)
				}
			}
			err = s.commit(b)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !errors.Is(err, syscall.ENOSPC) || !isPassing(err) {
			t.Errorf("%v", err)
		}
		if err := s.flush(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("flushing: %v", err)
		}
		if err := s.compact(t.Context(), []byte("0"), []byte("9")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("compacting: %v", err)
		}
		_ = s.close()
	})
}
