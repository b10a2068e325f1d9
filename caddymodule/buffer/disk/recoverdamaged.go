package disk

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

var _ buffer.Recoverer = (*Buffer)(nil)

// recoverWriters is how many events are on their way to the disk together, so that they share syncs.
const recoverWriters = 32

// RecoverDamaged implements buffer.Recoverer. It needs as much memory as one file of events has bytes.
func (b *Buffer) RecoverDamaged(ctx context.Context, name string, dryRun bool) (buffer.Recovered, error) {
	sets, err := damaged.List(b.opts.FS, b.opts.Path)
	if err != nil {
		return buffer.Recovered{}, err
	}
	i := slices.IndexFunc(sets, func(s damaged.Set) bool { return s.Name == name })
	if i < 0 {
		return buffer.Recovered{}, fmt.Errorf("recovering %s: %w", name, buffer.ErrNotFound)
	}
	if !slices.ContainsFunc(sets[i].Present, eventlog.IsSegment) {
		// What else files hold cannot be had from them, so nothing is recovered.
		return buffer.Recovered{}, nil
	}
	r := newRecovering(ctx, b, dryRun)
	err = eventlog.ScanFiles(b.opts.FS, b.opts.FS.PathJoin(b.opts.Path, damaged.Folder, name), r.take)
	if failed := r.finish(); failed != nil {
		err = failed
	}
	r.result.Stored, r.result.Known = r.stored.Load(), r.known.Load()
	if err != nil {
		return r.result, fmt.Errorf("recovering %s, after %d events: %w", name, r.result.Readable, err)
	}
	if dryRun {
		return r.result, nil
	}
	b.log.Info("buffer: events were recovered from damaged files", "folder", name, "stored", r.result.Stored,
		"known", r.result.Known, "unreadable", r.result.Unreadable)
	err = damaged.MarkRecovered(failstop.OwnerOnly{FS: b.opts.FS}, b.opts.Path, name, b.opts.wall())
	b.lookSetAside()
	return r.result, err
}

// recovering appends events side by side, those of one lane one after the other.
type recovering struct {
	b      *Buffer
	ctx    context.Context
	stop   context.CancelCauseFunc
	seed   maphash.Seed
	lanes  []chan *buffer.Event
	group  sync.WaitGroup
	result buffer.Recovered

	stored, known atomic.Uint64
}

func newRecovering(ctx context.Context, b *Buffer, dryRun bool) *recovering {
	r := &recovering{b: b, seed: maphash.MakeSeed()}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	if dryRun {
		return r
	}
	for range recoverWriters {
		lane := make(chan *buffer.Event, 1)
		r.lanes = append(r.lanes, lane)
		r.group.Go(func() { r.write(lane) })
	}
	return r
}

// take is given each record.
func (r *recovering) take(position uint64, raw []byte) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	e, _, err := format.DecodeEvent(raw, position)
	if err != nil {
		r.result.Unreadable++
		return nil //nolint:nilerr // it is counted, and the next one may be readable
	}
	r.result.Readable++
	if r.result.Oldest.IsZero() {
		r.result.Oldest = e.ReceivedAt
	}
	r.result.Newest = e.ReceivedAt
	if len(r.lanes) == 0 {
		return nil
	}
	e.Position = 0
	select {
	case r.lanes[maphash.String(r.seed, e.Lane())%recoverWriters] <- &e:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

func (r *recovering) write(lane <-chan *buffer.Event) {
	for e := range lane {
		receipt, err := r.b.Append(r.ctx, e)
		if err == nil && receipt.Duplicate && !receipt.Differs && r.b.cannotRead(receipt.Position) {
			receipt, err = r.b.appendInstead(r.ctx, e, receipt.Position)
		}
		switch {
		case err != nil:
			r.stop(err)
			return
		case receipt.Duplicate:
			r.known.Add(1)
		default:
			r.stored.Add(1)
		}
	}
}

// cannotRead reports whether a stored event is damaged. One that is trimmed is not.
func (b *Buffer) cannotRead(position uint64) bool {
	if position < b.first.Load() {
		return false
	}
	_, _, err := b.readEvent(position)
	return isDamage(err) && position >= b.first.Load()
}

// finish waits for what is on its way, and returns what has stopped it.
func (r *recovering) finish() error {
	for _, lane := range r.lanes {
		close(lane)
	}
	r.group.Wait()
	err := context.Cause(r.ctx)
	r.stop(errors.New("done"))
	return err
}
