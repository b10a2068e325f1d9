package disk

import "sort"

// positions is a set of positions: ranges that ascend and do not meet.
type positions struct{ ranges []span }

// span is from a position to before another.
type span struct{ from, to uint64 }

// add adds the positions from one to before another. They must lie behind those that are there, or among them.
func (s *positions) add(from, to uint64) {
	if n := len(s.ranges); n > 0 {
		last := &s.ranges[n-1]
		if from <= last.to {
			last.to = max(last.to, to)
			return
		}
	}
	if from < to {
		s.ranges = append(s.ranges, span{from, to})
	}
}

func (s *positions) has(position uint64) bool {
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].to > position })
	return i < len(s.ranges) && s.ranges[i].from <= position
}

// countFrom counts those that are not below a position.
func (s *positions) countFrom(first uint64) (n uint64) {
	for _, r := range s.ranges {
		if r.to > first {
			n += r.to - max(r.from, first)
		}
	}
	return n
}
