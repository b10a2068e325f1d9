// Package store is Pebble, as the disk buffer uses it. What Pebble says of an error may hold keys, and a key may hold
// the id of a vehicle. So no text of Pebble's leaves this package, in no error and to no log; see Error.
package store

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// DB is an open store. Its errors are *Error, but for pebble.ErrNotFound.
type DB struct{ db *pebble.DB }

// Open opens the store in a directory, or creates it. Pebble panics at some of what it finds in damaged files: that
// is an error here.
func Open(path string, o *pebble.Options) (db *DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("reading its files: %w", Panicked(r))
		}
	}()
	opened, err := pebble.Open(path, o)
	if err != nil {
		return nil, clean(err)
	}
	return &DB{db: opened}, nil
}

// Get is pebble.DB.Get.
func (d *DB) Get(key []byte) ([]byte, io.Closer, error) {
	value, closer, err := d.db.Get(key)
	return value, closer, clean(err)
}

// NewIter is pebble.DB.NewIter.
func (d *DB) NewIter(o *pebble.IterOptions) (Iterator, error) {
	it, err := d.db.NewIter(o)
	return Iterator{it}, clean(err)
}

// NewBatch is pebble.DB.NewBatch.
func (d *DB) NewBatch(opts ...pebble.BatchOption) *pebble.Batch { return d.db.NewBatch(opts...) }

// Apply is pebble.DB.Apply.
func (d *DB) Apply(batch *pebble.Batch, o *pebble.WriteOptions) error {
	return clean(d.db.Apply(batch, o))
}

// Set is pebble.DB.Set.
func (d *DB) Set(key, value []byte, o *pebble.WriteOptions) error {
	return clean(d.db.Set(key, value, o))
}

// Flush is pebble.DB.Flush.
func (d *DB) Flush() error { return clean(d.db.Flush()) }

// Close is pebble.DB.Close.
func (d *DB) Close() error { return clean(d.db.Close()) }

// Iterator is Pebble's, but for its errors.
type Iterator struct{ *pebble.Iterator }

// Error is pebble.Iterator.Error.
func (i Iterator) Error() error { return clean(i.Iterator.Error()) }

// Close is pebble.Iterator.Close.
func (i Iterator) Close() error { return clean(i.Iterator.Close()) }
