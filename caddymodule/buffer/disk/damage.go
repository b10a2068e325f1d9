package disk

import (
	"context"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// setAside makes a dead letter of an event that cannot be read back, and settles it for this consumer. It does not
// wait: the lease stays until that is durable.
func (c *Consumer) setAside(position uint64, was lease, raw []byte, cause error) {
	b := c.b
	t := &settleTask{waiter: newWaiter(), st: c.st, bytes: len(raw) + 64}
	it := settlement{outcome: buffer.Outcome{Position: position, Verb: buffer.Skip}, was: was, claimed: true}
	if b.firstDamage(position) {
		b.counters.corrupt.Add(1)
		b.log.Error("buffer: a stored event cannot be read back, it is set aside as a dead letter",
			"position", position, "error", text.FirstLine(cause.Error()))
		it.letter = &format.DeadLetter{Reason: buffer.ReasonUnreadable, Position: position, Record: raw, Damaged: true,
			Note: text.FirstLine(cause.Error())}
	}
	t.items = []settlement{it}
	c.st.mu.Lock()
	c.st.settling++
	was.settling = true
	c.st.leased[position] = was
	c.st.mu.Unlock()
	if err := b.committer.send(context.Background(), t); err != nil {
		// Closed or halted: it is met again after the next open.
		c.st.unclaim(t.items)
	}
}

// firstDamage reports whether no consumer has seen this position damaged before.
func (b *Buffer) firstDamage(position uint64) bool {
	b.damagedMu.Lock()
	defer b.damagedMu.Unlock()
	if _, ok := b.damaged[position]; ok {
		return false
	}
	b.damaged[position] = struct{}{}
	return true
}
