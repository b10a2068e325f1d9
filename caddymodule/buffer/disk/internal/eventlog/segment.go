package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	segmentMagic      = "scevent\x01"
	segmentHeaderSize = 8 + 8 + 8 + 8 + 4
	// Suffix is that of the segments' names.
	Suffix = ".events"
	// markEvery is about how many bytes are read for one record: an index of all of them would take more memory
	// than the events are worth.
	markEvery = 32 << 10
)

func segmentName(number uint64) string { return fmt.Sprintf("%06d%s", number, Suffix) }

// parseSegmentName returns false for what is no segment.
func parseSegmentName(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, Suffix)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && segmentName(number) == name
}

// IsSegment reports whether a file's name is that of a segment.
func IsSegment(name string) bool {
	_, ok := parseSegmentName(name)
	return ok
}

func (s *segment) header() []byte {
	b := append(make([]byte, 0, segmentHeaderSize), segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, s.number)
	b = binary.LittleEndian.AppendUint64(b, s.base)
	b = binary.LittleEndian.AppendUint64(b, s.first)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// parseHeader returns false when b is not the header of this segment.
func (s *segment) parseHeader(b []byte) bool {
	n := segmentHeaderSize - 4
	if len(b) < segmentHeaderSize || string(b[:8]) != segmentMagic ||
		checksum(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return false
	}
	if binary.LittleEndian.Uint64(b[8:]) != s.number {
		return false
	}
	s.base, s.first = binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	return true
}

// add notes a group that was written at the end.
func (s *segment) add(number, first, next uint64, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark(first, s.end)
	s.last, s.next = number, next
	s.end += size
}

// mark notes where a group begins, unless it is near the one before. The caller holds mu.
func (s *segment) mark(position uint64, offset int64) {
	if n := len(s.marks); n > 0 && offset-s.marks[n-1].offset < markEvery {
		return
	}
	s.marks = append(s.marks, mark{position: position, offset: offset})
}

// readAt fills b from the file, as far as there is something.
func (l *Log) readAt(s *segment, b []byte, offset int64) (int, error) {
	if err := l.acquire(s); err != nil {
		return 0, err
	}
	defer s.reading.RUnlock()
	n, err := s.file.ReadAt(b, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("reading %s: %w", s.name, err)
	}
	return n, err
}

// maxOpen bounds how many segments are open for reading.
const maxOpen = 32

// acquire returns with s.reading held and the file open.
func (l *Log) acquire(s *segment) error {
	for {
		s.reading.RLock()
		if s.gone {
			s.reading.RUnlock()
			return ErrNotFound
		}
		if s.file != nil {
			return nil
		}
		s.reading.RUnlock()
		if err := l.openForReading(s); err != nil {
			return err
		}
	}
}

func (l *Log) openForReading(s *segment) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.file != nil || s.gone {
		return nil
	}
	f, err := l.fs.Open(s.path, vfs.RandomReadsOption)
	if err != nil {
		return fmt.Errorf("opening %s: %w", s.name, err)
	}
	s.file = f
	l.opened(s)
	return nil
}

// opened closes another segment's file when there are too many. One that is being read stays open until its turn comes
// again.
func (l *Log) opened(s *segment) {
	l.openMu.Lock()
	defer l.openMu.Unlock()
	l.open = append(l.open, s)
	for i := 0; len(l.open) > maxOpen && i < len(l.open)-1; {
		old := l.open[i]
		if !old.reading.TryLock() {
			i++
			continue
		}
		old.closeFile()
		old.reading.Unlock()
		l.open = append(l.open[:i], l.open[i+1:]...)
	}
}

// closeFile closes what it reads from. The caller holds reading alone.
func (s *segment) closeFile() {
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

// discard ends all reading for good.
func (s *segment) discard() {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.closeFile()
	s.gone = true
}

// index finds the groups of a segment that was there when the log was opened. The caller holds mu.
func (l *Log) index(s *segment) error {
	if s.indexed {
		return nil
	}
	s.marks = s.marks[:0]
	var b [groupHeaderSize]byte
	offset := int64(segmentHeaderSize)
	for number := s.base; number < s.last; {
		n, err := l.readAt(s, b[:], offset)
		if err != nil {
			return err
		}
		h, ok := parseGroupHeader(b[:n])
		if ok && h.number > number && h.number <= s.last {
			s.mark(h.first, offset)
			number, offset = h.number, offset+h.size()
			continue
		}
		// What cannot be read belongs to the group before it.
		if offset, err = l.findBehind(s, offset+1, number); err != nil {
			return err
		}
		if offset < 0 {
			break
		}
	}
	if len(s.marks) == 0 || s.marks[0].position > s.first {
		s.marks = append([]mark{{position: s.first, offset: segmentHeaderSize}}, s.marks...)
	}
	if offset < 0 {
		size, err := l.sizeOf(s)
		if err != nil {
			return err
		}
		offset = size
	}
	s.end, s.indexed = offset, true
	return nil
}

func (l *Log) sizeOf(s *segment) (int64, error) {
	info, err := l.fs.Stat(s.path)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", s.name, err)
	}
	return info.Size(), nil
}

// findBehind returns where the next group after a number begins, -1 if there is none.
func (l *Log) findBehind(s *segment, offset int64, number uint64) (int64, error) {
	size, err := l.sizeOf(s)
	if err != nil || offset >= size {
		return -1, err
	}
	b := make([]byte, size-offset)
	n, err := l.readAt(s, b, offset)
	if err != nil {
		return -1, err
	}
	i := findHeader(b[:n], number, s.last)
	if i < 0 {
		return -1, nil
	}
	return offset + int64(i), nil
}

// part returns the part of the file that holds a position, and which positions it holds: from first to before next.
func (l *Log) part(s *segment, position uint64) (from, to int64, first, next uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := l.index(s); err != nil {
		return 0, 0, 0, 0, err
	}
	i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].position > position }) - 1
	if i < 0 || position >= s.next {
		return 0, 0, 0, 0, fmt.Errorf("%w: position %d is not in %s, which ends before %d", ErrDamaged, position,
			s.name, s.next)
	}
	from, to, first, next = s.marks[i].offset, s.end, s.marks[i].position, s.next
	if i+1 < len(s.marks) {
		to, next = s.marks[i+1].offset, s.marks[i+1].position
	}
	return from, to, first, next, nil
}
