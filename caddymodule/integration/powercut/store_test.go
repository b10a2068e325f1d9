package powercut_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// opener opens the real disk buffer on a machine's disk, and lets the ledger see what is
// said to be durable.
type opener struct {
	options disk.Options
	ledger  *ledger
	life    int
	opened  *disk.Buffer
}

func (o *opener) Key() string { return o.options.Path }

func (o *opener) Limits() buffer.Limits { return buffer.Limits(o.options.Limits) }

func (o *opener) Open(ctx context.Context, _ buffer.Host) (buffer.Buffer, error) {
	b, err := disk.Open(ctx, o.options)
	if err != nil {
		return nil, err
	}
	o.opened = b
	return &witnessed{Buffer: b, opener: o}, nil
}

func (o *opener) Reconfigure(buffer.Buffer) error { return o.opened.Reconfigure(o.options.Limits) }

// witnessed is a buffer whose consumers are watched.
type witnessed struct {
	buffer.Buffer
	opener *opener
}

func (w *witnessed) Consumer(ctx context.Context, name string) (buffer.Consumer, error) {
	c, err := w.Buffer.Consumer(ctx, name)
	if err != nil {
		return nil, err
	}
	return &consumer{
		Consumer: c, buffer: w.Buffer, ledger: w.opener.ledger, life: w.opener.life, name: name,
		rnd: rand.New(rand.NewPCG(uint64(w.opener.life), uint64(len(name)))),
	}, nil
}

// consumer tells the ledger what is leased and settled.
type consumer struct {
	buffer.Consumer
	buffer buffer.Buffer
	ledger *ledger
	life   int
	name   string

	mu  sync.Mutex
	rnd *rand.Rand
}

func (c *consumer) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	leases, err := c.Consumer.Lease(ctx, room)
	c.ledger.leased(c.life, leases)
	return leases, err
}

// Settle takes a while, so that answers gather and the power finds some that are on their
// way to the disk.
func (c *consumer) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	c.mu.Lock()
	before, after := c.rnd.IntN(15_000_000), c.rnd.IntN(15_000_000)
	c.mu.Unlock()
	<-time.After(time.Duration(before))
	c.ledger.begins(c.life, c.name, outcomes)
	if err := c.Consumer.Settle(ctx, outcomes...); err != nil {
		return err
	}
	c.ledger.durable(c.life, c.name, outcomes, c.ignored(outcomes))
	<-time.After(time.Duration(after))
	return nil
}

// ignored asks the store which events it did not reopen: they were trimmed.
func (c *consumer) ignored(outcomes []buffer.Outcome) map[uint64]bool {
	var ignored map[uint64]bool
	for i := range outcomes {
		if outcomes[i].Verb != buffer.Reopen {
			continue
		}
		states, err := c.buffer.States(context.Background(), outcomes[i].Position)
		for _, s := range states {
			if err == nil && s.Consumer == c.name && s.Phase == buffer.PhaseSettled {
				if ignored == nil {
					ignored = map[uint64]bool{}
				}
				ignored[outcomes[i].Position] = true
			}
		}
	}
	return ignored
}
