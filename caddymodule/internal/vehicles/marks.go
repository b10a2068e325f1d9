package vehicles

// marked is how many positions behind the first gap can be marked; it takes 128 KiB.
const marked = 1 << 20

// marks are the positions that were noted: all up to low, and some of those behind it.
type marks struct {
	low  uint64
	last uint64 // the highest that was marked
	bits []uint64
}

// startAt has all up to a position noted. What is marked behind it stays.
func (m *marks) startAt(position uint64) {
	if m.bits == nil {
		m.bits = make([]uint64, marked/64)
	}
	if position < m.low || position-m.low > marked || m.last <= position {
		clear(m.bits)
		m.low, m.last = position, position
		return
	}
	for ; m.low < position; m.low++ {
		m.unset(m.low + 1)
	}
	m.advance()
}

// takes reports whether a position can be marked, and is not yet.
func (m *marks) takes(position uint64) bool {
	return position > m.low && position-m.low <= marked && !m.has(position)
}

// set marks a position that takes reports.
func (m *marks) set(position uint64) {
	m.last = max(m.last, position)
	if position == m.low+1 {
		m.low = position
		m.advance()
		return
	}
	m.bits[position%marked/64] |= 1 << (position % 64)
}

// advance moves low over what is marked.
func (m *marks) advance() {
	for m.low < m.last && m.has(m.low+1) {
		m.low++
		m.unset(m.low)
	}
}

func (m *marks) has(position uint64) bool {
	return m.bits[position%marked/64]&(1<<(position%64)) != 0
}

func (m *marks) unset(position uint64) {
	m.bits[position%marked/64] &^= 1 << (position % 64)
}

// span are the positions from first to last, both included.
type span struct{ first, last uint64 }

// near is how many noted positions between two gaps are read again, so that the gaps are read at once.
const near = 64

// gap returns the first positions up to one that are not noted, at most so many.
func (m *marks) gap(upTo, most uint64) (span, bool) {
	if m.low >= upTo {
		return span{}, false
	}
	s := span{m.low + 1, m.low + 1}
	upTo = min(upTo, m.low+most)
	for p := s.first; p <= upTo && p-s.last <= near; p++ {
		if p-m.low > marked || !m.has(p) {
			s.last = p
		}
	}
	return s, true
}
