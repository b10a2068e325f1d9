package disk

import (
	"encoding/binary"
	"math/bits"
)

// window is how far above its low position a consumer may have events settled.
const window = 8192

// progress is what a consumer has behind it: everything up to low, and what
// is marked in the window above. The bitmap is a ring, indexed by position.
type progress struct {
	low uint64
	// high is the highest marked position, or at most low.
	high     uint64
	ring     [window / 64]uint64
	deferred uint64
}

// has reports whether the position is settled or deferred.
func (p *progress) has(position uint64) bool {
	if position <= p.low {
		return true
	}
	if position > p.low+window {
		return false
	}
	i := position % window
	return p.ring[i/64]&(1<<(i%64)) != 0
}

// mark notes that the position is settled or deferred, and moves low on. Positions
// outside the window are ignored.
func (p *progress) mark(position uint64) {
	if position <= p.low || position > p.low+window {
		return
	}
	i := position % window
	p.ring[i/64] |= 1 << (i % 64)
	p.high = max(p.high, position)
	p.advance()
}

// advance moves low over what is marked.
func (p *progress) advance() {
	for p.low < p.high {
		i := (p.low + 1) % window
		if p.ring[i/64]&(1<<(i%64)) == 0 {
			return
		}
		p.ring[i/64] &^= 1 << (i % 64)
		p.low++
	}
}

// skipTo takes everything up to the position as settled.
func (p *progress) skipTo(position uint64) {
	for next := p.low + 1; next <= min(position, p.high); next++ {
		i := next % window
		p.ring[i/64] &^= 1 << (i % 64)
	}
	if position > p.low {
		p.low = position
		p.high = max(p.high, p.low)
		p.advance()
	}
}

// run returns the end of the run of marked positions that follows p, p itself if there is none.
func (p *progress) run(position uint64) uint64 {
	for position < p.high && p.has(position+1) {
		position++
	}
	return position
}

// markedFrom counts marked positions at and above from.
func (p *progress) markedFrom(from uint64) uint64 {
	var n uint64
	for pos := max(from, p.low+1); pos <= p.high; pos++ {
		if p.has(pos) {
			n++
		}
	}
	return n
}

const progressVersion = 1

// append encodes the progress: bits follow low+1 on, eight to a byte, as far as there are any.
func (p *progress) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, progressVersion)
	dst = binary.AppendUvarint(dst, p.low)
	dst = binary.AppendUvarint(dst, p.deferred)
	n := 0
	if p.high > p.low {
		n = int(p.high-p.low+63) / 64
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for i := range n {
		dst = binary.LittleEndian.AppendUint64(dst, p.word(p.low+1+uint64(i)*64))
	}
	return binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
}

// word returns the 64 bits from a position on.
func (p *progress) word(from uint64) uint64 {
	i := from % window
	w, shift := i/64, i%64
	v := p.ring[w] >> shift
	if shift > 0 {
		v |= p.ring[(w+1)%uint64(len(p.ring))] << (64 - shift)
	}
	return v
}

func parseProgress(raw []byte) (*progress, error) {
	b, err := verifyChecksum(raw)
	if err != nil {
		return nil, err
	}
	r := reader{b: b}
	version := r.byte()
	p := &progress{low: r.uvarint(), deferred: r.uvarint()}
	p.high = p.low
	n := r.uvarint()
	if r.bad || version != progressVersion || n > window/64 {
		return nil, errDamaged
	}
	base := p.low + 1
	for i := range n {
		v := r.uint64()
		for ; v != 0; v &= v - 1 {
			p.mark(base + i*64 + uint64(bits.TrailingZeros64(v)))
		}
	}
	if r.bad || r.off != len(b) {
		return nil, errDamaged
	}
	return p, nil
}
