package disk

import (
	"encoding/binary"
)

// lifecycle is what people have decided about a consumer. Times are in ns, 0 for never.
type lifecycle struct {
	// pausedSince is when a person paused it.
	pausedSince int64
	// orphanedSince is when it lost its handler, orphanedAt the newest position then.
	orphanedSince int64
	orphanedAt    uint64
}

const lifecycleVersion = 1

func (s lifecycle) encode() []byte {
	b := []byte{lifecycleVersion}
	b = binary.AppendVarint(b, s.pausedSince)
	b = binary.AppendVarint(b, s.orphanedSince)
	b = binary.AppendUvarint(b, s.orphanedAt)
	return appendChecksum(b)
}

func parseLifecycle(raw []byte) (lifecycle, error) {
	b, err := verifyChecksum(raw)
	if err != nil {
		return lifecycle{}, err
	}
	r := reader{b: b}
	version := r.byte()
	s := lifecycle{pausedSince: r.varint(), orphanedSince: r.varint(), orphanedAt: r.uvarint()}
	if r.bad || r.off != len(b) || version != lifecycleVersion {
		return lifecycle{}, errDamaged
	}
	return s, nil
}
