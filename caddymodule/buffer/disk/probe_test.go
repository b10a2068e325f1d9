package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/probe"
)

// probedDisk is a disk in memory on which each sync takes as long as it says, by its own clock.
type probedDisk struct {
	vfs.FS
	mem   *vfs.MemFS
	took  func(n int64) time.Duration
	fail  func(errorfs.Op) error
	syncs atomic.Int64
	now   atomic.Int64
}

func newProbedDisk(took func(n int64) time.Duration) *probedDisk {
	d := &probedDisk{mem: vfs.NewMem(), took: took, fail: func(errorfs.Op) error { return nil }}
	d.FS = errorfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if someSync(op) {
			d.now.Add(int64(d.took(d.syncs.Add(1))))
		}
		return d.fail(op)
	}))
	return d
}

func (d *probedDisk) probe(fileSystem string) *probe.Probe {
	return &probe.Probe{FS: d.FS, Now: func() time.Time { return time.Unix(0, d.now.Load()) },
		FileSystem: func(string) (string, error) { return fileSystem, nil }}
}

func everySync(d time.Duration) func(int64) time.Duration {
	return func(int64) time.Duration { return d }
}

// What the probe finds is in the figures and, once, in the log.
func TestProbeIsTold(t *testing.T) {
	d := newProbedDisk(everySync(60 * time.Millisecond))
	var j journal
	b, err := Open(t.Context(), Options{Path: "buffer", FS: d.mem, Log: j.log(), probe: d.probe("nfs")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	await(t, time.Minute, "the disk is probed", func() bool { return len(j.with("took 60ms")) > 0 })
	if s := b.Stats(); s.FileSystem != "nfs" || s.SyncMedian != 60*time.Millisecond || s.SyncMax != 60*time.Millisecond {
		t.Errorf("got stats %+v", s)
	}
	for _, parts := range [][]string{
		{"level=INFO", "looked at the disk", "path=buffer", "file_system=nfs", "sync_median=60ms", "sync_max=60ms"},
		{"level=WARN", "(nfs)"},
		{"level=WARN", "took 60ms"},
	} {
		if len(j.with(parts...)) != 1 {
			t.Errorf("want one line with %q in the log:\n%s", parts, j.all())
		}
	}
}

// A probe that fails, or hangs, keeps nobody from opening and using the buffer.
func TestProbeHoldsNothingUp(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{})
	d := newProbedDisk(everySync(time.Millisecond))
	d.fail = func(op errorfs.Op) error {
		if !someSync(op) {
			return nil
		}
		close(begun)
		<-release
		return errInjected
	}
	var j journal
	p := d.probe("")
	p.FileSystem = func(string) (string, error) { return "", fs.ErrPermission }
	b, err := Open(t.Context(), Options{Path: "buffer", FS: d.mem, Log: j.log(), probe: p})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	<-begun
	if _, err := b.Append(t.Context(), crashEvent("1", 100)); err != nil {
		t.Error(err)
	}
	close(release)
	await(t, time.Minute, "the failure is told", func() bool {
		return len(j.with("level=WARN", "could not be examined", "naming the file system: permission denied")) == 1
	})
	if _, err := b.Append(t.Context(), crashEvent("2", 100)); err != nil {
		t.Error(err)
	}
}

// On a real disk it measures something, and leaves nothing behind.
func TestProbeOfARealDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buffer")
	b, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	await(t, time.Minute, "the disk is probed", func() bool { return b.Stats().SyncMedian > 0 })
	s := b.Stats()
	if s.SyncMax < s.SyncMedian || s.FileSystem == "" && runtime.GOOS == "linux" {
		t.Errorf("got stats %+v", s)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, probe.File)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the probe's file is still there: %v", err)
	}
	t.Logf("%s, median %v, max %v", s.FileSystem, s.SyncMedian, s.SyncMax)
}
