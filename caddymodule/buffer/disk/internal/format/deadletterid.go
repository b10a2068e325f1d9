package format

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// DeadLetterID is a dead letter's key. As a text it is the key's bytes in base 32, with an alphabet that sorts as the
// bytes do.
type DeadLetterID struct {
	diedAt   uint64
	Position uint64
	Handler  string
}

var deadLetterText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// minDeadLetterID is the size of a time and a position.
const minDeadLetterID = 8 + 8

// DiedAt is the time of death, in ns.
func (id DeadLetterID) DiedAt() int64 { return int64(min(id.diedAt, math.MaxInt64)) }

// Key returns the key in the store.
func (id DeadLetterID) Key() []byte {
	b := binary.BigEndian.AppendUint64([]byte{KindDeadLetter}, id.diedAt)
	b = binary.BigEndian.AppendUint64(b, id.Position)
	return append(b, id.Handler...)
}

// Text returns the id as people and programs see it.
func (id DeadLetterID) Text() buffer.DeadLetterID {
	return buffer.DeadLetterID(deadLetterText.EncodeToString(id.Key()[1:]))
}

// DeadLetterKey returns the key of a dead letter.
func DeadLetterKey(diedAt time.Time, position uint64, handler string) []byte {
	return DeadLetterID{uint64(max(0, diedAt.UnixNano())), position, handler}.Key()
}

// ParseDeadLetterKey parses a key of the store.
func ParseDeadLetterKey(key []byte) (DeadLetterID, bool) {
	if len(key) < 1+minDeadLetterID || key[0] != KindDeadLetter {
		return DeadLetterID{}, false
	}
	return DeadLetterID{
		diedAt:   binary.BigEndian.Uint64(key[1:]),
		Position: binary.BigEndian.Uint64(key[9:]),
		Handler:  string(key[17:]),
	}, true
}

// DeadLettersSince returns an id that has behind it what died at a time or later, and before it what died earlier. No
// dead letter has this id.
func DeadLettersSince(t time.Time) buffer.DeadLetterID {
	return DeadLetterID{diedAt: uint64(max(0, t.UnixNano()))}.Text()
}

// ParseDeadLetterID reads a text that a person or a program sent. Each id has one text: base 32 would take several,
// which differ in bits that mean nothing.
func ParseDeadLetterID(text buffer.DeadLetterID) (DeadLetterID, error) {
	if len(text) <= deadLetterText.EncodedLen(minDeadLetterID+MaxName) {
		b, err := deadLetterText.DecodeString(string(text))
		if err == nil {
			if id, ok := ParseDeadLetterKey(append([]byte{KindDeadLetter}, b...)); ok && id.Text() == text {
				return id, nil
			}
		}
	}
	return DeadLetterID{}, fmt.Errorf("%w: this is not the id of a dead letter", buffer.ErrNotFound)
}
