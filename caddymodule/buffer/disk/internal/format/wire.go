package format

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// ErrDamaged says that stored bytes are not what was written.
var ErrDamaged = errors.New("stored record is damaged")

// Checksum is a CRC-32C, for which the processors that matter have an instruction.
func Checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// ExtendChecksum is the checksum of bytes with checksum sum and b behind them.
func ExtendChecksum(sum uint32, b []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendUvarint(dst, uint64(t.Nanosecond()))
}

// AppendChecksum closes a small record.
func AppendChecksum(dst []byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, Checksum(dst))
}

// VerifyChecksum returns what appendChecksum closed.
func VerifyChecksum(b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 0 || Checksum(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, ErrDamaged
	}
	return b[:n], nil
}

// reader parses a record. After a mistake it returns zeros, and bad is set.
type reader struct {
	b   []byte
	off int
	bad bool
}

func (r *reader) fail() {
	r.bad = true
	r.off = len(r.b)
}

func (r *reader) byte() byte {
	if r.off >= len(r.b) {
		r.fail()
		return 0
	}
	c := r.b[r.off]
	r.off++
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b[r.off:])
	if n <= 0 {
		r.fail()
		return 0
	}
	r.off += n
	return v
}

// count returns a number that fits an int.
func (r *reader) count() int {
	v := r.uvarint()
	if v > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(v)
}

// duration returns one that is not negative.
func (r *reader) duration() time.Duration {
	v := r.uvarint()
	if v > math.MaxInt64 {
		r.fail()
		return 0
	}
	return time.Duration(v)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b[r.off:])
	if n <= 0 {
		r.fail()
		return 0
	}
	r.off += n
	return v
}

func (r *reader) uint64() uint64 {
	if len(r.b)-r.off < 8 {
		r.fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b[r.off:])
	r.off += 8
	return v
}

// span returns the bounds of length-prefixed bytes.
func (r *reader) span() (from, to int) {
	n := r.uvarint()
	if n > uint64(len(r.b)-r.off) {
		r.fail()
		return r.off, r.off
	}
	from = r.off
	r.off += int(n)
	return from, r.off
}

func (r *reader) string() string {
	from, to := r.span()
	return string(r.b[from:to])
}

func (r *reader) time() time.Time {
	s, ns := r.varint(), r.uvarint()
	if ns >= 1e9 {
		r.fail()
		return time.Time{}
	}
	return time.Unix(s, int64(ns)).UTC()
}
