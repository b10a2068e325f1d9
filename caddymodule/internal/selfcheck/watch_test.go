package selfcheck

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What fails is asked again soon, and told once a config has had time to come into force; what is well is asked each
// minute. The end of the watch is that of its goroutine.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var state atomic.Value
		var asked atomic.Int64
		state.Store(Silent)
		w := start([]Target{{Source: "a"}}, func(_ context.Context, target Target) Result {
			asked.Add(1)
			return Result{Target: target, State: state.Load().(State), At: time.Now()}
		})
		defer w.Stop()
		synctest.Wait()
		at := func(wait time.Duration, want State, atLeast, atMost int64) {
			t.Helper()
			asked.Store(0)
			time.Sleep(wait)
			synctest.Wait()
			n := asked.Load()
			if got := w.Results()[0].State; got != want || n < atLeast || n > atMost {
				t.Errorf("%s, asked %d times, want %s, %d to %d", got, n, want, atLeast, atMost)
			}
		}
		at(2*time.Second, Pending, 3, 6)
		at(5*time.Second, Silent, 1, 3)
		at(10*time.Minute, Silent, 38, 42)
		state.Store(Reached)
		at(longestPause, Reached, 1, 1)
		at(10*time.Minute, Reached, 9, 11)
		state.Store(Pending) // the config before answers
		at(time.Minute, Reached, 1, 8)
		state.Store(Elsewhere)
		at(longestPause, Elsewhere, 1, 8)
	})
}

// One failure between two answers is not told.
func TestOneFailureIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		w := start([]Target{{}}, func(context.Context, Target) Result {
			if asked.Add(1)%2 == 0 {
				return Result{State: Silent, At: time.Now()}
			}
			return Result{State: Reached, At: time.Now()}
		})
		defer w.Stop()
		synctest.Wait()
		for asked.Load() < 10 {
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			if got := w.Results()[0].State; got != Reached {
				t.Fatalf("%s after %d questions", got, asked.Load())
			}
		}
	})
}

// What a listener of the config before leaves unclear is asked again, and told only if it stays so. What the config does
// not say is told at once.
func TestUncheckedWhileSettling(t *testing.T) {
	for name, tt := range map[string]struct {
		unchecked   string
		then        State
		early, late State
	}{
		"the config before ended the connection": {"", Reached, Pending, Reached},
		"it stays so":                            {"", Unchecked, Pending, Unchecked},
		"the config does not say":                {"a path with a pattern", Unchecked, Unchecked, Unchecked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				w := start([]Target{{Unchecked: tt.unchecked}}, func(_ context.Context, target Target) Result {
					r := Result{Target: target, State: Unchecked, At: time.Now()}
					if r.At.Sub(begun) > settling/2 {
						r.State = tt.then
					}
					return r
				})
				defer w.Stop()
				time.Sleep(settling / 4)
				synctest.Wait()
				if got := w.Results()[0].State; got != tt.early {
					t.Errorf("at first %s, want %s", got, tt.early)
				}
				time.Sleep(2 * settling)
				synctest.Wait()
				if got := w.Results()[0].State; got != tt.late {
					t.Errorf("then %s, want %s", got, tt.late)
				}
			})
		})
	}
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
