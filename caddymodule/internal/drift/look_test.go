package drift

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A file on a mount that hangs keeps no question from being answered, with what was known before, and all of them
// together wait for one read only.
func TestLookAtFilesThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, now := []Change{{Path: "before", State: Gone}}, []Change{{Path: "now", State: Changed}}
		var l Look
		if got := l.Changes(func() []Change { return before }); !slices.Equal(got, before) {
			t.Fatalf("got %v", got)
		}
		goOn := make(chan struct{})
		var reads atomic.Int32
		hangs := func() []Change {
			reads.Add(1)
			<-goOn
			return now
		}
		begun := time.Now()
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() {
				if got := l.Changes(hangs); !slices.Equal(got, before) {
					t.Errorf("got %v, want what was known before", got)
				}
			})
		}
		calls.Wait()
		if took := time.Since(begun); took != patience {
			t.Errorf("it took %s", took)
		}
		l.Changes(hangs)
		if n := reads.Load(); n != 1 {
			t.Errorf("%d reads at a time", n)
		}
		close(goOn) // the mount is back
		synctest.Wait()
		begun = time.Now()
		if got := l.Changes(hangs); !slices.Equal(got, now) || time.Since(begun) != 0 || reads.Load() != 2 {
			t.Errorf("got %v after %s and %d reads", got, time.Since(begun), reads.Load())
		}
	})
}

// A read that takes a while is waited for.
func TestLookAtSlowFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Look
		want := []Change{{Path: "slow", State: Changed}}
		got := l.Changes(func() []Change { time.Sleep(patience - time.Millisecond); return want })
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}
