package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Dispatcher delivers one consumer's events to one handler until Stop.
type Dispatcher struct {
	cfg      Config
	consumer buffer.Consumer
	handler  Handler
	limits   limits

	// work ends when Stop is called, calls and storing when the time that Stop has is over.
	work, calls, storing                   context.Context
	cancelWork, cancelCalls, cancelStoring context.CancelFunc

	stopOnce sync.Once
	stop     chan context.Context
	done     chan struct{}
	stopErr  error // written before done is closed

	// What runs outside the scheduler reports here.
	readied chan error
	lanesIn chan loaded
	leased  chan leasedEvents
	fetched chan fetchedEvents
	answers chan answer
	settled chan settlement
	orders  chan func() // what callers of other methods want the scheduler to do

	published published

	// Everything below belongs to the scheduler.
	up         bool // the handler can take calls
	wasUp      bool // it once could, so Wants and MaxBatch may be asked
	downs      int  // times in a row that the handler went down without an answer
	awaiting   bool // Ready is being asked
	loaded     bool // the deferred lanes are known
	loading    bool
	leasing    bool
	stopLease  func()    // ends the wait of the lease under way
	seen       uint64    // the main line was read up to here
	paused     bool      // by an operator
	triedAt    time.Time // when tryNow last was
	isolating  bool      // a suspect is with the handler
	background int       // goroutines that will report: lanes, lease, fetches, ready
	inMemory   int       // main line events in queues, held, or in flight
	inFlight   int       // events in flight
	held       held      // bytes of bodies
	onDisk     int       // lanes on disk
	active     int       // lanes on disk that are being looked up or delivered
	inCall     map[*call]struct{}
	sweepAt    time.Time // when to look for long calls
	spillAt    time.Time // when to spill, zero while there is no need
	lanes      map[string]*lane
	relaning   []buffer.Outcome // of relane; only while the lanes are being loaded
	long       []*lane          // with more in memory than a lane keeps when room is needed
	ready      laneQueue
	suspects   laneQueue // ready, to be sent alone
	due        laneQueue
	waiting    laneHeap
	blocked    []*lane
	settling   []*lane
	reopenings []*reopening // to be begun
	reopened   []*reopening // to become durable
	drains     []chan error
	fresh      tables
	batchSince time.Time // since when a batch that is not full waits
	batchWake  time.Time // until when, zero while none does
	breaker    breaker
	outbox     outbox
	backoffs   backoffs
	counts     Counts
	failures   failures
	lastInfo   time.Time // of a retry logged at level info
	retryError string    // of the last attempt that will be repeated
	unmatched  Unmatched
	stopping   bool
}

// limits are the bounds named in the package comment.
type limits struct {
	readAhead, keep, active, lanes, unsettled int
	// In bytes of bodies: mainBytes bounds those that came from the main line, fetchedBytes those of deferred events
	// leased back, so that neither can starve the other. A lane keeps keepBytes when room is needed, and one look-up
	// asks for chunkBytes.
	mainBytes, fetchedBytes, keepBytes, chunkBytes int
}

// Start begins to deliver and returns at once. The consumer stays the caller's: it
// is closed after Stop, which gives back what was leased.
func Start(c Config, consumer buffer.Consumer, h Handler) *Dispatcher {
	c = c.complete()
	deliveries := c.Concurrency * c.Batch.MaxEvents
	readAhead, active := max(256, 4*deliveries), max(16, 2*deliveries)
	share := max(2, c.MaxBytes/2)
	d := &Dispatcher{
		cfg: c, consumer: consumer, handler: h,
		limits: limits{
			readAhead: readAhead,
			keep:      min(maxChunk, readAhead/(2*deliveries)),
			active:    active,
			lanes:     32768,
			unsettled: max(4096, 4*readAhead),

			mainBytes:    share,
			fetchedBytes: share,
			keepBytes:    max(1, share/(2*deliveries)),
			chunkBytes:   max(1, share/active),
		},
		stop:     make(chan context.Context, 1),
		done:     make(chan struct{}),
		readied:  make(chan error),
		lanesIn:  make(chan loaded),
		leased:   make(chan leasedEvents),
		fetched:  make(chan fetchedEvents),
		answers:  make(chan answer, c.Concurrency),
		settled:  make(chan settlement),
		orders:   make(chan func()),
		paused:   c.Paused,
		lanes:    map[string]*lane{},
		inCall:   map[*call]struct{}{},
		failures: newFailures(c.ParkAfter.remembered(), time.Now()),
		held:     held{largest: min(usualBody, share)},
		breaker:  breaker{policy: c.Breaker, log: c.Log, state: BreakerClosed, since: time.Now()},
	}
	d.fresh = newTables(c.Stale, func() uint64 { return d.outbox.durable })
	d.work, d.cancelWork = context.WithCancel(context.Background())
	d.calls, d.cancelCalls = context.WithCancel(context.Background())
	d.storing, d.cancelStoring = context.WithCancel(context.Background())
	d.publish()
	go d.run()
	return d
}

