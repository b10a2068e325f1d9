package disk

import (
	"encoding/binary"
	"time"
)

// seen is what a dedupe entry says of the event stored under an id.
type seen struct {
	position uint64
	storedAt int64
	digest   uint64
}

const seenSize = 24

func (s seen) put(dst []byte) {
	binary.BigEndian.PutUint64(dst, s.position)
	binary.BigEndian.PutUint64(dst[8:], uint64(s.storedAt))
	binary.BigEndian.PutUint64(dst[16:], s.digest)
}

func parseSeen(b []byte) (seen, bool) {
	if len(b) != seenSize {
		return seen{}, false
	}
	return seen{
		position: binary.BigEndian.Uint64(b),
		storedAt: int64(binary.BigEndian.Uint64(b[8:])),
		digest:   binary.BigEndian.Uint64(b[16:]),
	}, true
}

// within reports whether the entry is at most window old.
func (s seen) within(now int64, window time.Duration) bool {
	return now-s.storedAt <= int64(window)
}
