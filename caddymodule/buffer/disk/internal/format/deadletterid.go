package format

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// letterID is a dead letter's key. As a text it is the key's bytes in base 32, with
// an alphabet that sorts as the bytes do.
type DeadLetterID struct {
	diedAt   uint64
	Position uint64
	Handler  string
}

var deadLetterText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// minLetterID is the size of a time and a position.
const minDeadLetterID = 8 + 8

func (id DeadLetterID) Key() []byte {
	b := binary.BigEndian.AppendUint64([]byte{KindDeadLetter}, id.diedAt)
	b = binary.BigEndian.AppendUint64(b, id.Position)
	return append(b, id.Handler...)
}

func (id DeadLetterID) Text() buffer.DeadLetterID {
	return buffer.DeadLetterID(deadLetterText.EncodeToString(id.Key()[1:]))
}

func DeadLetterKey(diedAt time.Time, position uint64, handler string) []byte {
	return DeadLetterID{uint64(max(0, diedAt.UnixNano())), position, handler}.Key()
}

// parseLetterKey takes a key of the store apart.
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

// letterTime returns an id for DeadLetters that has what died before t behind it, and what
// died later before it. No dead letter has this id.
func DeadLettersSince(t time.Time) buffer.DeadLetterID {
	return DeadLetterID{diedAt: uint64(max(0, t.UnixNano()))}.Text()
}

// parseLetterID reads the text that a person or a program sent. Each id has one text: base 32 would
// take several, which differ in bits that mean nothing.
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