// Stop takes no more events, waits for those in flight until ctx ends, and stores
// their outcomes. What was leased and not delivered is given back when the consumer
// is closed. The error says what could not be finished: it is delivered again later.
// Later calls wait for the first.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.stopOnce.Do(func() { d.stop <- ctx })
	<-d.done
	return d.stopErr
}

// run is the scheduler.
func (d *Dispatcher) run() {
	defer close(d.done)
	defer d.cancelWork()
	defer d.cancelCalls()
	defer d.cancelStoring()

	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var stopping stopTimer
	for {
		if wake := d.pump(); !wake.IsZero() {
			timer.Reset(time.Until(wake))
		} else {
			timer.Stop()
		}
		d.watchDrains()
		d.publish()
		if d.stopping && d.ended() {
			d.stopErr = d.unfinished()
			return
		}
		select {
		case err := <-d.readied:
			d.onReady(err)
		case r := <-d.lanesIn:
			d.onLanes(r)
		case r := <-d.leased:
			d.onLeased(r)
		case r := <-d.fetched:
			d.onFetched(r)
		case a := <-d.answers:
			d.onAnswer(a)
			d.moreAnswers()
		case s := <-d.settled:
			d.onSettled(s)
		case order := <-d.orders:
			order()
		case <-timer.C:
		case ctx := <-d.stop:
			d.stopping = true
			d.cancelWork()
			stopping.start(ctx)
		case <-stopping.expired():
			stopping.startGrace()
			d.cancelCalls()
		case <-stopping.graceOver():
			d.cancelStoring()
			d.stopErr = d.unfinished()
			return
		}
	}
}

// pump starts everything that can be started, and returns when to do so again at the latest;
// zero when only a report can change anything.
func (d *Dispatcher) pump() (wake time.Time) {
	now := time.Now()
	if d.stopping {
		d.lookUpSettled()
		d.settle(now)
		return d.backoffs.store.next(now)
	}
	d.breaker.tick(now)
	d.awaitReady(now)
	d.loadLanes(now)
	d.reopen()
	d.unblock()
	d.wakeWaiting(now)
	d.lookUpDue()
	d.deliver(now)
	d.detachLongCalls(now)
	d.spill(now)
	d.lease(now)
	d.settle(now) // last, because the others may have put something into the outbox
	return d.nextWake(now)
}

// nextWake returns the earliest time at which something becomes possible by itself.
func (d *Dispatcher) nextWake(now time.Time) time.Time {
	wake := earliest(d.backoffs.store.next(now), d.backoffs.lease.next(now))
	wake = earliest(wake, d.backoffs.lanes.next(now))
	wake = earliest(wake, d.backoffs.down.next(now))
	if len(d.waiting) > 0 {
		wake = earliest(wake, d.waiting[0].due)
	}
	wake = earliest(wake, d.spillAt)
	if len(d.inCall) > 0 {
		wake = earliest(wake, d.sweepAt)
	}
	if d.breaker.state == BreakerOpen {
		wake = earliest(wake, d.breaker.until)
	}
	return earliest(wake, d.batchWake)
}

// earliest returns the earlier of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
