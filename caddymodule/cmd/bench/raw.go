package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// rawRow is the group-committed log alone, in this process: as many workers as there are
// connections elsewhere, each with one body at a time.
func rawRow(l *groupLog, bodies *bodyMaker) *row {
	return &row{
		name: "raw log", pid: selfPID,
		what: "no HTTP, no signature: the same bytes, appended to a file by as many workers, sharing write + fdatasync",
		load: func(ctx context.Context, e effort) (measured, error) {
			ctx, cancel := context.WithTimeout(ctx, e.during)
			defer cancel()
			return together(e.conns, func(int) ([]time.Duration, error) {
				maker := bodies.forWorker()
				return repeat(ctx, func() error { return l.append(maker.next()) })
			})
		},
		syncs: func(context.Context) (uint64, error) { return l.syncs(), nil },
	}
}

// syncRow is one write and one sync after the other: the floor under a single durable answer.
func syncRow(dir string, bodies *bodyMaker) *row {
	var syncs atomic.Uint64
	return &row{
		name: "write + sync", pid: selfPID,
		what: "the same bytes, one write + fdatasync after the other",
		load: func(ctx context.Context, e effort) (measured, error) {
			ctx, cancel := context.WithTimeout(ctx, e.during)
			defer cancel()
			f, err := os.Create(filepath.Join(dir, "raw"))
			if err != nil {
				return measured{}, fmt.Errorf("making the raw file: %w", err)
			}
			defer f.Close()
			maker := bodies.forWorker()
			return together(1, func(int) ([]time.Duration, error) {
				return repeat(ctx, func() error {
					if _, err := f.Write(maker.next()); err != nil {
						return fmt.Errorf("writing the raw file: %w", err)
					}
					syncs.Add(1)
					return datasync(f)
				})
			})
		},
		syncs: func(context.Context) (uint64, error) { return syncs.Load(), nil },
	}
}

// repeat does a step until ctx ends, and says how long each took.
func repeat(ctx context.Context, step func() error) (took []time.Duration, err error) {
	for ctx.Err() == nil {
		start := time.Now()
		if err := step(); err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}
