package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

const (
	minSteady = 10 * time.Second
	// steadyLimit is the max_size of the buffer under steady load: events of the hour's first
	// part have to go before its end.
	steadyLimit = 1 << 30
	slices10    = 10
)

// steadyPlan is how an hour's load is pressed into less time.
type steadyPlan struct {
	// asked is the hour's rate, pressed the one with which as many events come in the shorter
	// time, both in events a second.
	asked, pressed float64
	// slow is how long the hour's own rate is held first, fast how long the pressed one.
	slow, fast time.Duration
}

func newSteadyPlan(during time.Duration, rate float64) steadyPlan {
	p := steadyPlan{asked: rate, pressed: rate, slow: during / 10, fast: during - during/10}
	if during < time.Hour {
		p.pressed = rate * time.Hour.Seconds() / p.fast.Seconds()
	}
	return p
}

// statement says what of an hour this is and what it is not.
func (p steadyPlan) statement() string {
	if p.pressed == p.asked {
		return fmt.Sprintf("Nothing is shortened: %s events a second for %v.", count(p.asked), p.slow+p.fast)
	}
	return fmt.Sprintf("This stands for an hour at %s events a second, %s events, and is shortened: that rate was held for %v only, "+
		"and then as many events as an hour has came within %v, at %s a second. What compactions write depends on how many events there are, and is that of the hour. "+
		"What the log writes depends on how many events share a sync; see the first line for the hour's own rate. "+
		"What goes by the clock (retention) plays no part: events go by a max_size of %s.",
		count(p.asked), count(p.asked*time.Hour.Seconds()), p.slow, p.fast, count(p.pressed), megabytes(steadyLimit))
}

// moment is how things stand at one time of the load.
type moment struct {
	at       time.Duration
	appended uint64
	syncs    uint64
	written  int64
	files    int64
	resident int64
}

// steadied is what steady load gave.
type steadied struct {
	plan       steadyPlan
	slow, fast measured
	table      table
	// amplifications are bytes written for each byte received: at the hour's rate, over the
	// pressed hour, and in its last tenth.
	atRate, over, atEnd float64
}

// steadily loads a Caddy with a steady rate, with a handler that takes everything.
func (b *bench) steadily(ctx context.Context) (r steadied, err error) {
	r = steadied{plan: newSteadyPlan(b.opts.steady, b.opts.steadyRate), table: table{head: []string{"after", "events/s", "events/sync",
		"written/received", "files", "memory of Caddy"}}}
	fmt.Printf("Steady load: %s\n\n", r.plan.statement())
	handlers, err := block("takes-all", `["plugin"]`, 0, filepath.Join(b.dir, "none"))
	if err != nil {
		return r, err
	}
	s, bodies, _, err := b.launchAndAsk(ctx, site{name: "steady", handlers: handlers, maxSize: fmt.Sprint(steadyLimit)})
	if err != nil {
		return r, err
	}
	defer s.stop()

	begin, err := s.moment(ctx)
	if err != nil {
		return r, err
	}
	e := effort{conns: b.opts.conns, during: r.plan.slow, rate: r.plan.asked}
	slow, err := s.watch(ctx, bodies, e, 1, begin, &r.slow, func(from, to moment) { r.add(from, to, b.opts.size) })
	if err != nil {
		return r, err
	}
	e.during, e.rate = r.plan.fast, r.plan.pressed
	fast, err := s.watch(ctx, bodies, e, slices10, slow[0], &r.fast, func(from, to moment) { r.add(from, to, b.opts.size) })
	if err != nil {
		return r, err
	}
	printTable(r.table)
	size := b.opts.size
	r.atRate, r.over, r.atEnd = amplification(begin, slow[0], size), amplification(slow[0], fast[len(fast)-1], size), amplification(fast[len(fast)-2], fast[len(fast)-1], size)
	fmt.Printf("  written/received: at the hour's own rate %s, over the hour's events %s, in their last tenth %s; answers p50 %s, p99 %s, max %s%s\n\n",
		decimal(r.atRate, 2), decimal(r.over, 2), decimal(r.atEnd, 2), millis(percentile(r.fast.latencies, 0.50)),
		millis(percentile(r.fast.latencies, 0.99)), millis(percentile(r.fast.latencies, 1)), r.shortfall())
	return r, nil
}

// shortfall says if the receiver did not keep up, so that it was no steady load.
func (r steadied) shortfall() string {
	if r.fast.perSecond() >= 0.95*r.plan.pressed {
		return ""
	}
	return fmt.Sprintf("; only %s of %s events a second were taken: too short a time for an hour's events on this machine", count(r.fast.perSecond()), count(r.plan.pressed))
}

func amplification(from, to moment, size int) float64 {
	return float64(to.written-from.written) / float64(int64(to.appended-from.appended)*int64(size))
}

func (r *steadied) add(from, to moment, size int) {
	events, memory := float64(to.appended-from.appended), megabytes(to.resident)
	written := unknown
	if to.written > 0 {
		written = decimal(amplification(from, to, size), 2)
	}
	r.table.add(to.at.Round(time.Second).String(), count(events/(to.at-from.at).Seconds()), decimal(events/float64(to.syncs-from.syncs), 1),
		written, megabytes(to.files), memory)
}

func (s *server) moment(ctx context.Context) (m moment, err error) {
	st, err := s.status(ctx)
	if err != nil {
		return m, err
	}
	u, _ := use(s.pid())
	m = moment{at: time.Since(s.begun), appended: st.Buffer.Appended, syncs: st.Buffer.Syncs, written: u.Written, resident: u.Resident}
	m.files, err = folderSize(s.buffer)
	return m, err
}

// watch loads the server and looks at it parts times, evenly.
func (s *server) watch(ctx context.Context, bodies *bodyMaker, e effort, parts int, from moment, result *measured, each func(from, to moment)) (all []moment, err error) {
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		m, err := load(ctx, s.secure, bodies, e)
		*result = m
		failed <- err
	}()
	ticker := time.NewTicker(e.during / time.Duration(parts))
	defer ticker.Stop()
	for range parts {
		select {
		case <-ticker.C:
		case err := <-failed:
			failed <- err
			if err != nil {
				return nil, err
			}
		}
		m, err := s.moment(ctx)
		if err != nil {
			cancel()
			return nil, errors.Join(err, <-failed)
		}
		each(from, m)
		all, from = append(all, m), m
	}
	return all, <-failed
}
