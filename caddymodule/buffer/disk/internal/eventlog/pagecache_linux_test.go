package eventlog

import (
	"errors"
	"math"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// cached counts the pages of the log's files that the system has in memory, up to an offset in the last one.
func cached(t *testing.T, l *Log, upTo int64) (pages uint64) {
	t.Helper()
	all := *l.segments.Load()
	for i, s := range all {
		f, err := os.Open(s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		part := unix.CachestatRange{Len: math.MaxInt64}
		if i == len(all)-1 {
			part.Len = uint64(upTo)
		}
		var stat unix.Cachestat_t
		err = unix.Cachestat(uint(f.Fd()), &part, &stat, 0)
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
			proof.Missing(t, "page-cache", "this system does not tell what it keeps in memory:", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		pages += stat.Cache
	}
	return pages
}

// Memory is given back for what lies before a position, and for nothing else; all can be read as before.
func TestDropPageCache(t *testing.T) {
	dir := t.TempDir()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC {
		proof.Missing(t, "page-cache", "the temporary folder lies in memory:", err)
	}
	l, err := Open(Options{FS: vfs.Default, Dir: dir, SegmentSize: 256 << 10, Check: check})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Recover(0, 1, nil); err != nil {
		t.Fatal(err)
	}
	o := &opened{Log: l, t: t}
	for range 60 {
		o.add(200)
	}
	_, next := l.Next()
	segments := *l.segments.Load()
	if len(segments) < 4 {
		t.Fatalf("%d segments; the test shows nothing", len(segments))
	}
	everything := cached(t, l, math.MaxInt64)

	// Into the middle of the second segment.
	half := (segments[1].first + segments[2].first) / 2
	l.DropPageCache(half)
	after := cached(t, l, math.MaxInt64)
	gone, page := int64(everything-after)*int64(os.Getpagesize()), int64(os.Getpagesize())
	least, most := segments[0].end+segments[1].end/2-2*markEvery-3*page, segments[0].end+segments[1].end/2+2*markEvery
	if gone < least || gone > most {
		t.Errorf("memory of %d bytes was given back, want %d to %d", gone, least, most)
	}
	// Once more, and for less: there is nothing to do.
	l.DropPageCache(half)
	l.DropPageCache(1)
	if again := cached(t, l, math.MaxInt64); again != after {
		t.Errorf("%d pages in memory, want %d as before", again, after)
	}
	l.DropPageCache(next)
	if left, few := cached(t, l, segments[len(segments)-1].end), uint64(len(segments)); left > 2*few {
		t.Errorf("%d pages in memory after all was given back, want at most %d", left, 2*few)
	}
	o.wantFound(1, next-1, 1, next-1, 0)
}

// A log that was opened does not know where its segments end before it has read them.
func TestDropPageCacheAfterOpening(t *testing.T) {
	o, fs := newLog(t, 4<<10)
	for range 10 {
		o.add(10)
	}
	last, next := o.Next()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openLog(t, fs, 4<<10, last, next)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.DropPageCache(next)
	again.wantFound(1, next-1, 1, next-1, 0)
	again.add(10)
	again.DropPageCache(next + 10)
	again.wantFound(1, next+9, 1, next+9, 0)
}
