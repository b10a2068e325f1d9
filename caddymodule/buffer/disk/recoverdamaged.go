package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

var _ buffer.Recoverer = (*Buffer)(nil)

// errReadsDiffer: files that nobody writes to are not twice the same.
var errReadsDiffer = errors.New("the files do not read the same twice: see to the disk, and run it again")

// RecoverDamaged implements buffer.Recoverer. It reads the files twice, and needs as much memory as one file of events
// has bytes.
func (b *Buffer) RecoverDamaged(ctx context.Context, name string, dryRun bool) (buffer.Recovered, error) {
	if !b.recovering.TryLock() {
		return buffer.Recovered{}, fmt.Errorf("recovering %s: %w", name, buffer.ErrRecovering)
	}
	defer b.recovering.Unlock()
	set, err := b.damagedSet(name)
	if err != nil {
		return buffer.Recovered{}, fmt.Errorf("recovering %s: %w", name, err)
	}
	if set.What != buffer.DamagedAll && !slices.ContainsFunc(set.Present, eventlog.IsSegment) {
		// What else files hold cannot be had from them, so nothing is recovered.
		return buffer.Recovered{}, nil
	}
	s := newSurvey(b, set)
	if err := s.run(ctx); err != nil {
		return buffer.Recovered{}, fmt.Errorf("recovering %s: %w", name, err)
	}
	if dryRun {
		return s.result, nil
	}
	result, err := b.giveBack(ctx, s)
	if err != nil {
		return result, fmt.Errorf("recovering %s, after %d events: %w", name, result.Stored+result.Known, err)
	}
	b.log.Info("buffer: events were recovered from damaged files", "folder", name, "stored", result.Stored,
		"known", result.Known, "dead letters", result.Letters, "missing", result.Missing)
	err = damaged.MarkRecovered(failstop.OwnerOnly{FS: b.opts.FS}, b.opts.Path, name, b.opts.wall(), result.Missing)
	b.lookSetAside()
	return result, err
}

// giveBack stores what a survey has found.
func (b *Buffer) giveBack(ctx context.Context, s *survey) (buffer.Recovered, error) {
	r := newRecovering(ctx, b)
	err := r.run(s)
	if failed := r.finish(); failed != nil {
		err = failed
	}
	result := s.result
	result.Stored, result.Known = r.stored.Load(), r.known.Load()
	// Of one id, a few that differ are kept.
	result.Missing += r.refused.Load()
	if err == nil && r.sent != result.Readable {
		err = errReadsDiffer
	}
	return result, err
}

// RemoveDamaged implements buffer.Recoverer.
func (b *Buffer) RemoveDamaged(ctx context.Context, name string, force bool) error {
	if !b.recovering.TryLock() {
		return fmt.Errorf("removing %s: %w", name, buffer.ErrRecovering)
	}
	defer b.recovering.Unlock()
	// Where it is closed, the directory is another's.
	if err := errors.Join(ctx.Err(), b.use(func(*store.DB) error { return nil })); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	set, err := b.damagedSet(name)
	if err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	if err := b.checkRecovered(&set); err != nil && !force {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	err = damaged.Remove(b.opts.FS, b.opts.Path, set)
	b.lookSetAside()
	if err != nil {
		return err
	}
	b.log.Warn("buffer: damaged files that were set aside are removed, as an operator has asked", "folder", name,
		"files", len(set.Present), "bytes", set.Bytes)
	return nil
}

// checkRecovered returns an error where something may be recovered yet of what is set aside, or with its help.
func (b *Buffer) checkRecovered(set *damaged.Set) error {
	sets, err := damaged.List(b.opts.FS, b.opts.Path)
	if err != nil {
		return err
	}
	for i := range sets {
		d := b.describeAside(&sets[i])
		if d.Recoverable() && (d.Name == set.Name || sets[i].Store == set.Name) {
			return fmt.Errorf("%w: recover %s first, or force it", buffer.ErrNotRecovered, d.Name)
		}
	}
	return nil
}

// damagedSet returns what is set aside under a name.
func (b *Buffer) damagedSet(name string) (damaged.Set, error) {
	sets, err := damaged.List(b.opts.FS, b.opts.Path)
	if err != nil {
		return damaged.Set{}, err
	}
	i := slices.IndexFunc(sets, func(s damaged.Set) bool { return s.Name == name })
	if i < 0 {
		return damaged.Set{}, buffer.ErrNotFound
	}
	return sets[i], nil
}
