package disk

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A max_size that the disk cannot hold is said at the start and when it is changed.
func TestMaxSizeBeyondTheDisk(t *testing.T) {
	const warning = "max_size is more than the whole disk has"
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30})
	j := new(journal)
	b, _ := openFor(t, Options{FS: mem, Limits: Limits{MaxSize: 2 << 30}, Log: j.log()})
	if got := strings.Count(j.all(), warning); got != 1 {
		t.Errorf("said %d times at the start", got)
	}
	if got := b.Stats().DiskBytes; got != 1<<30 {
		t.Errorf("the disk has %d bytes", got)
	}
	for _, size := range []uint64{1 << 30, 3 << 30} {
		if err := b.Reconfigure(Limits{MaxSize: size}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(j.all(), warning); got != 2 {
		t.Errorf("said %d times after a right one and a wrong one", got)
	}
}
