package format

import (
	"encoding/binary"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	recordVersion = 1
	// tracedVersion has a trace parent behind the digest, and else what recordVersion has.
	tracedVersion = 2
	// EventTrailerSize is the size of stored at, total and checksum.
	EventTrailerSize = 8 + 8 + 4
	// MaxEvent bounds one event, with its body.
	MaxEvent = 32 << 20
	// EntryOverhead is roughly what an event costs beside its record: its keys and its dedupe entry.
	EntryOverhead = 64
)

// Trailer is what the committer adds to an event record.
type Trailer struct {
	// StoredAt is the buffer's clock, in ns, when the event was committed.
	StoredAt int64
	// Total is the sum of the sizes of all events up to this one.
	Total uint64
}

// AppendEvent encodes an event record without its trailer.
func AppendEvent(dst []byte, e *buffer.Event) []byte {
	isTraced := e.TraceParent != buffer.TraceParent{}
	version := byte(recordVersion)
	if isTraced {
		version = tracedVersion
	}
	dst = append(dst, version)
	dst = appendTime(dst, e.ReceivedAt)
	dst = binary.LittleEndian.AppendUint64(dst, e.Digest)
	if isTraced {
		dst = appendTraceParent(dst, &e.TraceParent)
	}
	dst = appendString(dst, e.Source)
	dst = appendString(dst, e.ID)
	dst = appendString(dst, e.Type)
	dst = appendString(dst, e.Mode)
	dst = appendString(dst, e.VehicleID)
	dst = appendString(dst, e.UserID)
	dst = appendString(dst, e.WebhookID)
	dst = appendString(dst, e.DeliveryID)
	dst = appendString(dst, e.Signature)
	dst = appendString(dst, e.ContentType)
	dst = appendString(dst, e.Unreadable)
	dst = binary.AppendUvarint(dst, uint64(len(e.Body)))
	return append(dst, e.Body...)
}

// FinishEvent writes the trailer into the last EventTrailerSize bytes of dst, which holds an encoded event with
// checksum sum before them.
func FinishEvent(dst []byte, sum uint32, position uint64, t Trailer) {
	end := dst[len(dst)-EventTrailerSize:]
	binary.LittleEndian.PutUint64(end, uint64(t.StoredAt))
	binary.LittleEndian.PutUint64(end[8:], t.Total)
	binary.LittleEndian.PutUint32(end[16:], bind(ExtendChecksum(sum, end[:16]), position))
}

// bind ties a checksum to a position, so that a record is not taken for another's.
func bind(sum uint32, position uint64) uint32 {
	return sum ^ uint32(position) ^ uint32(position>>32)
}

// OpenRecord checks the checksum of an event record and returns what is before the trailer.
func OpenRecord(raw []byte, position uint64) ([]byte, Trailer, error) {
	n := len(raw) - EventTrailerSize
	if n < 1 {
		return nil, Trailer{}, fmt.Errorf("%w: %d bytes are too few", ErrDamaged, len(raw))
	}
	if bind(Checksum(raw[:n+16]), position) != binary.LittleEndian.Uint32(raw[n+16:]) {
		return nil, Trailer{}, fmt.Errorf("%w: the checksum differs", ErrDamaged)
	}
	t := Trailer{
		StoredAt: int64(binary.LittleEndian.Uint64(raw[n:])),
		Total:    binary.LittleEndian.Uint64(raw[n+8:]),
	}
	return raw[:n], t, nil
}

// DecodeEvent reads an event record. Nothing it returns shares memory with raw.
func DecodeEvent(raw []byte, position uint64) (buffer.Event, Trailer, error) {
	b, t, err := OpenRecord(raw, position)
	if err != nil {
		return buffer.Event{}, Trailer{}, err
	}
	if b[0] != recordVersion && b[0] != tracedVersion {
		return buffer.Event{}, t, fmt.Errorf("%w: version %d is not known", ErrDamaged, b[0])
	}
	r := reader{b: b, off: 1}
	e := buffer.Event{Position: position, ReceivedAt: r.time(), Digest: r.uint64()}
	if b[0] == tracedVersion {
		e.TraceParent = r.traceParent()
	}

	// One string holds all the small ones: an event costs two allocations.
	var spans [11][2]int
	for i := range spans {
		spans[i][0], spans[i][1] = r.span()
	}
	head := string(b[:r.off])
	text := func(i int) string { return head[spans[i][0]:spans[i][1]] }
	from, to := r.span()
	if r.bad || r.off != len(b) {
		return buffer.Event{}, t, fmt.Errorf("%w: its fields do not fit its length", ErrDamaged)
	}
	e.Source, e.ID, e.Type, e.Mode = text(0), text(1), text(2), text(3)
	e.VehicleID, e.UserID, e.WebhookID, e.DeliveryID = text(4), text(5), text(6), text(7)
	e.Signature, e.ContentType, e.Unreadable = text(8), text(9), text(10)
	e.Body = append(make([]byte, 0, to-from), b[from:to]...)
	return e, t, nil
}

// Cost is what a record of this size counts for in the size limit.
func Cost(record int) uint64 { return uint64(record + EntryOverhead) }
