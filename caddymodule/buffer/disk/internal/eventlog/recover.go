package eventlog

import "fmt"

// Recovered is a group that is read back.
type Recovered struct {
	Number uint64
	// Batch is valid until the next one.
	Batch []byte
}

// Recover calls f with each group above a number, in order, and finds the end of the log. next is the position behind
// the group of that number. Damage in what is recovered, and groups that are missing, are ErrDamaged; nothing is
// changed then.
func (l *Log) Recover(after, next uint64, f func(Recovered) error) error {
	all := *l.segments.Load()
	l.number, l.next = after, next
	start := 0
	for i, s := range all {
		if s.base <= after {
			start = i
		}
	}
	if len(all) > 0 && all[start].base > after {
		return fmt.Errorf("%w: groups %d to %d are missing before %s", ErrDamaged, after+1, all[start].base,
			all[start].name)
	}
	last := uint64(0)
	for i := start; i < len(all); i++ {
		r := recovery{log: l, segment: all[i], after: after, isLast: i == len(all)-1, f: f}
		if err := r.run(); err != nil {
			return err
		}
		last = r.number
	}
	if last < after {
		return fmt.Errorf("%w: groups up to %d were stored, but only those up to %d are there", ErrDamaged, after, last)
	}
	return nil
}

// recovery goes through one segment.
type recovery struct {
	log     *Log
	segment *segment
	after   uint64
	isLast  bool
	f       func(Recovered) error
	// number is the last group's.
	number uint64
}

func (r *recovery) run() error {
	b, err := r.log.readAll(r.segment)
	if err != nil {
		return err
	}
	s := r.segment
	limit := uint64(anyNumber)
	if !r.isLast {
		limit = s.last
	}
	r.number = s.base
	offset, next, again := segmentHeaderSize, s.first, -1
	for r.number < limit {
		h, state := r.look(b[offset:])
		if state != whole && again != offset {
			// Once more: a bit may have been flipped on the way from the disk.
			again = offset
			if b, err = r.log.readAll(s); err != nil {
				return err
			}
			offset = min(offset, len(b))
			continue
		}
		if state == whole || state == flawed && r.followed(b[offset:], limit) {
			if h.number > r.after {
				if err := r.f(r.recovered(&h, b[offset:])); err != nil {
					return err
				}
			}
			r.number, next = h.number, h.next()
			offset += int(h.size())
			continue
		}
		if !r.isLast || r.followed(b[offset:], limit) {
			if to, first, ok := r.pass(b[offset:], limit); ok {
				next = first
				offset += to
				continue
			}
			return fmt.Errorf("%w: group %d in %s", ErrDamaged, r.number+1, s.name)
		}
		break
	}
	if !r.isLast {
		return nil
	}
	s.last, s.next = r.number, next
	if r.number >= r.after {
		r.log.number, r.log.next = r.number, next
	}
	return nil
}

// state is the condition of a group.
type state int

const (
	// torn: something is missing, or it is damaged.
	torn state = iota
	// flawed: records are damaged, all else is there.
	flawed
	whole
)

// look examines the next group. It does not look into one that was applied before: damage in it is met when it is read.
func (r *recovery) look(b []byte) (h groupHeader, is state) {
	h, ok := parseGroupHeader(b)
	if !ok || h.number != r.number+1 || h.size() > int64(len(b)) {
		return h, torn
	}
	if h.number <= r.after {
		return h, whole
	}
	records, table, batch := h.split(b[groupHeaderSize:h.size()])
	if h.records > 0 && table == nil || h.batch > 0 && batch == nil {
		return h, torn
	}
	intact := h.eachRecord(records, table, func(position uint64, raw []byte) bool {
		return raw == nil || r.log.Check(raw, position) == nil
	})
	if !intact {
		return h, flawed
	}
	return h, whole
}

func (r *recovery) recovered(h *groupHeader, b []byte) Recovered {
	_, _, batch := h.split(b[groupHeaderSize:h.size()])
	return Recovered{Number: h.number, Batch: batch}
}

// followed reports whether a group follows the next one. Then the next one was synced, whatever it looks like now.
func (r *recovery) followed(b []byte, limit uint64) bool {
	return !r.isLast || findHeader(b, r.number+1, limit) >= 0
}

// pass skips what cannot be read of groups that were applied before. It returns where the next group begins, and its
// position.
func (r *recovery) pass(b []byte, limit uint64) (to int, first uint64, ok bool) {
	i := findHeader(b, r.number+1, limit)
	if i < 0 {
		return 0, 0, false
	}
	h, _ := parseGroupHeader(b[i:])
	if h.number > r.after+1 {
		return 0, 0, false
	}
	r.number = h.number - 1
	return i, h.first, true
}
