package format

import "encoding/binary"

// Seen is what a dedupe entry says of the event that is stored under an id.
type Seen struct {
	Position uint64
	StoredAt int64
	Digest   uint64
	// Unreadable: it could not be read as an event, so that no handler has had it.
	Unreadable bool
}

// seenUnreadable is the bit of the stored position that says so.
const seenUnreadable = 1 << 63

// SeenSize is the size of an entry.
const SeenSize = 24

// Put writes the entry to SeenSize bytes.
func (s Seen) Put(dst []byte) {
	position := s.Position
	if s.Unreadable {
		position |= seenUnreadable
	}
	binary.BigEndian.PutUint64(dst, position)
	binary.BigEndian.PutUint64(dst[8:], uint64(s.StoredAt))
	binary.BigEndian.PutUint64(dst[16:], s.Digest)
}

// ParseSeen reads an entry; false when it is none.
func ParseSeen(b []byte) (Seen, bool) {
	if len(b) != SeenSize {
		return Seen{}, false
	}
	position := binary.BigEndian.Uint64(b)
	return Seen{
		Position:   position &^ seenUnreadable,
		StoredAt:   int64(binary.BigEndian.Uint64(b[8:])),
		Digest:     binary.BigEndian.Uint64(b[16:]),
		Unreadable: position&seenUnreadable != 0,
	}, true
}
