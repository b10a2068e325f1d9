package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// errConsumerOpen: the contract allows one open consumer of a name.
var errConsumerOpen = errors.New("a consumer of this name is open already")

// Consumer implements buffer.Buffer.
func (b *Buffer) Consumer(ctx context.Context, name string) (buffer.Consumer, error) {
	for {
		if err := b.CreateConsumers(ctx, buffer.ConsumerSpec{Name: name}); err != nil {
			return nil, fmt.Errorf("opening consumer %q: %w", name, err)
		}
		c, err := b.openConsumer(name)
		if err != nil {
			return nil, fmt.Errorf("opening consumer %q: %w", name, err)
		}
		// nil if it was forgotten in between.
		if c != nil {
			return c, nil
		}
	}
}

func (b *Buffer) openConsumer(name string) (*Consumer, error) {
	b.consumersMu.Lock()
	st := b.consumers[name]
	b.consumersMu.Unlock()
	if st == nil {
		return nil, nil
	}
	c := &Consumer{b: b, st: st, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.forgotten {
		return nil, nil
	}
	if st.handle != nil {
		return nil, errConsumerOpen
	}
	st.handle = c
	st.cursor = st.progress.Low + 1
	return c, nil
}

// Stats implements buffer.Consumer.
func (c *Consumer) Stats() buffer.ConsumerStats {
	return c.st.stats(c.b.durable.Load())
}

// Close implements buffer.Consumer. What is being settled is settled all the same.
func (c *Consumer) Close() error {
	c.once.Do(func() {
		st := c.st
		st.mu.Lock()
		defer st.mu.Unlock()
		close(c.closed)
		for position, l := range st.leased {
			if !l.settling {
				delete(st.leased, position)
			}
		}
		if st.handle == c {
			st.handle = nil
		}
	})
	return nil
}
