package eventlog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
)

const (
	groupMagic = 0x3c470de5
	// groupHeaderSize is what stands before a group's records.
	groupHeaderSize = 4 + 4 + 8 + 8 + 4 + 4 + 4 + 4 + 4
	// maxRetained bounds what a Group keeps for the next one.
	maxRetained = 8 << 20
)

// Group is what one sync makes durable. It is used again after Reset.
type Group struct {
	number, first uint64
	// buf is the group as it is written; the header is filled in at the end.
	buf     []byte
	lengths []uint32
}

// Reset begins a group with a number, one above that of the group before, and the position of its first record.
func (g *Group) Reset(number, first uint64) {
	g.number, g.first = number, first
	if cap(g.buf) > maxRetained {
		g.buf = nil
	}
	g.buf = append(g.buf[:0], make([]byte, groupHeaderSize)...)
	g.lengths = g.lengths[:0]
}

// Record returns size bytes, above 0, for the caller to fill before the next call: the record of the next position.
func (g *Group) Record(size int) []byte {
	n := len(g.buf)
	g.buf = slices.Grow(g.buf, size)[:n+size]
	g.lengths = append(g.lengths, uint32(size))
	return g.buf[n:]
}

// Gap leaves the next position without a record.
func (g *Group) Gap() { g.lengths = append(g.lengths, 0) }

// Empty reports whether there is neither a record nor a gap.
func (g *Group) Empty() bool { return len(g.lengths) == 0 }

// next is the position behind the group.
func (g *Group) next() uint64 { return g.first + uint64(len(g.lengths)) }

// finish returns the group as it is to be written.
func (g *Group) finish(batch []byte) []byte {
	table := len(g.buf)
	for _, n := range g.lengths {
		g.buf = binary.LittleEndian.AppendUint32(g.buf, n)
	}
	h := groupHeader{
		number: g.number, first: g.first, records: uint32(len(g.lengths)), batch: uint32(len(batch)),
		tableSum: checksum(g.buf[table:]), batchSum: checksum(batch),
	}
	g.buf = append(g.buf, batch...)
	h.length = uint32(len(g.buf) - groupHeaderSize)
	h.put(g.buf)
	return g.buf
}

type groupHeader struct {
	length             uint32
	number, first      uint64
	records, batch     uint32
	tableSum, batchSum uint32
}

func (h *groupHeader) put(b []byte) {
	binary.LittleEndian.PutUint32(b, groupMagic)
	binary.LittleEndian.PutUint32(b[4:], h.length)
	binary.LittleEndian.PutUint64(b[8:], h.number)
	binary.LittleEndian.PutUint64(b[16:], h.first)
	binary.LittleEndian.PutUint32(b[24:], h.records)
	binary.LittleEndian.PutUint32(b[28:], h.batch)
	binary.LittleEndian.PutUint32(b[32:], h.tableSum)
	binary.LittleEndian.PutUint32(b[36:], h.batchSum)
	binary.LittleEndian.PutUint32(b[40:], checksum(b[:40]))
}

// parseGroupHeader returns false for what is none.
func parseGroupHeader(b []byte) (h groupHeader, ok bool) {
	if len(b) < groupHeaderSize || binary.LittleEndian.Uint32(b) != groupMagic ||
		binary.LittleEndian.Uint32(b[40:]) != checksum(b[:40]) {
		return groupHeader{}, false
	}
	h = groupHeader{
		length:   binary.LittleEndian.Uint32(b[4:]),
		number:   binary.LittleEndian.Uint64(b[8:]),
		first:    binary.LittleEndian.Uint64(b[16:]),
		records:  binary.LittleEndian.Uint32(b[24:]),
		batch:    binary.LittleEndian.Uint32(b[28:]),
		tableSum: binary.LittleEndian.Uint32(b[32:]),
		batchSum: binary.LittleEndian.Uint32(b[36:]),
	}
	return h, 4*uint64(h.records)+uint64(h.batch) <= uint64(h.length)
}

func (h *groupHeader) size() int64  { return groupHeaderSize + int64(h.length) }
func (h *groupHeader) next() uint64 { return h.first + uint64(h.records) }

// split takes what follows the header apart. A part that is damaged is nil.
func (h *groupHeader) split(body []byte) (records, table, batch []byte) {
	end := len(body) - int(h.batch)
	start := end - 4*int(h.records)
	records, table, batch = body[:start], body[start:end], body[end:]
	if checksum(table) != h.tableSum || !fits(table, len(records)) {
		table = nil
	}
	if checksum(batch) != h.batchSum {
		batch = nil
	}
	return records, table, batch
}

// fits reports whether the lengths in a table are those of so many bytes.
func fits(table []byte, size int) bool {
	sum := uint64(0)
	for ; len(table) > 0; table = table[4:] {
		sum += uint64(binary.LittleEndian.Uint32(table))
	}
	return sum == uint64(size)
}

// eachRecord calls f with the position and the bytes of each record, nil where there is none, until it returns false.
func (h *groupHeader) eachRecord(records, table []byte, f func(position uint64, raw []byte) bool) bool {
	for p := h.first; len(table) > 0; p, table = p+1, table[4:] {
		n := binary.LittleEndian.Uint32(table)
		var raw []byte
		if n > 0 {
			raw = records[:n:n]
		}
		if !f(p, raw) {
			return false
		}
		records = records[n:]
	}
	return true
}

// gaps returns the positions without a record of the group that b begins with, nil where its lengths cannot be read.
func (h *groupHeader) gaps(b []byte) (gaps []uint64) {
	if h.size() > int64(len(b)) {
		return nil
	}
	records, table, _ := h.split(b[groupHeaderSize:h.size()])
	h.eachRecord(records, table, func(position uint64, raw []byte) bool {
		if raw == nil {
			gaps = append(gaps, position)
		}
		return true
	})
	return gaps
}

var groupMagicBytes = binary.LittleEndian.AppendUint32(nil, groupMagic)

// findHeader returns where the next intact group header with a number between the two begins, -1 if there is none.
func findHeader(b []byte, above, upTo uint64) int {
	for off := 0; ; off++ {
		i := bytes.Index(b[off:], groupMagicBytes)
		if i < 0 {
			return -1
		}
		off += i
		if h, ok := parseGroupHeader(b[off:]); ok && h.number > above && h.number <= upTo {
			return off
		}
	}
}

const anyNumber = math.MaxUint64

func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}
