package eventlog

import (
	"errors"
	"sort"
	"sync"
)

// chunk is some neighbouring groups, read at once.
type chunk struct {
	buf []byte
	// first is the position of spans[0].
	first uint64
	spans []span
}

// span says where a record is in a chunk. size is 0 for a position without one, unread for one that could not be found.
type span struct{ offset, size int }

const unread = -1

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// free lets the chunk be used again.
func (c *chunk) free() {
	if cap(c.buf) <= maxRetained {
		chunks.Put(c)
	}
}

// load reads the groups around a position.
func (l *Log) load(position uint64) (*chunk, error) {
	s := l.at(position)
	if s == nil {
		return nil, ErrNotFound
	}
	from, to, first, next, err := l.part(s, position)
	if err != nil {
		return nil, err
	}
	c := chunks.Get().(*chunk)
	if size := int(to - from); cap(c.buf) < size {
		c.buf = make([]byte, size)
	} else {
		c.buf = c.buf[:size]
	}
	n, err := l.readAt(s, c.buf, from)
	if err != nil {
		c.free()
		return nil, err
	}
	c.buf, c.first, c.spans = c.buf[:n], first, c.spans[:0]
	for range next - first {
		c.spans = append(c.spans, span{size: unread})
	}
	c.parse(s.base)
	return c, nil
}

// parse finds the records, over what is damaged.
func (c *chunk) parse(above uint64) {
	for offset := 0; offset < len(c.buf); {
		h, ok := parseGroupHeader(c.buf[offset:])
		if !ok || h.size() > int64(len(c.buf)-offset) {
			behind := findHeader(c.buf[offset+1:], above, anyNumber)
			if behind < 0 {
				return
			}
			offset += 1 + behind
			continue
		}
		above = h.number
		records, table, _ := h.split(c.buf[offset+groupHeaderSize : offset+int(h.size())])
		at := offset + groupHeaderSize
		h.eachRecord(records, table, func(position uint64, raw []byte) bool {
			if i := position - c.first; position >= c.first && i < uint64(len(c.spans)) {
				c.spans[i] = span{offset: at, size: len(raw)}
			}
			at += len(raw)
			return true
		})
		offset += int(h.size())
	}
}

// record returns a record of the chunk; more is false for a position without one.
func (c *chunk) record(position uint64) (raw []byte, is bool, err error) {
	sp := c.spans[position-c.first]
	switch sp.size {
	case 0:
		return nil, false, nil
	case unread:
		return nil, true, ErrDamaged
	}
	return c.buf[sp.offset : sp.offset+sp.size], true, nil
}

func (c *chunk) next() uint64 { return c.first + uint64(len(c.spans)) }

// Read returns a copy of a record.
func (l *Log) Read(position uint64) ([]byte, error) {
	raw := []byte(nil)
	err := ErrNotFound
	if scanErr := l.Scan(position, position, func(_ uint64, b []byte, damage error) bool {
		raw, err = append([]byte{}, b...), damage
		return false
	}); scanErr != nil {
		return nil, scanErr
	}
	return raw, err
}

// Scan calls f with the records from one position to another until it returns false. raw is valid until it returns. A
// record that cannot be found for damage comes as nil with ErrDamaged. What is removed meanwhile is left out.
func (l *Log) Scan(from, to uint64, f func(position uint64, raw []byte, err error) bool) error {
	for {
		first, next := l.bounds()
		from = max(from, first)
		if from > to || from >= next {
			return nil
		}
		c, err := l.load(from)
		if errors.Is(err, ErrNotFound) {
			continue // removed just now
		}
		if err != nil {
			return err
		}
		for ; from < c.next() && from <= to; from++ {
			raw, is, err := c.record(from)
			if is && !f(from, raw, err) {
				c.free()
				return nil
			}
		}
		c.free()
	}
}

// ScanBack is Scan from the last position to the first.
func (l *Log) ScanBack(from, to uint64, f func(position uint64, raw []byte, err error) bool) error {
	for {
		first, next := l.bounds()
		from, to = max(from, first), min(to, next-1)
		if from > to {
			return nil
		}
		c, err := l.load(to)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for ; to >= c.first && to >= from; to-- {
			raw, is, err := c.record(to)
			if is && !f(to, raw, err) {
				c.free()
				return nil
			}
		}
		c.free()
	}
}

// bounds returns the first position that is there, and the one behind the last.
func (l *Log) bounds() (first, next uint64) {
	all := *l.segments.Load()
	if len(all) == 0 {
		return 1, 1
	}
	last := all[len(all)-1]
	last.mu.Lock()
	defer last.mu.Unlock()
	return all[0].first, last.next
}

// at returns the segment that holds a position, nil when it was removed.
func (l *Log) at(position uint64) *segment {
	all := *l.segments.Load()
	i := sort.Search(len(all), func(i int) bool { return all[i].first > position }) - 1
	if i < 0 {
		return nil
	}
	return all[i]
}
