package eventlog

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ScanFiles calls f with the records of the segments in a directory that nobody writes to, whatever of them is damaged,
// in the order in which they were written, until it returns an error. raw is nil for a record that cannot be found, and
// valid until f returns. One file is in memory at a time.
func ScanFiles(fsys vfs.FS, dir string, f func(position uint64, raw []byte) error) error {
	l := &Log{Options: Options{FS: fsys, Dir: dir}, fs: fsys}
	found, err := l.find()
	if err != nil {
		return err
	}
	for _, s := range found {
		b, err := beginning(fsys, s.path, false)
		if err != nil {
			return err
		}
		if err := scanGroups(b, f); err != nil {
			return err
		}
	}
	return nil
}

// scanGroups goes from one group header that is intact to the next.
func scanGroups(b []byte, f func(position uint64, raw []byte) error) error {
	for above := uint64(0); ; {
		i := findHeader(b, above, anyNumber)
		if i < 0 {
			return nil
		}
		h, _ := parseGroupHeader(b[i:])
		above = h.number
		b = b[i:]
		if err := h.eachFound(b, f); err != nil {
			return err
		}
		b = b[min(len(b), int(h.size())):]
	}
}

// eachFound calls f with each record of the group that b begins with, and with nil where it cannot be found.
func (h *groupHeader) eachFound(b []byte, f func(position uint64, raw []byte) error) error {
	body := b[groupHeaderSize:]
	whole := int64(len(b)) >= h.size()
	var records, table []byte
	if whole {
		records, table, _ = h.split(body[:h.length])
	}
	if h.records > 0 && table == nil {
		for p := h.first; p < h.next(); p++ {
			if err := f(p, nil); err != nil {
				return err
			}
		}
		return nil
	}
	var failed error
	h.eachRecord(records, table, func(position uint64, raw []byte) bool {
		if raw != nil {
			failed = f(position, slices.Clip(raw))
		}
		return failed == nil
	})
	return failed
}
