package probe

import (
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// slowDisk is a disk in memory on which each sync takes as long as it says, by its own clock.
type slowDisk struct {
	vfs.FS
	mem   *vfs.MemFS
	took  func(n int64) time.Duration
	fail  func(errorfs.Op) error
	syncs atomic.Int64
	now   atomic.Int64
}

func newSlowDisk(took func(n int64) time.Duration) *slowDisk {
	d := &slowDisk{mem: vfs.NewMem(), took: took, fail: func(errorfs.Op) error { return nil }}
	d.FS = errorfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo {
			d.now.Add(int64(d.took(d.syncs.Add(1))))
		}
		return d.fail(op)
	}))
	return d
}

func (d *slowDisk) probe(fileSystem string) *Probe {
	return &Probe{FS: d.FS, Now: func() time.Time { return time.Unix(0, d.now.Load()) },
		FileSystem: func(string) (string, error) { return fileSystem, nil }}
}

func each(d time.Duration) func(int64) time.Duration { return func(int64) time.Duration { return d } }

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		name string
		took func(n int64) time.Duration
		want Result
		// atMost bounds the syncs.
		atMost int64
	}{
		{"a good disk", each(300 * time.Microsecond), Result{"ext4", 300 * time.Microsecond, 300 * time.Microsecond}, 1 + probeSyncs},
		{"the first sync is not counted", func(n int64) time.Duration {
			if n == 1 {
				return 80 * time.Millisecond
			}
			return time.Millisecond
		}, Result{"ext4", time.Millisecond, time.Millisecond}, 1 + probeSyncs},
		{"one outlier", func(n int64) time.Duration {
			if n == 5 {
				return 30 * time.Millisecond
			}
			return time.Millisecond
		}, Result{"ext4", time.Millisecond, 30 * time.Millisecond}, 1 + probeSyncs},
		{"a slow disk", each(60 * time.Millisecond), Result{"ext4", 60 * time.Millisecond, 60 * time.Millisecond}, 4},
		{"a disk that is hardly there", each(7 * time.Second), Result{"ext4", 7 * time.Second, 7 * time.Second}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newSlowDisk(test.took)
			got, err := d.probe("ext4").Run("")
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
			if n := d.syncs.Load(); n > test.atMost {
				t.Errorf("%d syncs, want at most %d", n, test.atMost)
			}
			if _, err := d.mem.Stat(File); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the probe's file is still there: %v", err)
			}
		})
	}
}

func TestProbeWarnings(t *testing.T) {
	const good, fast, slow = 300 * time.Microsecond, 3 * time.Microsecond, 75 * time.Millisecond
	for _, test := range []struct {
		fileSystem string
		median     time.Duration
		// want has the parts of each line.
		want [][]string
	}{
		{"ext4", good, nil},
		{"xfs", 25 * time.Microsecond, nil}, // NVMe with power-loss protection
		{"apfs", 5 * time.Millisecond, nil},
		{"0x12345678", good, nil},
		{"", 0, nil}, // nothing is known
		{"tmpfs", fast, [][]string{{"lies in memory (tmpfs)", "power cut", "path on a disk"}}},
		{"ramfs", good, [][]string{{"lies in memory (ramfs)"}}},
		{"nfs", good, [][]string{{"another machine or program (nfs)", "a local disk"}}},
		{"smb2", good, [][]string{{"(smb2)"}}},
		{"smbfs", good, [][]string{{"(smbfs)"}}},
		{"cifs", good, [][]string{{"(cifs)"}}},
		{"9p", good, [][]string{{"(9p)"}}},
		{"fuse", good, [][]string{{"(fuse)"}}},
		{"overlay", good, [][]string{{"container's own layer (overlay)", "mount a volume at /buffer"}}},
		{"ext4", fast, [][]string{{"took 3µs", "check that"}}},
		{"ext4", slow, [][]string{{"took 75ms", "one connection gets some 8.9 answers", "64 connections some 569 together"}}},
		{"nfs", slow, [][]string{{"(nfs)"}, {"took 75ms"}}},
	} {
		t.Run(test.fileSystem+" "+test.median.String(), func(t *testing.T) {
			got := Result{test.fileSystem, test.median, test.median}.Warnings("/buffer")
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %d lines", got, len(test.want))
			}
			for i, line := range got {
				for _, part := range test.want[i] {
					if !strings.Contains(line, part) || strings.Contains(line, "\n") {
						t.Errorf("got %q, want a line with %q", line, part)
					}
				}
			}
		})
	}
}
