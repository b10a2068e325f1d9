package dev

import (
	"bufio"
	"context"
	"errors"
	"os"
	"time"
)

// looking is how often a file is looked at for more.
const looking = 50 * time.Millisecond

// follow calls line with each whole line of a file, with its end, as it is written. The file may not be there yet, and
// may be set aside for a new one. When ctx ends, it reads what is there and returns.
func follow(ctx context.Context, path string, line func([]byte)) {
	f := follower{path: path, line: line}
	defer f.close()
	ticker := time.NewTicker(looking)
	defer ticker.Stop()
	for {
		f.read()
		select {
		case <-ctx.Done():
			f.read()
			return
		case <-ticker.C:
		}
	}
}

type follower struct {
	path string
	line func([]byte)

	file   *os.File
	reader *bufio.Reader
	part   []byte // of a line that is not whole yet
}

// read goes to the end of the file, and of those that took its place.
func (f *follower) read() {
	for {
		if f.file == nil && !f.open() {
			return
		}
		f.rest()
		if !f.aside() {
			return
		}
		f.rest() // what was written before it was set aside
		f.close()
	}
}

func (f *follower) open() bool {
	file, err := os.Open(f.path)
	if err != nil {
		return false
	}
	f.file, f.reader, f.part = file, bufio.NewReader(file), nil
	return true
}

func (f *follower) rest() {
	for {
		piece, err := f.reader.ReadSlice('\n')
		f.part = append(f.part, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil: // the end, for now
			return
		}
		f.line(f.part)
		f.part = f.part[:0]
	}
}

// aside reports whether another file has taken its place.
func (f *follower) aside() bool {
	now, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	mine, err := f.file.Stat()
	return err == nil && !os.SameFile(now, mine)
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
