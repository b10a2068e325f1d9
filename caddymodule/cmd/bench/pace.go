package main

import (
	"context"
	"time"
)

// pace says when a connection's requests are due. The connections of a rate take turns.
type pace struct {
	due   time.Time
	every time.Duration
}

func newPace(e effort, start time.Time, worker int) pace {
	if e.rate <= 0 {
		return pace{}
	}
	every := time.Duration(float64(e.conns) / e.rate * float64(time.Second))
	return pace{due: start.Add(every * time.Duration(worker) / time.Duration(e.conns)), every: every}
}

func (p *pace) paced() bool { return p.every > 0 }

// wait returns when the next request is due, or at once if it is late, and says when that
// was. Without a rate every request is due now.
func (p *pace) wait(ctx context.Context) time.Time {
	if !p.paced() {
		return time.Time{}
	}
	due := p.due
	p.due = due.Add(p.every)
	if left := time.Until(due); left > 0 {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return due
}
