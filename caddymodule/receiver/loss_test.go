package receiver

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// lossRig is a receiver over a real buffer, which refuses as long as the disk has less free than it wants.
type lossRig struct {
	t  *testing.T
	rc *Receiver
	b  *disk.Buffer
	// late: the store takes longer than the receiver waits.
	late   bool
	passed time.Duration
}

const hugeHeadroom = 1 << 62

func newLossRig(t *testing.T, headroom uint64) *lossRig {
	t.Helper()
	b, err := disk.Open(t.Context(), disk.Options{
		Path: filepath.Join(t.TempDir(), "buffer"), Limits: disk.Limits{Headroom: headroom},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	r := &lossRig{t: t, b: b}
	r.rc, _ = newReceiver(t, func(ctx context.Context, e *buffer.Event) (buffer.Receipt, error) {
		receipt, err := b.Append(ctx, e)
		if r.late && err == nil {
			return buffer.Receipt{}, context.DeadlineExceeded
		}
		return receipt, err
	})
	counts := traffic.Counters{Loss: lossclock.New(nil, func() time.Duration { return r.passed })}
	r.rc.counts = counts.Source(r.rc.Source)
	return r
}

// send sends bodies with a right signature, each of which must get this answer.
func (r *lossRig) send(status int, bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		if w, _ := serve(r.t, r.rc, request(body, tokenA)); w.Code != status {
			r.t.Errorf("answered %d %s, want %d", w.Code, w.Body, status)
		}
	}
}

func (r *lossRig) is(when string, pending, lost uint64, left time.Duration) {
	r.t.Helper()
	got := r.rc.counts.Loss.Loss()
	if got.Pending != pending || got.Lost != lost || got.Left != left {
		r.t.Errorf("%s: %d pending, %d lost, %v left; want %d, %d, %v",
			when, got.Pending, got.Lost, got.Left, pending, lost, left)
	}
}

const (
	otherBody      = `{"eventId":"e-2","eventType":"VEHICLE_STATE"}`
	bodyWithoutID  = `{"eventType":"VEHICLE_STATE"}`
	unreadableBody = `{"eventType":`
)

// A disk without room, and then with room again: what comes again is no loss, and what does not is one.
func TestLossClockOfAFullDisk(t *testing.T) {
	r := newLossRig(t, hugeHeadroom)
	r.send(http.StatusServiceUnavailable, stateBody, otherBody, bodyWithoutID, unreadableBody)
	r.is("refused", 4, 0, lossclock.Window)
	r.passed = 25 * time.Second
	r.send(http.StatusServiceUnavailable, stateBody, otherBody, bodyWithoutID, unreadableBody)
	r.is("refused again", 4, 0, 150*time.Second)

	if err := r.b.Reconfigure(disk.Limits{Headroom: 1}); err != nil {
		t.Fatal(err)
	}
	r.is("there is room", 4, 0, 150*time.Second)
	r.passed = 75 * time.Second
	r.send(http.StatusOK, `{"eventId":"e-3","eventType":"VEHICLE_STATE"}`)
	r.is("another is stored", 4, 0, 100*time.Second)
	r.send(http.StatusOK, stateBody, bodyWithoutID, unreadableBody)
	r.is("all but one are stored", 1, 0, 100*time.Second)
	r.passed = 235 * time.Second
	r.is("it has run out", 0, 1, lossclock.Window)
}

// What was stored after the answer was given comes again as a duplicate.
func TestLossClockOfALateStore(t *testing.T) {
	r := newLossRig(t, 1)
	r.late = true
	r.send(http.StatusServiceUnavailable, stateBody)
	r.is("refused", 1, 0, lossclock.Window)
	r.late = false
	r.passed = 25 * time.Second
	r.send(http.StatusOK, stateBody)
	if n := r.rc.counts.Duplicate.Load(); n != 1 {
		t.Errorf("%d duplicates", n)
	}
	r.is("it came again", 0, 0, lossclock.Window)
}

// Whatever keeps an event from being stored, it is pending.
func TestEachFailedStoreIsPending(t *testing.T) {
	for _, err := range []error{
		buffer.ErrFull, buffer.ErrHalted, buffer.ErrClosed, context.DeadlineExceeded, errors.New("disk on fire"),
	} {
		rc, _ := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
			return buffer.Receipt{}, err
		})
		serve(t, rc, request(stateBody, tokenA))
		if got := rc.counts.Loss.Loss(); got.Pending != 1 || got.Unverified != 0 {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

// Requests that nothing vouches for are counted apart, and only where they may be Smartcar's.
func TestUnverifiedAreCountedApart(t *testing.T) {
	const foreign = "another token of 16 and more"
	for name, tc := range map[string]struct {
		request    *http.Request
		memory     int64 // for bodies; 0: enough
		unverified uint64
	}{
		"a wrong signature":      {request(stateBody, foreign), 0, 1},
		"too large":              {request(strings.Repeat("x", 300<<10), foreign), 0, 1},
		"no memory":              {request(stateBody+strings.Repeat(" ", 100<<10), tokenA), 1, 1},
		"no memory, unsigned":    {request(stateBody+strings.Repeat(" ", 100<<10), ""), 1, 0},
		"a stranger's probe":     {request(`{"a":1}`, ""), 0, 0},
		"a challenge":            {request(verifyBody, ""), 0, 0},
		"an event with its name": {request(stateBody, tokenA), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rc, _ := newReceiver(t, stored)
			if tc.memory > 0 {
				rc.bodies.SetLimit(tc.memory)
			}
			serve(t, rc, tc.request)
			if got := rc.counts.Loss.Loss(); got.Unverified != tc.unverified || got.Pending != 0 {
				t.Errorf("%+v, want %d unverified", got, tc.unverified)
			}
			if n := rc.counts.Snapshot().Refused["body_memory_full"]; (tc.memory > 0) != (n == 1) {
				t.Errorf("refused for want of memory: %d", n)
			}
		})
	}
}
