package failstop

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// refusals notes what the system has refused to read. Damage is told from that by it: a store that cannot be read
// because the disk is in trouble looks damaged to Pebble, which wraps or hides the error, or panics. Writes need no such
// note, since the first that fails halts.
type refusals struct {
	vfs.FS
	mu    sync.Mutex
	first error
}

// note keeps the first error. That a file is missing, or ends early, is what the files say and not the system.
func (r *refusals) note(err error) {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, vfs.ErrUnsupported) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = err
	}
}

func (r *refusals) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

func (r *refusals) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := r.FS.Open(name, opts...)
	if r.note(err); err != nil {
		return nil, err
	}
	return &readFile{File: f, refusals: r}, nil
}

func (r *refusals) List(dir string) ([]string, error) {
	names, err := r.FS.List(dir)
	r.note(err)
	return names, err
}

func (r *refusals) Stat(name string) (vfs.FileInfo, error) {
	info, err := r.FS.Stat(name)
	r.note(err)
	return info, err
}

func (r *refusals) Unwrap() vfs.FS { return r.FS }

// readFile is a file that was opened for reading.
type readFile struct {
	vfs.File
	refusals *refusals
}

func (f *readFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.refusals.note(err)
	return n, err
}

func (f *readFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.refusals.note(err)
	return n, err
}

func (f *readFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	f.refusals.note(err)
	return info, err
}

// Refused is the first error that the system gave when something was to be read, nil where there was none.
func (f *FS) Refused() error { return f.refusals.err() }
