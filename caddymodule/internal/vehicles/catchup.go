package vehicles

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// allowance is how much may be read from the buffer.
type allowance struct {
	events, bytes int
	at            time.Time
}

// allow gives the allowance of the time since it was last given, of a second at most.
func (w *Watch) allow() *allowance {
	a, now := &w.table.allowed, w.now()
	share := 1.0
	if !a.at.IsZero() {
		share = min(1, max(0, now.Sub(a.at).Seconds()))
	}
	a.events = min(w.limits.perSecond, a.events+int(share*float64(w.limits.perSecond)))
	a.bytes = min(w.limits.bytesPerSecond, a.bytes+int(share*float64(w.limits.bytesPerSecond)))
	a.at = now
	return a
}

func (a *allowance) spent() bool { return a.events <= 0 || a.bytes <= 0 }

// catchUp reads from the buffer what was not noted when it was stored, and reports whether there is more.
func (w *Watch) catchUp(last uint64) (more bool, err error) {
	t := &w.table
	a := w.allow()
	if low := w.notes.lowest(); last-min(low, last) > marked/2 {
		// Too much to mark it.
		if t.backlog == (span{}) {
			t.backlog.first = t.low + 1
		}
		t.backlog.last = last
		w.notes.startAt(last)
	}
	for !a.spent() {
		gap, ok := w.notes.gap(t.before, uint64(a.events))
		if !ok {
			break
		}
		next, err := w.read(gap, a, true)
		if next > gap.first {
			w.notes.fill(span{gap.first, next - 1})
		}
		if err != nil {
			return false, ignoreClosed(err)
		}
	}
	if t.backlog != (span{}) && !a.spent() {
		next, err := w.read(t.backlog, a, false)
		t.backlog.first = next
		if next > t.backlog.last {
			t.backlog = span{}
		}
		if err != nil {
			return false, ignoreClosed(err)
		}
	}
	_, gap := w.notes.gap(t.before, 1)
	return gap || t.backlog != (span{}), nil
}

// bufferError is an error of the buffer, which is not to be blamed on the store.
type bufferError struct{ error }

func (e *bufferError) Unwrap() error { return e.error }

// ignoreClosed leaves the errors of the store: the buffer says its own.
func ignoreClosed(err error) error {
	if _, ok := errors.AsType[*bufferError](err); ok {
		return nil
	}
	return err
}

// read notes the events of a span, as many as are allowed, and returns the position to go on with. isGap: some of them
// may have been noted, and their errors count.
func (w *Watch) read(s span, a *allowance, isGap bool) (next uint64, err error) {
	b := w.newBatch()
	defer b.close()
	var found noted
	next = s.last + 1
	for e, err := range w.buffer.Events(w.life, buffer.Range{First: s.first, Last: s.last}) {
		if err != nil && e.Position == 0 {
			return s.first, &bufferError{err}
		}
		if a.spent() {
			next = e.Position
			break
		}
		a.events--
		if err != nil { // it is damaged
			continue
		}
		a.bytes -= len(e.Body)
		if isGap && w.notes.isNoted(e.Position) {
			continue
		}
		w.noteRead(b, &found, &e, isGap)
	}
	for key, i := range found.index {
		b.merge([]byte(key), &record{heard: found.changed[i]})
	}
	done := w.table.done()
	if !isGap {
		done = next - 1
	}
	if err := b.commit(done); err != nil {
		return s.first, fmt.Errorf("catching up: %w", err)
	}
	return next, nil
}

// noteRead notes an event that was read from the buffer.
func (w *Watch) noteRead(b *batch, found *noted, e *buffer.Event, count bool) {
	if e.Unreadable != "" {
		return
	}
	key, ok := appendKey(nil, e.Source, e.VehicleID)
	if ok && w.isForgotten(e) {
		return
	}
	class := classOf(e.Type)
	if ok {
		h := heardOf(e, class)
		if !found.addHeard(key, &h) {
			b.merge(key, &record{heard: h})
		}
	}
	if class != classError {
		return
	}
	faults, told := parseFaults(e.Body, moment{e.ReceivedAt.UnixMilli(), e.Position})
	if count {
		w.tally.add(e.Source, told)
	}
	if ok {
		b.addFaults(key, faults)
	}
}

// isPassing reports whether an error is of a kind that passes: the store is left as it is.
func isPassing(err error) bool {
	for _, passing := range []error{syscall.EAGAIN, syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.EDQUOT} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}
