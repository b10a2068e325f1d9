package dedupe

import (
	"fmt"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

func numberedKey(n int) format.DedupeKey { return format.MakeDedupeKey("s", fmt.Sprint(n)) }

func emptyFilter() *filter {
	f := &filter{}
	f.stored.Store(&blooms{})
	return f
}

// What was added is never excluded; of the rest nearly all is.
func TestFilterExcludesWhatIsNew(t *testing.T) {
	f := emptyFilter()
	const n = 3*firstBloomKeys + 1000 // two blooms, the second twice as large, and a third
	for i := range n {
		f.add(7, numberedKey(i))
	}
	for i := range n {
		if f.excludes(numberedKey(i)) {
			t.Fatalf("key %d of %d was added and is excluded", i, n)
		}
	}
	passed := 0
	for i := n; i < 2*n; i++ {
		if !f.excludes(numberedKey(i)) {
			passed++
		}
	}
	if passed > n/50 {
		t.Errorf("%d of %d foreign keys are not excluded, want at most one in fifty", passed, n)
	}
	if got := len(*f.fresh.Load()); got != 3 {
		t.Errorf("%d blooms, want 3", got)
	}
}

func TestFilterIsUncertainUntilLoaded(t *testing.T) {
	f := &filter{}
	if f.excludes(numberedKey(1)) {
		t.Error("a key is excluded before what is stored is known")
	}
}

func TestFilterLetsGoOfOldBuckets(t *testing.T) {
	f := emptyFilter()
	f.add(1, numberedKey(1))
	f.add(2, numberedKey(2))
	both := f.bytes.Load()
	f.expire(2)
	if !f.excludes(numberedKey(1)) || f.excludes(numberedKey(2)) {
		t.Error("want the key of bucket 1 excluded and that of bucket 2 not")
	}
	if got := f.bytes.Load(); got != both/2 {
		t.Errorf("%d bytes are accounted for, want %d", got, both/2)
	}
}

func TestFilterGivesUpWhenItOutgrowsItsMemory(t *testing.T) {
	f := emptyFilter()
	f.bytes.Store(filterBytes)
	f.add(1, numberedKey(1))
	for i := range 2 {
		if f.excludes(numberedKey(i)) {
			t.Errorf("key %d is excluded by a filter that gave up", i)
		}
	}
}

// Readers and the committer meet in the same cache lines.
func TestFilterBesideTheCommitter(t *testing.T) {
	f := emptyFilter()
	var added sync.WaitGroup
	added.Go(func() {
		for i := range firstBloomKeys + 10 {
			f.add(1, numberedKey(i))
		}
	})
	for r := range 2 {
		added.Go(func() {
			for i := range 10_000 {
				f.excludes(numberedKey(i * (r + 1)))
			}
		})
	}
	added.Wait()
	if f.excludes(numberedKey(firstBloomKeys)) {
		t.Error("a key is lost")
	}
}
