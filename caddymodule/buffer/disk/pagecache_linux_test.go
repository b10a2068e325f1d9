package disk

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/probe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// eventsInMemory says how many bytes of the log's files the system has in memory; false where it does not tell.
func eventsInMemory(t *testing.T, b *Buffer) (size int64, known bool) {
	t.Helper()
	for _, name := range b.events.Names() {
		f, err := os.Open(filepath.Join(b.opts.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var stat unix.Cachestat_t
		if unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{Len: math.MaxInt64}, &stat, 0) != nil {
			return 0, false
		}
		size += int64(stat.Cache) * int64(os.Getpagesize())
	}
	return size, true
}

// Events that a consumer waits for stay in the system's memory, and leave it once they are settled.
func TestSettledEventsLeaveMemory(t *testing.T) {
	dir := t.TempDir()
	if fs, err := probe.FileSystemOf(dir); err != nil || fs == "tmpfs" {
		proof.Missing(t, "page-cache", "the temporary folder lies in memory:", fs, err)
	}
	b, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.CreateConsumers(t.Context(), buffer.ConsumerSpec{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 64<<10)
	n := 0
	appendMany := func(count int) {
		t.Helper()
		for range count {
			n++
			if _, err := b.Append(t.Context(), &buffer.Event{ID: fmt.Sprint(n), Source: "s", Body: body}); err != nil {
				t.Fatal(err)
			}
		}
	}
	const many = 3 * dropCacheEvery / (64 << 10)
	appendMany(many)
	before, known := eventsInMemory(t, b)
	if !known {
		proof.Missing(t, "page-cache", "this system does not tell what it keeps in memory")
	}
	if before < many*int64(len(body)) {
		t.Fatalf("%d bytes of %d are in memory though a consumer waits for them", before, many*len(body))
	}
	if got := b.doneBefore(); got != 1 {
		t.Errorf("done before %d, want 1", got)
	}

	c := openConsumer(t, b, "a")
	settleN(t, c, many, doneAll)
	if got := b.doneBefore(); got != many+1 {
		t.Errorf("done before %d, want %d", got, many+1)
	}
	// What comes next has it looked for.
	appendMany(dropCacheEvery / (64 << 10))
	for deadline := time.Now().Add(10 * time.Second); ; {
		if after, _ := eventsInMemory(t, b); after < before/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("settled events stay in memory")
		}
	}
}
