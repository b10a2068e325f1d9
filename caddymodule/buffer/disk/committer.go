package disk

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const (
	queueLength   = 1024
	maxGroupTasks = 1024
	maxGroupBytes = 4 << 20
	// maxYields bounds how often the committer yields to others.
	maxYields = 4
)

func newCommitter(b *Buffer, next, total uint64) *committer {
	c := &committer{b: b, queue: make(chan task, queueLength), next: next, total: total, cacheDropped: total}
	c.clockStored = b.clock.Now()
	c.letters, c.aside = int64(b.deadCount.Load()), b.asideBytes.Load()
	c.group = group{b: b, c: c}
	return c
}

// send queues t. After an error t is not queued and done is never called.
func (c *committer) send(ctx context.Context, t task) error {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.stopped {
		return buffer.ErrClosed
	}
	if err := c.b.failure.Err(); err != nil {
		return err
	}
	select {
	case c.queue <- t:
		return nil
	default:
	}
	select {
	case c.queue <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.b.failure.Halted:
		return c.b.failure.Err()
	}
}

// do sends t and waits for it. done is false when t may still be on its way.
func (c *committer) do(ctx context.Context, t task, w *waiter) (done bool, err error) {
	if err := c.send(ctx, t); err != nil {
		return true, err
	}
	return w.wait(ctx, c.b.failure)
}

// stop lets what is queued be committed, and nothing more.
func (c *committer) stop() {
	c.gate.Lock()
	defer c.gate.Unlock()
	if !c.stopped {
		c.stopped = true
		close(c.queue)
	}
}

func (c *committer) run() {
	for t := range c.queue {
		c.yield()
		c.gather(t)
		c.commit()
	}
}

// yield lets other goroutines run for as long as that brings more tasks: requests that have arrived but had no
// processor share this sync instead of needing one of their own. When nothing else could run, it returns at once.
func (c *committer) yield() {
	for range maxYields {
		n := len(c.queue)
		runtime.Gosched()
		if len(c.queue) == n {
			return
		}
	}
}

// gather takes what waits. It waits for nothing that is not here: while a group is synced, the next one gathers.
func (c *committer) gather(t task) {
	c.tasks = append(c.tasks[:0], t)
	for size := t.size(); size < maxGroupBytes && len(c.tasks) < maxGroupTasks; {
		select {
		case t, ok := <-c.queue:
			if !ok {
				return
			}
			c.tasks = append(c.tasks, t)
			size += t.size()
		default:
			return
		}
	}
}

func (c *committer) commit() {
	c.begun.Store(int64(c.b.clock.Elapsed()) + 1)
	err := c.write()
	c.begun.Store(0)
	for i, t := range c.tasks {
		if err != nil {
			t.done(err)
		} else {
			t.done(c.errs[i])
		}
		c.tasks[i] = nil
	}
}

// writing returns how long ago the group began that is being written, 0 where none is.
func (c *committer) writing() time.Duration {
	begun := c.begun.Load()
	if begun == 0 {
		return 0
	}
	return max(0, c.b.clock.Elapsed()+1-time.Duration(begun))
}

// write stages all tasks and syncs them.
func (c *committer) write() error {
	b := c.b
	b.dbMu.RLock()
	defer b.dbMu.RUnlock()
	if err := b.usable(); err != nil {
		return err
	}
	g := &c.group
	g.start(b.db)
	c.errs = c.errs[:0]
	for _, t := range c.tasks {
		c.errs = append(c.errs, t.stage(g))
	}
	for _, st := range g.touched {
		st.stageProgress(g.batch)
	}
	g.writeMemos()
	if g.batch.Empty() && g.events.Empty() {
		return nil
	}
	g.stageApplied()
	if err := c.apply(g); err != nil {
		return err
	}
	b.counters.syncs.Add(1)
	c.observe(g)
	b.committed.Store(g.number)
	if g.counted {
		b.deadCount.Store(uint64(c.letters))
		b.asideBytes.Store(c.aside)
	}
	grown := b.durable.Swap(c.next-1) != c.next-1
	for _, f := range g.then {
		f()
	}
	if grown {
		b.wakeAll()
	}
	if c.total-c.cacheDropped >= dropCacheEvery {
		c.cacheDropped = c.total
		b.cacheDrop.fire()
	}
	return nil
}

func (g *group) start(db *store.DB) {
	g.db = db
	if g.batch == nil {
		g.batch = db.NewBatch(pebble.WithInitialSizeBytes(256<<10), pebble.WithMaxRetainedSizeBytes(2*maxGroupBytes))
	} else {
		g.batch.Reset()
	}
	g.number = g.b.committed.Load() + 1
	g.events.Reset(g.number, g.c.next)
	g.limits = g.b.limits.Load()
	g.seen = 0
	g.stageClock()
	clear(g.touched)
	g.touched = g.touched[:0]
	clear(g.memos)
	clear(g.lettersGone)
	g.trimmedTo = 0
	g.counted, g.rotate = false, false
	clear(g.then)
	g.then = g.then[:0]
}

// apply returns nil only if the group is on disk. What Pebble says is not enough, since failures are hidden from it.
func (c *committer) apply(g *group) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.stuck.Store(true)
			c.b.failure.Halt(fmt.Errorf("committing: %w", store.Panicked(r)))
			err = c.b.failure.Err()
		}
	}()
	if err := c.writeLog(g); err != nil {
		c.b.failure.Halt(fmt.Errorf("committing: %w", err))
	}
	if err := c.b.failure.Err(); err != nil {
		return err
	}
	if err := c.b.db.Apply(g.batch, pebble.NoSync); err != nil {
		c.b.failure.Halt(fmt.Errorf("committing: %w", err))
	}
	c.rotate(g.rotate)
	return c.b.failure.Err()
}

// writeLog writes and syncs the group's events and changes.
func (c *committer) writeLog(g *group) error {
	begun := time.Now()
	defer func() { g.took = time.Since(begun) }()
	return c.b.events.Append(&g.events, g.batch.Repr())
}

// observe tells the observer of a group that was synced.
func (c *committer) observe(g *group) {
	if o := c.b.opts.Observer; o != nil {
		o.Synced(g.took, int(c.next-1-c.b.durable.Load()))
	}
}

// rotate begins a new segment if now says so, and asks for a look at the segments when there is a new one.
func (c *committer) rotate(now bool) {
	if now {
		if err := c.b.events.Rotate(); err != nil {
			c.b.failure.Halt(fmt.Errorf("committing: %w", err))
		}
	}
	if n := c.b.events.Newest(); n != c.newest {
		c.newest = n
		c.b.removal.fire()
	}
}
