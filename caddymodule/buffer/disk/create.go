package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// CreateConsumers implements buffer.Buffer. A start at a time to come is the next event.
func (b *Buffer) CreateConsumers(ctx context.Context, specs ...buffer.ConsumerSpec) error {
	for _, s := range specs {
		if err := checkName(s.Name); err != nil {
			return fmt.Errorf("creating consumers: %w", err)
		}
		if s.Start.From < buffer.StartDefault || s.Start.From > buffer.StartAt {
			return fmt.Errorf("creating consumer %q: start %d is not known", s.Name, s.Start.From)
		}
	}
	// The committer may look at the specs after the caller has given up.
	t := &createTask{waiter: newWaiter(), specs: slices.Clone(specs)}
	if _, err := b.committer.do(ctx, t, &t.waiter); err != nil {
		return fmt.Errorf("creating consumers: %w", err)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > format.MaxName || strings.ContainsRune(name, 0) {
		return fmt.Errorf("a consumer's name has 1 to %d bytes, none of them zero", format.MaxName)
	}
	return nil
}

// createTask makes the consumers that are not there. The committer does it since it
// knows the position between what was and what comes.
type createTask struct {
	waiter
	specs []buffer.ConsumerSpec
}

func (t *createTask) size() int { return 64 * len(t.specs) }

func (t *createTask) stage(g *group) error {
	b := g.b
	b.consumersMu.Lock()
	defer b.consumersMu.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(t.specs), func(s buffer.ConsumerSpec) bool { return b.consumers[s.Name] != nil })
	if len(fresh) == 0 {
		return nil
	}
	ever, err := b.hadConsumers()
	if err != nil {
		return err
	}
	lows := make([]uint64, len(fresh))
	for i, s := range fresh {
		if lows[i], err = g.startBehind(s.Start, ever); err != nil {
			return fmt.Errorf("finding the start of consumer %q: %w", s.Name, err)
		}
	}
	if !ever {
		_ = g.batch.Set(format.MetaConsumers, []byte{1}, nil)
	}
	for i, s := range fresh {
		if b.consumers[s.Name] != nil {
			continue // named twice
		}
		if b.mayHaveLost() {
			b.log.Warn("buffer: the position of a consumer may have been lost with a damaged store; it starts with the "+
				"oldest stored event", "consumer", s.Name)
		}
		st := newConsumerState(s.Name, &format.Progress{Low: lows[i], High: lows[i]})
		b.consumers[s.Name] = st
		g.touch(st)
	}
	return nil
}

func (t *createTask) done(err error) { t.finish(err) }

func (b *Buffer) hadConsumers() (bool, error) {
	if len(b.consumers) > 0 {
		return true, nil
	}
	_, err := b.get(format.MetaConsumers)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// startBehind returns the position before the first that a new consumer gets.
func (g *group) startBehind(s buffer.Start, ever bool) (uint64, error) {
	now, beginning := g.c.next-1, g.b.first.Load()-1
	if s.From != buffer.StartAt && g.b.mayHaveLost() {
		return beginning, nil
	}
	switch s.From {
	case buffer.StartBeginning:
		return beginning, nil
	case buffer.StartAt:
		if s.At.UnixNano() > g.now {
			return now, nil
		}
		from, err := g.b.storedSince(s.At.UnixNano())
		return from - 1, err
	case buffer.StartDefault:
		if !ever {
			return beginning, nil
		}
	}
	return now, nil
}
