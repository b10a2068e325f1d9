package freshness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The encoding is a version, the number of entries, then the entries by code. Of a
// code only what differs from the one before is written, and of the numbers only the
// difference to those of the entry before, so that a signal takes some 20 bytes.

// version is the first byte of a table.
const version = 1

// maxRecorded is the end of the year 9999 in milliseconds, beyond which smartcar knows
// no times.
const maxRecorded = 253402300800000

// Append appends the table, for Decode. Equal tables have equal bytes; with 90 signals
// there are some 2 KB of them.
func (t *Table) Append(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(t.entries)))
	last := entry{}
	for _, e := range t.entries {
		shared := sharedPrefix(last.code, e.code)
		b = binary.AppendUvarint(b, uint64(shared))
		b = binary.AppendUvarint(b, uint64(len(e.code)-shared))
		b = append(b, e.code[shared:]...)
		b = binary.AppendVarint(b, e.age.recorded-last.age.recorded)
		b = binary.AppendVarint(b, e.age.retrieved-last.age.retrieved)
		b = binary.AppendVarint(b, e.age.sequence-last.age.sequence)
		last = e
	}
	return b
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Decode reads a table that Append wrote; no bytes are an empty one. The error says
// that the bytes are damaged or of a later version. What a caller can do then is to
// begin with an empty table: some stale signals are taken for new until it is filled.
func Decode(b []byte) (*Table, error) {
	t := &Table{}
	if len(b) == 0 {
		return t, nil
	}
	if b[0] != version {
		return nil, fmt.Errorf("reading the ages of signals: version %d is not known", b[0])
	}
	d := decoder{b: b[1:]}
	n := d.uvarint(maxSignals)
	t.entries = make([]entry, 0, min(n, len(d.b)/minEntry))
	last := entry{}
	for range n {
		last = d.entry(last)
		if d.failed {
			break
		}
		t.entries = append(t.entries, last)
	}
	if d.failed || len(d.b) > 0 {
		return nil, errors.New("reading the ages of signals: the bytes are damaged")
	}
	return t, nil
}

// minEntry is the length of the shortest entry.
const minEntry = 6

// decoder reads numbers until one fails, and then nothing but zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) uvarint(most int) int {
	v, n := binary.Uvarint(d.b)
	if d.failed || n <= 0 || v > uint64(most) {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.failed || n <= 0 {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// entry reads the entry after last.
func (d *decoder) entry(last entry) entry {
	shared := d.uvarint(len(last.code))
	more := d.uvarint(min(maxCode-shared, len(d.b)))
	if d.failed || more > len(d.b) {
		d.failed = true
		return entry{}
	}
	e := entry{code: last.code[:shared] + string(d.b[:more])}
	d.b = d.b[more:]
	e.age.recorded = last.age.recorded + d.varint()
	e.age.retrieved = last.age.retrieved + d.varint()
	e.age.sequence = last.age.sequence + d.varint()
	sane := strings.Compare(last.code, e.code) < 0 &&
		e.age.recorded > 0 && e.age.recorded < maxRecorded &&
		e.age.retrieved >= 0 && e.age.retrieved < maxRecorded
	d.failed = d.failed || !sane
	return e
}
