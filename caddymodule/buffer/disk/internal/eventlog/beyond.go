package eventlog

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// leastRecord is at most what an event takes in a file.
const leastRecord = 32

// Beyond returns a position beyond those of all events that the segments in a directory hold, however damaged they are;
// 1 where there is none. What a segment that is missing held is not in it.
func Beyond(fsys vfs.FS, dir string) (uint64, error) {
	l := &Log{Options: Options{FS: fsys, Dir: dir}, fs: fsys}
	found, err := l.find()
	if err != nil {
		return 0, err
	}
	next, groups, unread := uint64(1), false, 0
	// The newest that can be read says most, and those before it only where it begins.
	for _, s := range slices.Backward(found) {
		b, err := beginning(fsys, s.path, groups)
		if err != nil {
			return 0, err
		}
		if s.parseHeader(b) {
			next = max(next, s.first)
		}
		if groups {
			continue
		}
		at := 0
		for {
			i := findHeader(b[at:], 0, anyNumber)
			if i < 0 {
				break
			}
			h, _ := parseGroupHeader(b[at+i:])
			next, groups = max(next, h.next()), true
			// What is in a group must not be taken for one.
			at = min(len(b), at+i+int(h.size()))
		}
		unread += len(b) - at
	}
	return next + uint64(unread)/leastRecord, nil
}

// beginning reads a file, or only its header.
func beginning(fsys vfs.FS, path string, headerOnly bool) ([]byte, error) {
	f, err := fsys.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, fmt.Errorf("reading where events are: %w", err)
	}
	defer f.Close()
	var from io.Reader = f
	if headerOnly {
		from = io.LimitReader(f, segmentHeaderSize)
	}
	b, err := io.ReadAll(from)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading where events are: %w", err)
	}
	return b, nil
}
