package eventlog

import "fmt"

// Recovered is a group that is read back, or groups that cannot be.
type Recovered struct {
	Number uint64
	// Batch is valid until the next one.
	Batch []byte
	// Lost: the batch cannot be read, nor those of the groups between the one before and this one. Gaps are the
	// positions in this one that have no record, where that is known.
	Lost bool
	Gaps []uint64
}

// Recover calls f with each group above a number, in order, and finds the end of the log. next is the position behind
// the group of that number. Damage in what is recovered, and groups that are missing, are ErrDamaged, and nothing is
// changed then; with PassLost they come as Lost, and LostEnd says where the end is among them.
func (l *Log) Recover(after, next uint64, f func(Recovered) error) error {
	all := *l.segments.Load()
	l.number, l.next, l.endLost = after, next, false
	start := 0
	for i, s := range all {
		if s.base <= after {
			start = i
		}
	}
	if len(all) > 0 && all[start].base > after && l.PassLost {
		if err := f(Recovered{Number: all[start].base, Lost: true}); err != nil {
			return err
		}
	} else if len(all) > 0 && all[start].base > after {
		return fmt.Errorf("%w: groups %d to %d are missing before %s", ErrDamaged, after+1, all[start].base,
			all[start].name)
	}
	last := uint64(0)
	for i := start; i < len(all); i++ {
		r := recovery{log: l, segment: all[i], after: after, isLast: i == len(all)-1, f: f}
		if l.Synced != nil {
			r.synced = l.Synced(all[i].name)
		}
		if err := r.run(); err != nil {
			return err
		}
		last = r.number
	}
	if last >= after {
		return nil
	}
	if !l.PassLost {
		return fmt.Errorf("%w: groups up to %d were stored, but only those up to %d are there", ErrDamaged, after, last)
	}
	l.endLost, l.lostMost = true, anyNumber
	return nil
}

// LostEnd reports whether Recover has found that groups at the end are lost, and how many records they had at most:
// math.MaxUint64 where that is not known. EndBefore must be called then before anything is read or appended.
func (l *Log) LostEnd() (is bool, most uint64) { return l.endLost, l.lostMost }

// EndBefore has the log end before a position, and begins a segment there. What it lacks up to there reads as damaged.
func (l *Log) EndBefore(next uint64) error {
	if all := *l.segments.Load(); len(all) > 0 {
		s := all[len(all)-1]
		s.last, s.next = max(s.last, l.number), max(s.next, next)
		s.indexed = false
	}
	l.next = max(l.next, next)
	_, err := l.begin()
	return err
}

// recovery goes through one segment.
type recovery struct {
	log     *Log
	segment *segment
	after   uint64
	isLast  bool
	// synced is how many bytes of the segment were synced, as far as is known.
	synced int64
	// unread is how many of these were not read yet when pass was called.
	unread int64
	f      func(Recovered) error
	// number is the last group's, and next the position behind it.
	number, next uint64
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
	r.number, r.next = s.base, s.first
	offset, again := segmentHeaderSize, -1
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
		synced := !r.isLast || int64(offset) < r.synced || findHeader(b[offset:], r.number+1, limit) >= 0
		if state == whole || state == flawed && synced {
			if h.number > r.after {
				if err := r.f(r.recovered(&h, b[offset:])); err != nil {
					return err
				}
			}
			r.number, r.next = h.number, h.next()
			offset += int(h.size())
			continue
		}
		if !synced {
			break
		}
		r.unread = r.synced - int64(offset)
		behind, err := r.pass(b[offset:], limit)
		if err != nil {
			return err
		}
		offset += behind
	}
	if !r.isLast {
		return nil
	}
	s.last, s.next = r.number, r.next
	if r.number >= r.after {
		r.log.number, r.log.next = r.number, r.next
	}
	return nil
}

// state is the condition of a group.
type state int

const (
	// torn: something is missing, or it is damaged.
	torn state = iota
	// flawed: records or their lengths are damaged, the batch is there.
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
	if h.batch > 0 && batch == nil {
		return h, torn
	}
	if h.records > 0 && table == nil {
		return h, flawed
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

// pass skips what cannot be read of groups that were synced. It returns how many bytes that are. Batches that the owner
// lacks are lost.
func (r *recovery) pass(b []byte, limit uint64) (behind int, err error) {
	if h, ok := parseGroupHeader(b); ok && h.number == r.number+1 && h.number > r.after {
		if err := r.lose(h.number, h.gaps(b)); err != nil {
			return 0, err
		}
		r.number, r.next = h.number, h.next()
		return int(min(int64(len(b)), h.size())), nil
	}
	i := findHeader(b, r.number+1, limit)
	switch {
	case i >= 0:
		h, _ := parseGroupHeader(b[i:])
		if err := r.lose(h.number-1, nil); err != nil {
			return 0, err
		}
		r.number, r.next = h.number-1, h.first
		return i, nil
	case r.isLast:
		// How many there were is not known, but what follows must not be taken for what was there.
		if err := r.lose(max(r.number, r.after)+1, nil); err != nil {
			return 0, err
		}
		r.log.endLost, r.log.lostMost = true, uint64(len(b))/leastRecord
		if int64(len(b)) < r.unread {
			r.log.lostMost = anyNumber // the file was longer
		}
		r.synced = 0
		return len(b), nil
	default:
		if err := r.lose(limit, nil); err != nil {
			return 0, err
		}
		r.number, r.next = limit, r.segment.next
		return len(b), nil
	}
}

// lose is called for groups up to a number that cannot be read. The owner may have had their batches before.
func (r *recovery) lose(upTo uint64, gaps []uint64) error {
	if upTo <= r.after {
		return nil
	}
	if !r.log.PassLost {
		return fmt.Errorf("%w: group %d in %s", ErrDamaged, r.number+1, r.segment.name)
	}
	return r.f(Recovered{Number: upTo, Lost: true, Gaps: gaps})
}
