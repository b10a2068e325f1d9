package disk

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/buffertest"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformanceOnDisk(t *testing.T) {
	buffertest.Run(t, func(t testing.TB, s buffertest.Settings) buffertest.Storage {
		return &storage{opts: options(t.TempDir(), s)}
	})
}

func TestConformanceOnCrashableMemory(t *testing.T) {
	for _, test := range []struct {
		name    string
		percent int
	}{
		{"nothing unsynced survives", 0},
		{"half of the unsynced survives", 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			buffertest.Run(t, func(_ testing.TB, s buffertest.Settings) buffertest.Storage {
				o := options("buffer", s)
				mem := vfs.NewCrashableMem()
				o.FS = mem
				return &storage{opts: o, mem: mem, percent: test.percent}
			})
		})
	}
}

func options(path string, s buffertest.Settings) Options {
	o := Options{Path: path, Clock: s.Clock}
	o.DedupeWindow = s.DedupeWindow
	return o
}

// storage is a directory, on the disk or in memory that knows what was synced.
type storage struct {
	opts    Options
	mem     *vfs.MemFS
	percent int
	open    *Buffer
}

func (s *storage) Open(t testing.TB) buffer.Buffer {
	t.Helper()
	b, err := Open(context.Background(), s.opts)
	if err != nil {
		t.Fatal(err)
	}
	s.open = b
	return b
}

// Crash on the disk is a kill -9: nothing more is written, but the system keeps what
// was. In memory it is a power cut.
func (s *storage) Crash(t testing.TB) {
	t.Helper()
	if s.mem != nil {
		s.mem = s.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: s.percent, RNG: rand.New(rand.NewPCG(1, 2))})
		s.opts.FS = s.mem
	} else {
		s.open.failure.Halt(errors.New("crashed by the test"))
	}
	if err := s.open.Close(); err != nil {
		t.Fatal(err)
	}
}

// LastAlive implements buffertest.AliveStorage.
func (s *storage) LastAlive() (time.Time, error) { return LastAlive(s.opts.FS, s.opts.Path) }

// Damage flips a bit of the stored record.
func (s *storage) Damage(t testing.TB, position uint64) bool {
	t.Helper()
	flipInRecord(t, s.open, position)
	return true
}

// flipInRecord damages the record of an event, where it lies on the disk.
func flipInRecord(t testing.TB, b *Buffer, position uint64) {
	t.Helper()
	raw, err := b.events.Read(position)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range segmentFiles(t, b) {
		path := b.opts.FS.PathJoin(b.opts.Path, name)
		f, err := b.opts.FS.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		content := make([]byte, info.Size())
		if _, err := f.ReadAt(content, 0); err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(content, raw); i >= 0 {
			at := i + len(raw)/2
			if _, err := f.WriteAt([]byte{content[at] ^ 1}, int64(at)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("event %d is in no file", position)
}

// segmentFiles returns the names of the files of events.
func segmentFiles(t testing.TB, b *Buffer) (names []string) {
	t.Helper()
	all, err := b.opts.FS.List(b.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasSuffix(name, eventlog.Suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
