package format

import (
	"encoding/binary"
)

// Lifecycle is what people have decided about a consumer: whether it is paused, and whether it has a handler. Times are
// in nanoseconds, 0 for never.
type Lifecycle struct {
	// PausedSince is when somebody paused it.
	PausedSince int64
	// OrphanedSince is when it lost its handler, orphanedAt the newest position then.
	OrphanedSince int64
	OrphanedAt    uint64
}

const lifecycleVersion = 1

// Encode returns the record.
func (s Lifecycle) Encode() []byte {
	b := []byte{lifecycleVersion}
	b = binary.AppendVarint(b, s.PausedSince)
	b = binary.AppendVarint(b, s.OrphanedSince)
	b = binary.AppendUvarint(b, s.OrphanedAt)
	return AppendChecksum(b)
}

// ParseLifecycle reads a record; ErrDamaged when it is none.
func ParseLifecycle(raw []byte) (Lifecycle, error) {
	b, err := VerifyChecksum(raw)
	if err != nil {
		return Lifecycle{}, err
	}
	r := reader{b: b}
	version := r.byte()
	s := Lifecycle{PausedSince: r.varint(), OrphanedSince: r.varint(), OrphanedAt: r.uvarint()}
	if r.bad || r.off != len(b) || version != lifecycleVersion {
		return Lifecycle{}, ErrDamaged
	}
	return s, nil
}
