package eventlog

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Scanned is a group that was found in a file, or positions that no group has which could be found.
type Scanned struct {
	// Number is the group's, 0 for none.
	Number uint64
	// First is the first position, and Next the one behind the last. A group may be without positions.
	First, Next uint64
	// Lost: no group was found that has these positions, and what follows is empty. Elsewhere: they may be in files which
	// are not in the directory.
	Lost, Elsewhere bool
	// Records has the record of each position: nil where it cannot be found, empty where there is none. All of it is nil
	// where no record can be found.
	Records [][]byte
	// Batch is what the owner gets back of the group, nil where that cannot be read.
	Batch []byte
}

// Record returns the record of the ith position: nil where it cannot be found, empty where there is none.
func (s *Scanned) Record(i int) []byte {
	if s.Records == nil {
		return nil
	}
	return s.Records[i]
}

// ScanFiles calls f with the groups of the segments in a directory that nobody writes to, whatever of them is damaged,
// in the order in which they were written, and with the positions that are missing between them, until it returns an
// error. The first call may be a group without anything, and says where the first segment begins. What is missing before
// it and behind the last one the caller must know. What f is given is valid until it returns. One file is in memory at a
// time.
func ScanFiles(fsys vfs.FS, dir string, f func(Scanned) error) error {
	l := &Log{Options: Options{FS: fsys, Dir: dir}, fs: fsys}
	found, err := l.find()
	if err != nil {
		return err
	}
	sc := scanning{f: f}
	for _, s := range found {
		b, err := beginning(fsys, s.path, false)
		if err != nil {
			return err
		}
		if err := sc.segment(s, b); err != nil {
			return err
		}
	}
	return nil
}

// scanning goes through segments.
type scanning struct {
	f func(Scanned) error
	// number is that of the last segment, and next the position behind the last group; 0 before the first.
	number, next uint64
	// elsewhere: since the last group, a segment is missing.
	elsewhere bool
}

func (sc *scanning) segment(s *segment, b []byte) error {
	sc.elsewhere = sc.elsewhere || sc.number > 0 && s.number != sc.number+1
	sc.number = s.number
	if s.parseHeader(b) {
		if err := sc.reach(s.first); err != nil {
			return err
		}
	}
	return sc.groups(b)
}

// reach says which positions are missing before the next one, and which is the first of all.
func (sc *scanning) reach(first uint64) error {
	from := sc.next
	sc.next = max(from, first)
	if from == 0 {
		return sc.f(Scanned{First: first, Next: first})
	}
	if first <= from {
		return nil
	}
	lost := Scanned{First: from, Next: first, Lost: true, Elsewhere: sc.elsewhere}
	sc.elsewhere = false
	return sc.f(lost)
}

// groups goes from one group header that is intact to the next.
func (sc *scanning) groups(b []byte) error {
	for above := uint64(0); ; {
		i := findHeader(b, above, anyNumber)
		if i < 0 {
			return nil
		}
		h, _ := parseGroupHeader(b[i:])
		above = h.number
		b = b[i:]
		if err := sc.reach(h.first); err != nil {
			return err
		}
		sc.elsewhere = false
		sc.next = max(sc.next, h.next())
		if err := sc.f(h.scan(b)); err != nil {
			return err
		}
		b = b[min(len(b), int(h.size())):]
	}
}

// scan returns what can be found of the group that b begins with.
func (h *groupHeader) scan(b []byte) Scanned {
	s := Scanned{Number: h.number, First: h.first, Next: h.next()}
	if int64(len(b)) < h.size() {
		return s
	}
	records, table, batch := h.split(b[groupHeaderSize:h.size()])
	s.Batch = batch
	if table == nil {
		return s
	}
	s.Records = make([][]byte, 0, h.records)
	h.eachRecord(records, table, func(_ uint64, raw []byte) bool {
		if raw == nil {
			raw = []byte{}
		}
		s.Records = append(s.Records, slices.Clip(raw))
		return true
	})
	return s
}
