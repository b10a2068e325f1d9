package notify

import (
	"context"
	"errors"
	"time"

	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockWait is how long one try for the state file waits, and lockPause how long it is until the next.
	lockWait  = 100 * time.Millisecond
	lockPause = 200 * time.Millisecond
	// firstPause and longestPause bound how long it is until a digest is tried again.
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	// forgetEvery is how often what is old is dropped.
	forgetEvery = time.Hour
)

// errLocked is a state file that another process has open.
var errLocked = errors.New("the state file is in use by another process: " +
	"an earlier one of this handler that still ends, or another handler that names the same file")

// openLater opens the state file as soon as it can be. While a reload changes the handler, the process before this one
// has it open until its last event is finished.
func (h *handler) openLater(ctx context.Context) bool {
	for {
		db, err := openState(h.config.State, lockWait)
		if err == nil {
			h.opened(db)
			return true
		}
		h.notOpened(err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lockPause):
		}
	}
}

// run sends digests when they are due, also where no event comes any more, until ctx ends. What is not sent then stays
// in the state file.
func (h *handler) run(ctx context.Context) {
	if h.state.db == nil && !h.openLater(ctx) {
		return
	}
	var forgotten, retryAt time.Time
	pause := firstPause
	for ctx.Err() == nil {
		now := time.Now()
		due, err := h.state.cut(now)
		if err != nil {
			h.log.Error("the digest cannot be made", "error", err)
			due = now.Add(pause)
		}
		h.trouble.forget(now)
		if !retryAt.After(now) {
			if h.sendDigests(ctx) {
				pause, retryAt = firstPause, time.Time{}
			} else {
				retryAt, pause = now.Add(pause), min(2*pause, longestPause)
			}
		}
		if now.Sub(forgotten) >= forgetEvery || h.state.isFull() {
			forgotten = now
			h.forget(now)
		}
		h.sleep(ctx, now, due, retryAt, forgotten.Add(forgetEvery), h.trouble.until)
	}
}

// sleep waits until the first of these times, zero ones aside, or until something is held.
func (h *handler) sleep(ctx context.Context, now time.Time, until ...time.Time) {
	wait := forgetEvery
	for _, at := range until {
		if !at.IsZero() {
			wait = min(wait, max(at.Sub(now), 0))
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-h.held:
	case <-timer.C:
	}
}

// sendDigests reports whether every target has all of them. One that a target refuses as it is, it does not get: it
// would refuse it for ever.
func (h *handler) sendDigests(ctx context.Context) bool {
	list, err := h.state.digests()
	if err != nil {
		h.log.Error("the digests cannot be read", "error", err)
		return false
	}
	for _, i := range list {
		p, ok, err := h.state.left(i)
		if err != nil {
			return false
		}
		if !ok {
			continue
		}
		failed := deliver(ctx, h.state, h.targets, []letter{{i, digest(h.name, i, p.Groups)}})[0]
		switch err := failed.worst(); {
		case err == nil:
			h.trouble.taken()
		case !errors.Is(err, errRefused):
			if ctx.Err() == nil {
				h.log.Warn("a digest has to wait", "error", err)
				h.trouble.waits(err)
			}
			return false
		default:
			h.log.Error("a digest is refused and not sent again", "error", err, "groups", len(p.Groups))
			h.trouble.refused(time.Now(), p.Groups, err)
			if err := h.state.drop(i); err != nil {
				return false
			}
		}
	}
	h.trouble.clear(digestWaits)
	return true
}

func (h *handler) forget(now time.Time) {
	unsent, err := h.state.forget(now)
	if err != nil {
		h.log.Error("old entries of the state file cannot be dropped", "error", err)
	}
	if unsent > 0 {
		h.log.Warn("messages are forgotten that not every target took: their events did not come again", "messages", unsent)
	}
}

// isLocked reports whether another process has the file open.
func isLocked(err error) bool { return errors.Is(err, bolterrors.ErrTimeout) }
