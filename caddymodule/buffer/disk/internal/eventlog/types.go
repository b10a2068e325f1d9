package eventlog

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrNotFound says that there is no record at that position, or not any more.
	ErrNotFound = errors.New("no such record")
	// ErrDamaged says that the files are not as they were written.
	ErrDamaged = errors.New("the event log is damaged")
)

// Options configure Open.
type Options struct {
	FS  vfs.FS
	Dir string
	// SegmentSize in bytes, after which a new segment begins.
	SegmentSize int64
	// Check says what is wrong with a record. A group with such a record at the end of the log is taken for torn.
	Check func(raw []byte, position uint64) error
	// Synced returns how many bytes of a segment were synced for sure; nil where that is not known. What cannot be read
	// in them is damaged and not torn, also at the end of the log.
	Synced func(name string) int64
	// PassLost has Recover pass over groups that are damaged or missing, and whose batches the owner lacks.
	PassLost bool
	// NoSync omits the syncs. It is for tests that must see what that loses.
	NoSync bool
}

// Log is an open log. One goroutine appends; any may read.
type Log struct {
	Options
	fs vfs.FS
	// segments, oldest first; the list itself never changes.
	segments atomic.Pointer[[]*segment]
	// listMu is held to change the list.
	listMu sync.Mutex

	// writing is the file of the last segment, nil before the first group. fileEnd is where it ends, and small how many
	// small groups were written since a large one. Only the appending goroutine uses these.
	writing vfs.File
	fileEnd int64
	small   int
	number  uint64
	next    uint64
	// endLost is set by Recover: groups at the end are lost, with so many records at most.
	endLost  bool
	lostMost uint64

	// dropped is the position before which pages were dropped; DropPageCache alone uses it.
	dropped uint64

	openMu sync.Mutex
	open   []*segment
}

// segment is one file of the log.
type segment struct {
	name string
	path string
	// number is the file's. base is the number of the last group before it, first the position of its first record.
	number, base, first uint64
	// isCopy: it lies where it was set aside.
	isCopy bool

	mu sync.Mutex
	// last is the number of its last group, next the position behind that, and end where it ends in the file.
	// Of a segment that is not indexed, end is not known.
	last, next uint64
	end        int64
	marks      []mark
	indexed    bool
	// dropped is the offset before which pages were dropped.
	dropped int64

	// reading is held while the file is read, and alone to close it.
	reading sync.RWMutex
	file    vfs.File
	gone    bool
}

// mark is where a group begins.
type mark struct {
	position uint64
	offset   int64
}
