package disk

import "time"

// limitsGrace is how long limits that keep less wait before anything goes. What goes cannot be had back, and Caddy
// takes a config back when a later part of it fails.
const limitsGrace = time.Minute

// trimLimits are the limits that decide what goes, while b.limits decides what is refused.
func (b *Buffer) trimLimits(now int64) *Limits {
	limits, s := b.limits.Load(), b.grace.Load()
	if s == nil || now >= s.until {
		return limits
	}
	l := limits.keepingMore(s.limits)
	return &l
}

// setLimits puts complete limits in force. The same limits again do not restart the grace.
func (b *Buffer) setLimits(l Limits) {
	b.reconfiguring.Lock()
	defer b.reconfiguring.Unlock()
	if l == *b.limits.Load() {
		return
	}
	now := b.clock.Now()
	kept := l.keepingMore(*b.trimLimits(now))
	if kept != l {
		b.log.Info("buffer: limits that keep less take effect on what is stored after a while, unless they are taken "+
			"back", "after", limitsGrace)
	}
	// In this order nothing is ever trimmed by the new limits alone.
	b.grace.Store(&graceLimits{limits: kept, until: now + int64(limitsGrace)})
	b.limits.Store(&l)
}

func (g *group) trimLimits() *Limits { return g.b.trimLimits(g.now) }
