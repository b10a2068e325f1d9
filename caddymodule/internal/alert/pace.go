package alert

import (
	"errors"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// pace is when the next message may go to a target.
type pace struct {
	// sent are the times of those of the last hour, the newest last; total counts all.
	sent  []time.Time
	last  time.Time
	total uint64
	// failures in a row, the first of them at failing, the newest at tried. The next message waits until next.
	failures             int
	failing, tried, next time.Time
	err                  error
}

// may reports whether a message may go out.
func (p *pace) may(now time.Time, rules Rules) bool {
	p.sent = slices.DeleteFunc(p.sent, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(p.sent) >= mostInAnHour || now.Before(p.next) {
		return false
	}
	return p.last.IsZero() || now.Sub(p.last) >= rules.spacing()
}

// through notes a message that got through.
func (p *pace) through(now time.Time) {
	p.sent, p.last = append(p.sent, now), now
	p.total++
	p.forgive()
}

// forgive forgets the failures.
func (p *pace) forgive() {
	p.failures, p.failing, p.tried, p.next, p.err = 0, time.Time{}, time.Time{}, time.Time{}, nil
}

// fail notes one that did not: the next waits twice as long as the one before it, or as long as was asked for.
func (p *pace) fail(now time.Time, err error, rules Rules) {
	if p.failures == 0 {
		p.failing = now
	}
	p.failures++
	p.tried, p.err = now, err
	pause := longestPause
	if shift := p.failures - 1; shift < 16 {
		pause = min(rules.look()<<shift, longestPause)
	}
	if failure, ok := errors.AsType[*send.Error](err); ok {
		pause = max(pause, failure.RetryAfter)
	}
	p.next = now.Add(pause)
}

// settle forgets failures where there is nothing to say any more: whether messages would get through is not known then.
func (p *pace) settle(now time.Time) {
	if p.failures > 0 && now.Sub(p.tried) >= longestPause {
		p.forgive()
	}
}
