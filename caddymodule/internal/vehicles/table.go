package vehicles

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// table is the store with what is known of it. Whoever uses it holds Watch.turn.
type table struct {
	store *store
	// failed is why there is no store, and retryAt when it is tried again.
	failed  error
	retryAt time.Time
	// again: the last attempt to open it failed too.
	again bool

	// backlog are positions that have to be read from the buffer, from an earlier time; the zero span: none.
	backlog span
	// low is up to where all was noted when notes were last written away.
	low uint64
	// before is the last position of the buffer as of the step before: what was not noted by now never will be.
	before uint64
	// allowed is how much may be read, see allow.
	allowed  allowance
	survey   survey
	flushAt  time.Time
	unsynced bool
	// forgotten are vehicles whose events up to a position do not count.
	forgotten map[idHash]uint64
	// offSince is since when none are to be kept, zero while they are.
	offSince time.Time
}

// step does what there is to do, and reports whether there is more.
func (w *Watch) step() (more bool) {
	defer w.publish()
	t := &w.table
	if !w.wanted() {
		if w.noting.Swap(false) || t.offSince.IsZero() {
			t.offSince = w.now()
		}
		w.discard()
		w.countOnly()
		return false
	}
	last := w.buffer.Stats().Last
	if !w.noting.Load() && w.life.Err() == nil {
		w.notes.startAt(last)
		w.noting.Store(true)
		t.retryAt, t.offSince = time.Time{}, time.Time{} // it was off
	}
	if t.store != nil {
		if t.store.hasWorked.Load() {
			w.troubled = false
		}
		if err := t.store.broken(); err != nil {
			w.fail(err)
		}
	}
	if t.store == nil && !w.open(last) {
		return false
	}
	err := w.write()
	if err == nil {
		more, err = w.catchUp(last)
	}
	if err == nil {
		var counting bool
		counting, err = w.count()
		more = more || counting
	}
	if err != nil {
		w.fail(err)
		return false
	}
	t.before = last
	w.flush()
	return more
}

// open opens the store, unless it did not open lately, and reports whether it is open.
func (w *Watch) open(last uint64) bool {
	t := &w.table
	if w.now().Before(t.retryAt) {
		return false
	}
	s, err := openStore(w.fs, w.folder, w.log)
	// Of other errors than damage it may recover; but what is said twice is no moment of weakness.
	if err != nil && (isDamage(err) || t.again && !isPassing(err)) {
		w.log.Warn("vehicles: what is known of vehicles cannot be read, and is made anew of the events in the buffer",
			"error", cleanError(err))
		if err = removeStore(w.folder); err == nil {
			s, err = openStore(w.fs, w.folder, w.log)
		}
	}
	var position uint64
	if err == nil {
		position, err = s.position()
	}
	if err == nil {
		t.forgotten, err = s.loadForgotten()
	}
	if err != nil {
		if s != nil {
			_ = s.close()
		}
		w.fail(err)
		return false
	}
	*t = table{store: s, forgotten: t.forgotten, low: last, before: last}
	if position > last {
		position = 0 // of another buffer
	}
	if position < last {
		t.backlog = span{position + 1, last}
	}
	w.notes.startAt(last)
	return true
}

// fail lets go of the store. What was noted since it was written is read from the buffer again.
func (w *Watch) fail(err error) {
	t := &w.table
	err = cleanError(err)
	if !w.troubled {
		w.log.Warn("vehicles: nothing is known of vehicles just now, and it is tried again; events are not touched by that",
			"error", err)
	}
	w.troubled = true
	damaged := isDamage(err)
	if t.store != nil {
		_ = w.closeStore()
	}
	*t = table{failed: err, retryAt: w.now().Add(reopenAfter), again: t.failed != nil}
	if damaged && removeStore(w.folder) == nil {
		t.retryAt = w.now()
	}
}

func (w *Watch) closeStore() error {
	s := w.table.store
	w.table.store = nil
	return s.close()
}

// discard deletes what was kept, once it has stood for a moment: a config that fails to start is taken back.
func (w *Watch) discard() {
	t := &w.table
	if t.store != nil {
		_ = w.closeStore()
	}
	if w.folder == "" || w.now().Before(t.retryAt) || w.now().Sub(t.offSince) < w.limits.keepWhenOff ||
		!w.MayDelete() {
		return
	}
	*t = table{retryAt: w.now().Add(reopenAfter), offSince: t.offSince}
	if err := removeStore(w.folder); err != nil {
		t.failed = fmt.Errorf("deleting the vehicles: %w", err)
	}
}

// countOnly counts the errors that were noted, and drops the rest.
func (w *Watch) countOnly() {
	taken, _ := w.notes.take()
	for i := range taken.bodies {
		b := &taken.bodies[i]
		_, told := parseFaults(b.body, b.moment)
		w.tally.add(b.source, told)
	}
	w.notes.giveBack(taken)
}

// batchRecords bounds how many records are written at once: less than Pebble takes into memory.
const batchRecords = 10_000

// write writes away what was noted, and how far all is.
func (w *Watch) write() error {
	taken, low := w.notes.take()
	defer w.notes.giveBack(taken)
	w.table.low = low
	b := w.newBatch()
	defer b.close()
	for key, i := range taken.index {
		b.merge([]byte(key), &record{heard: taken.changed[i]})
	}
	for i := range taken.bodies {
		body := &taken.bodies[i]
		faults, told := parseFaults(body.body, body.moment)
		w.tally.add(body.source, told)
		b.addFaults([]byte(body.key), faults)
	}
	w.dropForgotten(b)
	return b.commit(w.table.done())
}

// done is up to where all was noted and written away.
func (t *table) done() uint64 {
	if t.backlog != (span{}) {
		return t.backlog.first - 1
	}
	return t.low
}

// batch is written in several steps, of which a crash leaves the first ones. How far all is comes with the last one.
type batch struct {
	w     *Watch
	b     *pebble.Batch
	value []byte
	err   error
}

func (w *Watch) newBatch() *batch { return &batch{w: w, b: w.table.store.db.NewBatch()} }

func (b *batch) merge(key []byte, r *record) {
	if b.err != nil {
		return
	}
	b.value = r.appendTo(b.value[:0])
	if b.err = b.b.Merge(key, b.value, nil); b.err == nil && b.b.Count() >= batchRecords {
		b.next()
	}
}

func (b *batch) addFaults(key []byte, faults []fault) {
	if len(key) == 0 || len(faults) == 0 {
		return
	}
	r := record{}
	for i := range faults {
		r.addFault(&faults[i])
	}
	r.bound()
	b.merge(key, &r)
}

// next commits what there is and goes on with another one.
func (b *batch) next() {
	b.err = b.w.table.store.commit(b.b)
	_ = b.b.Close()
	b.b = b.w.table.store.db.NewBatch()
	b.w.table.unsynced = true
}

// commit writes the rest, with the position up to which all is noted.
func (b *batch) commit(position uint64) error {
	if b.err == nil {
		b.err = b.b.Set(keyPosition, appendPosition(position), nil)
	}
	if b.err == nil {
		b.next()
	}
	if b.err != nil {
		return fmt.Errorf("noting vehicles: %w", b.err)
	}
	return nil
}

func (b *batch) close() { _ = b.b.Close() }

// flush has what was written put into files now and then.
func (w *Watch) flush() {
	t, now := &w.table, w.now()
	if !t.unsynced || now.Before(t.flushAt) {
		return
	}
	if !t.flushAt.IsZero() {
		t.unsynced = false
		_, _ = t.store.db.AsyncFlush() // its error is that of what comes next
	}
	t.flushAt = now.Add(flushEvery)
}
