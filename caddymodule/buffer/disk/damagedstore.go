package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// readStore reads the letters and copies of the store. Where the log is what is damaged, it may be as it was. Where it
// cannot be read, the log alone says what there was.
func (s *survey) readStore(ctx context.Context) error {
	err := readDamagedStore(ctx, s.b.opts.FS, s.storeFolder, func(key, value []byte) error {
		s.keep(0, key, value)
		return nil
	}, func(group uint64) { s.applied = group })
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	s.b.log.Info("buffer: the store among damaged files cannot be read, so what they hold is found by the log of events "+
		"alone", "folder", s.set.Name, "why", text.FirstLine(err.Error()))
	s.storeLost, s.applied = true, 0
	clear(s.kept)
	clear(s.letters)
	return nil
}

// readDamagedStore calls f with the letters and copies of a store that nobody uses, and then end with the last group
// that it has. It changes nothing.
func readDamagedStore(ctx context.Context, fsys vfs.FS, folder string, f func(key, value []byte) error,
	end func(group uint64)) (err error) {
	db, closeStore, err := openReadOnly(fsys, folder)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading damaged files: %w", store.Panicked(r))
		}
		err = errors.Join(err, closeStore())
	}()
	applied, ok, err := getMaybe(db, format.MetaApplied)
	if err != nil || !ok || len(applied) != 24 {
		return fmt.Errorf("reading how far the store is: %w", joinDamage(err))
	}
	for _, kind := range []byte{format.KindDeadLetter, format.KindCopy} {
		if err := eachOfKind(ctx, db, kind, f); err != nil {
			return err
		}
	}
	end(binary.BigEndian.Uint64(applied))
	return nil
}

func eachOfKind(ctx context.Context, db *store.DB, kind byte, f func(key, value []byte) error) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f(it.Key(), value)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// openReadOnly opens a store that nobody uses. It makes no file, not even a lock.
func openReadOnly(fsys vfs.FS, folder string) (db *store.DB, closeStore func() error, err error) {
	elsewhere := vfs.NewMem()
	if err := elsewhere.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, err
	}
	lock, err := pebble.LockDirectory(folder, elsewhere)
	if err != nil {
		return nil, nil, err
	}
	db, err = store.Open(folder, &pebble.Options{
		FS: fsys, Lock: lock, ReadOnly: true, Logger: silent{},
		FormatMajorVersion: pebble.FormatTableFormatV6,
		// The default ends the process.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	})
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return db, func() error { return errors.Join(db.Close(), lock.Close()) }, nil
}

// silent takes Pebble's messages about files that are known to be damaged.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}
