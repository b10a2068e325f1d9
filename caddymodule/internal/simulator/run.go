package simulator

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// MaxAttempts is how often Smartcar sends an event before it drops it.
const MaxAttempts = 4

// firstWait is how long Smartcar waits after the first failure; the wait doubles
// after each further one.
const firstWait = 25 * time.Second

// Wait is how long Smartcar waits after an attempt that failed, 1 being the first: 25, 50, 100 s.
func Wait(attempt int) time.Duration { return firstWait << (attempt - 1) }

// Run sends what o asks for, until all of it is settled or ctx ends. The summary is
// of what was done until then; the error is about the options.
func Run(ctx context.Context, o Options) (*Summary, error) {
	o, err := o.check()
	if err != nil {
		return nil, fmt.Errorf("checking what to send: %w", err)
	}
	s := newSender(o)
	defer s.close()
	l := &loop{o: o, plan: newPlan(o), start: time.Now(), summary: newSummary()}

	deliveries, ended := make(chan delivery), make(chan outcome)
	var workers sync.WaitGroup
	for range o.Concurrency {
		workers.Go(func() {
			for d := range deliveries {
				ended <- outcome{d, s.send(ctx, d)}
			}
		})
	}
	l.run(ctx, deliveries, ended)
	close(deliveries)
	workers.Wait()
	l.summary.finish(time.Since(l.start))
	return l.summary, nil
}

// outcome is a delivery with the result of sending it once.
type outcome struct {
	delivery
	result Result
}

// loop decides what is sent when. Only one goroutine uses it.
type loop struct {
	o       Options
	plan    *plan
	start   time.Time
	summary *Summary

	planned  int       // how many deliveries the plan gave
	head     *delivery // the next of the plan
	again    retries
	underWay int
	stopped  bool
}

func (l *loop) run(ctx context.Context, deliveries chan<- delivery, ended <-chan outcome) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	interrupted := ctx.Done()
	for {
		if ctx.Err() != nil && !l.stopped {
			l.stop()
			interrupted = nil
		}
		next, due, ok := l.next()
		if !ok && l.underWay == 0 {
			return
		}
		// Of the two, the one that does not fit stays nil, and is never chosen.
		var out chan<- delivery
		var wait <-chan time.Time
		if ok {
			if d := time.Until(due); d > 0 {
				timer.Reset(d)
				wait = timer.C
			} else {
				out = deliveries
			}
		}
		select {
		case out <- next:
			l.take(next)
		case <-wait:
		case o := <-ended:
			l.end(ctx, o)
		case <-interrupted: // seen at the top
		}
	}
}

// next returns what is to be sent next, and when.
func (l *loop) next() (delivery, time.Time, bool) {
	if l.stopped {
		return delivery{}, time.Time{}, false
	}
	if l.head == nil {
		if d, ok := l.plan.next(); ok {
			l.head = &d
			l.planned++
		}
	}
	due := l.start
	if l.o.Rate > 0 {
		due = due.Add(time.Duration(float64(l.planned-1) / l.o.Rate * float64(time.Second)))
	}
	if len(l.again) > 0 {
		first := l.again[0]
		// Without a rate the plan is always due; a retry whose time has come goes first.
		if l.head == nil || first.due.Before(due) || !first.due.After(time.Now()) {
			return first.delivery, first.due, true
		}
	}
	if l.head == nil {
		return delivery{}, time.Time{}, false
	}
	return *l.head, due, true
}

// take notes that d, which next returned, is under way.
func (l *loop) take(d delivery) {
	l.underWay++
	if d.attempt > 1 {
		heap.Pop(&l.again)
		return
	}
	l.head = nil
	l.summary.begun(d)
}

// end settles an attempt, or puts it off to the next.
func (l *loop) end(ctx context.Context, o outcome) {
	l.underWay--
	r := o.result
	// What was cut off by the interruption says nothing about the receiver.
	cutOff := ctx.Err() != nil && r.Err != nil
	r.Last = r.accepted() || r.Forged || !l.o.Retry || o.attempt == MaxAttempts || l.stopped || cutOff
	if !r.Last {
		d := o.delivery
		wait := time.Duration(float64(Wait(d.attempt)) / l.o.ClockFactor)
		d.attempt++
		heap.Push(&l.again, retry{d, time.Now().Add(wait)})
	}
	l.summary.add(r, cutOff)
	if l.o.OnResult != nil {
		l.o.OnResult(r)
	}
}

func (l *loop) stop() {
	l.stopped = true
	l.summary.Interrupted = true
	l.summary.Unsettled += len(l.again)
	l.again = nil
}

// retry is a delivery that is to be sent again.
type retry struct {
	delivery
	due time.Time
}

// retries is a heap, the one that is due first at its top.
type retries []retry

func (r retries) Len() int           { return len(r) }
func (r retries) Less(i, j int) bool { return r[i].due.Before(r[j].due) }
func (r retries) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *retries) Push(x any)        { *r = append(*r, x.(retry)) }

func (r *retries) Pop() any {
	old := *r
	last := old[len(old)-1]
	*r = old[:len(old)-1]
	return last
}
