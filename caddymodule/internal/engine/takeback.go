package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// snapshot is what the buffer knew of handlers before an Apply.
type snapshot struct {
	roster buffer.Roster
	// letters is behind the dead letters that there were.
	letters buffer.DeadLetterID
}

// TakeBack withdraws the definitions of an owner whose config was refused before it came into
// force. It is Release, and leaves nothing in the buffer of what their Apply did there:
// consumers that it created are gone, with their dead letters, and handlers that were removed
// before are so again, since the same time.
//
// Apply changes the buffer at once, and not only when the config is in force, since nothing
// tells for sure that it is: what fails last in Caddy fails behind all that it announces.
// And a new handler must miss none of the events that are stored from then on. A crash in
// between leaves consumers that no handlers file has: the next Apply makes orphans of them.
func (e *Engine) TakeBack(ctx context.Context, owner any) {
	e.withdraw(ctx, owner, func(_ context.Context, g *generation) { e.goBackTo(g.before) })
}

// noteRoster returns what goBackTo takes.
func (e *Engine) noteRoster(ctx context.Context) (*snapshot, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return nil, err
	}
	roster, err := b.Roster(ctx)
	if err != nil {
		return nil, err
	}
	return &snapshot{roster: roster, letters: b.DeadLettersEnd()}, nil
}

// goBackTo undoes in the buffer what an Apply has done since the snapshot. Handlers in force keep
// their consumers in any case.
func (e *Engine) goBackTo(before *snapshot) {
	if before == nil {
		return
	}
	// Not from e.life: what a reload began that the end of Caddy cuts off is undone all the same.
	ctx, cancel := context.WithTimeout(e.grace, e.opts.DrainTimeout)
	defer cancel()
	if err := e.restoreRoster(ctx, before); err != nil {
		e.log.Error("the buffer keeps events for handlers of a config that was taken back: "+
			"they count as removed from the next reload or start on", "error", err)
	}
}

func (e *Engine) restoreRoster(ctx context.Context, before *snapshot) error {
	b, err := e.store.get(ctx)
	if err != nil {
		return err
	}
	now, err := b.Roster(ctx)
	if err != nil {
		return err
	}
	roster := e.withThoseInForce(before.roster)
	if err := untilUnused(ctx, func() error { return b.RestoreRoster(ctx, roster) }); err != nil {
		return err
	}
	var gone []string
	for name := range now.Consumers {
		if _, ok := roster.Consumers[name]; !ok {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.Sort(gone)
	e.log.Info("handlers that only a config had that was taken back have no position any more", "handlers", gone)
	return dropLettersOf(ctx, b, gone, before.letters)
}

func (e *Engine) withThoseInForce(r buffer.Roster) buffer.Roster {
	with := buffer.Roster{Ever: r.Ever, Consumers: map[string]buffer.Orphanhood{}}
	maps.Copy(with.Consumers, r.Consumers)
	for _, runner := range e.current() {
		with.Ever, with.Consumers[runner.def.Name] = true, buffer.Orphanhood{}
	}
	return with
}

// untilUnused repeats an operation for as long as answers of a process that was cut off are on
// their way to the disk.
func untilUnused(ctx context.Context, op func() error) error {
	const pause = 10 * time.Millisecond
	for {
		err := op()
		if !errors.Is(err, buffer.ErrInUse) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// dropLettersOf removes the dead letters of some handlers that died behind one. Their events are stored still, for the
// handlers that there are; if the config comes back, the new handler gets what any new one gets.
func dropLettersOf(ctx context.Context, b buffer.Buffer, handlers []string, after buffer.DeadLetterID) error {
	var ids []buffer.DeadLetterID
	for l, err := range b.DeadLetters(ctx, after) {
		if endsLetters(&l, err) {
			return fmt.Errorf("reading the dead letters: %w", err)
		}
		if err == nil && slices.Contains(handlers, l.Handler) {
			ids = append(ids, l.ID)
		}
	}
	if _, err := b.DropDeadLetters(ctx, ids...); err != nil {
		return fmt.Errorf("dropping the dead letters: %w", err)
	}
	return nil
}
