package selfcheck

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What fails is asked again soon, and told once a config has had time to come into force; what is well is asked each
// minute. The end of the watch is that of its goroutine.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, asked := Silent, 0
		w := start([]Target{{Source: "a"}}, func(_ context.Context, target Target) Result {
			asked++
			return Result{Target: target, State: state, At: time.Now()}
		})
		defer w.Stop()
		at := func(wait time.Duration, want State, atLeast, atMost int) {
			t.Helper()
			asked = 0
			time.Sleep(wait)
			synctest.Wait()
			if got := w.Results()[0].State; got != want || asked < atLeast || asked > atMost {
				t.Errorf("%s, asked %d times, want %s, %d to %d", got, asked, want, atLeast, atMost)
			}
		}
		at(2*time.Second, Pending, 3, 6)
		at(5*time.Second, Silent, 1, 3)
		at(10*time.Minute, Silent, 38, 42)
		state = Reached
		at(longestPause, Reached, 1, 1)
		at(10*time.Minute, Reached, 9, 11)
		state = Pending // the config before answers
		at(time.Minute, Reached, 1, 8)
		state = Elsewhere
		at(longestPause, Elsewhere, 1, 8)
	})
}

// Stop ends a question under way.
func TestStopEndsAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start([]Target{{}}, func(ctx context.Context, _ Target) Result {
			<-ctx.Done()
			return Result{State: Silent}
		})
		synctest.Wait()
		w.Stop()
		w.Stop()
		if got := w.Results()[0].State; got != Pending {
			t.Errorf("%s", got)
		}
		var none *Watch
		none.Stop()
		if none.Results() != nil {
			t.Error("results of nothing")
		}
	})
}
