package disk

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// letterID is a dead letter's key. As a text it is the key's bytes in base 32, with
// an alphabet that sorts as the bytes do.
type letterID struct {
	diedAt   uint64
	position uint64
	handler  string
}

var letterText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// minLetterID is the size of a time and a position.
const minLetterID = 8 + 8

func (id letterID) key() []byte {
	b := binary.BigEndian.AppendUint64([]byte{kindDeadLetter}, id.diedAt)
	b = binary.BigEndian.AppendUint64(b, id.position)
	return append(b, id.handler...)
}

func (id letterID) text() buffer.DeadLetterID {
	return buffer.DeadLetterID(letterText.EncodeToString(id.key()[1:]))
}

func deadLetterKey(diedAt time.Time, position uint64, handler string) []byte {
	return letterID{uint64(max(0, diedAt.UnixNano())), position, handler}.key()
}

// parseLetterKey takes a key of the store apart.
func parseLetterKey(key []byte) (letterID, bool) {
	if len(key) < 1+minLetterID || key[0] != kindDeadLetter {
		return letterID{}, false
	}
	return letterID{
		diedAt:   binary.BigEndian.Uint64(key[1:]),
		position: binary.BigEndian.Uint64(key[9:]),
		handler:  string(key[17:]),
	}, true
}

// letterTime returns an id for DeadLetters that has what died before t behind it, and what
// died later before it. No dead letter has this id.
func letterTime(t time.Time) buffer.DeadLetterID {
	return letterID{diedAt: uint64(max(0, t.UnixNano()))}.text()
}

// parseLetterID reads the text that a person or a program sent. Each id has one text: base 32 would
// take several, which differ in bits that mean nothing.
func parseLetterID(text buffer.DeadLetterID) (letterID, error) {
	if len(text) <= letterText.EncodedLen(minLetterID+maxName) {
		b, err := letterText.DecodeString(string(text))
		if err == nil {
			if id, ok := parseLetterKey(append([]byte{kindDeadLetter}, b...)); ok && id.text() == text {
				return id, nil
			}
		}
	}
	return letterID{}, fmt.Errorf("%w: this is not the id of a dead letter", buffer.ErrNotFound)
}
