package format

import (
	"encoding/binary"
	"math/bits"
)

// Window is how far above its low position a consumer may have events settled.
const Window = 8192

// Progress is what a consumer has behind it: everything up to Low, and what is marked in the window above. The bitmap
// is a ring, indexed by position.
type Progress struct {
	Low uint64
	// High is the highest marked position, or at most low.
	High     uint64
	ring     [Window / 64]uint64
	Deferred uint64
}

// Has reports whether the position is settled or deferred.
func (p *Progress) Has(position uint64) bool {
	if position <= p.Low {
		return true
	}
	if position > p.Low+Window {
		return false
	}
	i := position % Window
	return p.ring[i/64]&(1<<(i%64)) != 0
}

// Mark notes that the position is settled or deferred, and raises Low. Positions outside the window are ignored.
func (p *Progress) Mark(position uint64) {
	if position <= p.Low || position > p.Low+Window {
		return
	}
	i := position % Window
	p.ring[i/64] |= 1 << (i % 64)
	p.High = max(p.High, position)
	p.advance()
}

// advance raises Low over what is marked.
func (p *Progress) advance() {
	for p.Low < p.High {
		i := (p.Low + 1) % Window
		if p.ring[i/64]&(1<<(i%64)) == 0 {
			return
		}
		p.ring[i/64] &^= 1 << (i % 64)
		p.Low++
	}
}

// SkipTo takes everything up to the position as settled.
func (p *Progress) SkipTo(position uint64) {
	for next := p.Low + 1; next <= min(position, p.High); next++ {
		i := next % Window
		p.ring[i/64] &^= 1 << (i % 64)
	}
	if position > p.Low {
		p.Low = position
		p.High = max(p.High, p.Low)
		p.advance()
	}
}

// Run returns the end of the run of marked positions that follows a position, the position itself if there is none.
func (p *Progress) Run(position uint64) uint64 {
	for position < p.High && p.Has(position+1) {
		position++
	}
	return position
}

// MarkedFrom counts marked positions at and above from.
func (p *Progress) MarkedFrom(from uint64) uint64 {
	var n uint64
	for pos := max(from, p.Low+1); pos <= p.High; pos++ {
		if p.Has(pos) {
			n++
		}
	}
	return n
}

const progressVersion = 1

// Append encodes the progress: the bits of the positions above Low, eight to a byte, as far as any is set.
func (p *Progress) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, progressVersion)
	dst = binary.AppendUvarint(dst, p.Low)
	dst = binary.AppendUvarint(dst, p.Deferred)
	n := 0
	if p.High > p.Low {
		n = int(p.High-p.Low+63) / 64
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for i := range n {
		dst = binary.LittleEndian.AppendUint64(dst, p.word(p.Low+1+uint64(i)*64))
	}
	return binary.LittleEndian.AppendUint32(dst, Checksum(dst[start:]))
}

// word returns the 64 bits from a position on.
func (p *Progress) word(from uint64) uint64 {
	i := from % Window
	w, shift := i/64, i%64
	v := p.ring[w] >> shift
	if shift > 0 {
		v |= p.ring[(w+1)%uint64(len(p.ring))] << (64 - shift)
	}
	return v
}

// ParseProgress reads a record; ErrDamaged when it is none.
func ParseProgress(raw []byte) (*Progress, error) {
	b, err := VerifyChecksum(raw)
	if err != nil {
		return nil, err
	}
	r := reader{b: b}
	version := r.byte()
	p := &Progress{Low: r.uvarint(), Deferred: r.uvarint()}
	p.High = p.Low
	n := r.uvarint()
	if r.bad || version != progressVersion || n > Window/64 {
		return nil, ErrDamaged
	}
	base := p.Low + 1
	for i := range n {
		v := r.uint64()
		for ; v != 0; v &= v - 1 {
			p.Mark(base + i*64 + uint64(bits.TrailingZeros64(v)))
		}
	}
	if r.bad || r.off != len(b) {
		return nil, ErrDamaged
	}
	return p, nil
}
