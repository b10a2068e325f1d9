package disk

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/clock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/dedupe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/probe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// Buffer is an open buffer. It implements buffer.Buffer.
type Buffer struct {
	opts   Options
	limits atomic.Pointer[Limits]
	// grace delays limits that keep less; reconfiguring lets one Reconfigure at a time change both.
	grace         atomic.Pointer[graceLimits]
	reconfiguring sync.Mutex

	log     *slog.Logger
	failure *failstop.Failure
	clock   *clock.Clock

	// dbMu is held for reading while db is used, and for writing to take it away.
	dbMu sync.RWMutex
	db   *store.DB
	// lock is held beyond db, nil where db holds it alone.
	lock *pebble.Lock
	// beginAt is a position beyond every one that was given in files that were set aside, 0 where none was.
	beginAt uint64
	// lostBefore is the position before which consumers may have lost their progress, 0 for none.
	lostBefore uint64
	// setAside describes these files. One at a time recovers or removes some.
	setAside   atomic.Pointer[[]buffer.Damaged]
	recovering sync.Mutex
	// writingControl is held while the control file is written.
	writingControl sync.Mutex
	// fs is what db and events write through. The first write that fails halts it, which is in failure.
	fs *failstop.FS

	// events holds the events, and with each group what it changes in db; dbMu guards it too.
	events *eventlog.Log
	// committed is the last group that can be read from db, flushed the last that db has on the disk.
	committed, flushed atomic.Uint64
	// removal asks for a look at which segments can go, cacheDrop at which events can leave the page cache.
	removal, cacheDrop trigger

	committer *committer
	dedupe    *dedupe.Index

	// first is the position of the oldest stored event, or the next position when
	// there is none; durable is that of the newest synced one.
	first, durable atomic.Uint64
	// eventBytes and asideBytes account for what is stored: events, and beside them dead
	// letters and copies of reopened events. Only the committer changes them.
	eventBytes, asideBytes atomic.Int64
	// gone is the total size of the events before first.
	gone      atomic.Uint64
	deadCount atomic.Uint64
	// refusedSize is that of the last event that found no room; 0 when one was stored since.
	refusedSize atomic.Int64
	// diskBytes is the size of the whole disk, 0 while it is not known, and diskFree how much of it is free.
	diskBytes, diskFree atomic.Uint64
	// oldest is when the oldest event was stored, nil before that was looked at; extent is what Stats tells of it.
	oldest atomic.Pointer[oldest]
	extent atomic.Pointer[extent]
	// folderMode is that of the directory while others than its owner have a way in, else 0.
	folderMode atomic.Uint32
	// tight is set while the disk has less than the headroom. missing is how many bytes should be freed, 0 for none.
	tight   atomic.Bool
	missing atomic.Int64
	// probed is what the probe found, nil before.
	probed atomic.Pointer[probe.Result]

	consumersMu sync.Mutex
	consumers   map[string]*consumerState

	// damaged holds positions that were set aside, so that each is counted once.
	damagedMu sync.Mutex
	damaged   map[uint64]struct{}

	// trimming lets one trim measure and delete at a time: two would free the same excess twice.
	trimming sync.Mutex
	// warnedAt is when the holders were last logged, tightTrim when events last went to free the headroom.
	warnedAt, tightTrim int64

	counters counters

	// closing is closed by Close.
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	// sweep asks the keeper to look at the limits now.
	sweep trigger
	loops sync.WaitGroup
}

type counters struct {
	syncs, appended, duplicates, corrupt, unreadable, conflicts atomic.Uint64
}

// task is something to be written by the committer.
type task interface {
	// size is roughly how many bytes it adds to the group.
	size() int
	// stage adds the task's writes to the group. An error fails this task alone: it must be
	// returned before anything was added.
	stage(g *group) error
	// done is called once, after the sync or the failure.
	done(err error)
}

// group is what one sync makes durable.
type group struct {
	b      *Buffer
	c      *committer
	db     *store.DB
	batch  *pebble.Batch
	events eventlog.Group
	// counted: the number of dead letters changes, or the bytes beside the events.
	counted bool
	// rotate: a new segment begins at once, so that the trimmed one can go.
	rotate bool
	number uint64
	now    int64
	// took is how long writing and syncing it took.
	took   time.Duration
	limits *Limits
	// seen is the start of the dedupe window, 0 until it is asked for.
	seen int64
	// touched are the consumers whose progress changed.
	touched []*consumerState
	// memos are those of the group by their keys, lettersGone the dead letters that it removes, and
	// trimmedTo is the last event that it trims: what is staged later must see what is not in
	// the store yet.
	memos       map[string][]byte
	lettersGone map[string]bool
	trimmedTo   uint64
	// then runs after the sync, before the tasks are done.
	then []func()
}

// committer is the only writer of the store.
type committer struct {
	b     *Buffer
	queue chan task
	// gate lets senders finish before the queue is closed.
	gate    sync.RWMutex
	stopped bool

	// next position and total size, number of dead letters and bytes beside the events, of what is staged.
	next, total    uint64
	letters, aside int64
	// stuck is set when Pebble panicked: it may hold its locks, so closing it could hang.
	stuck atomic.Bool

	// begun is when the group began that is being written, by Clock.Elapsed and one more; 0 where none is.
	begun atomic.Int64

	// newest is the segment that was the newest when it last looked, and cacheDropped the total size when it last asked
	// for pages to be dropped.
	newest, cacheDropped uint64
	// clockStored is the time when the clock was last stored, or the start.
	clockStored int64

	tasks []task
	errs  []error
	group group

	// appends are tasks to be used again: by this buffer alone, since a task's channel must not move between the
	// synctest bubbles of tests.
	appends sync.Pool
}

// consumerState is what the buffer knows of a consumer, open or not.
type consumerState struct {
	name string
	// changed wakes Lease: there is a new event, or room in the window, or an end.
	changed broadcast

	mu       sync.Mutex
	progress format.Progress
	// cursor is the next position that Lease looks at.
	cursor uint64
	leased map[uint64]lease
	// settling counts tasks that are on their way to the committer.
	settling int
	// staged says of the positions in the committer's group whether they end up deferred.
	staged map[uint64]bool
	// hints are where look-ups of deferred events start.
	hints seekHints
	// lifecycle is what people have decided about the consumer.
	lifecycle format.Lifecycle
	// forgotten: the consumer was removed, and this state is nobody's.
	forgotten bool
	// handle is the open Consumer, if any.
	handle *Consumer
	// touched is set while the state is in the committer's group; only the committer uses it.
	touched bool
}

// lease is an event that was handed out.
type lease struct {
	// deferred events have entries of their own, under lane.
	deferred bool
	lane     string
	// copied is the size of the consumer's own copy of the event, 0 if there is none.
	copied int
	// settling: its outcome is on the way to the disk.
	settling bool
}

// Consumer is an open consumer. It implements buffer.Consumer.
type Consumer struct {
	b  *Buffer
	st *consumerState
	// turn is held by the one Lease call that reads.
	turn   chan struct{}
	closed chan struct{}
	once   sync.Once
}
