package format

import (
	"encoding/binary"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// DeadLetter is a dead letter as it is written.
type DeadLetter struct {
	Handler       string
	Reason        buffer.Reason
	HandlerReason string
	Retry         buffer.Retry
	Position      uint64
	// Record is the event record as it is stored, with its trailer. A damaged one is kept as it was found.
	Record  []byte
	Damaged bool
	// Note says what is wrong with a damaged record.
	Note string
}

const deadLetterVersion = 1

// Encode returns the record.
func (d DeadLetter) Encode(diedAt time.Time) []byte {
	b := append(make([]byte, 0, len(d.Record)+256), deadLetterVersion)
	if d.Damaged {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = appendString(b, d.Handler)
	b = appendString(b, string(d.Reason))
	b = appendString(b, d.HandlerReason)
	b = appendString(b, d.Note)
	b = appendTime(b, diedAt)
	b = binary.AppendUvarint(b, d.Position)
	b = appendRetry(b, d.Retry)
	b = binary.AppendUvarint(b, uint64(len(d.Record)))
	b = append(b, d.Record...)
	return AppendChecksum(b)
}

// DecodeDeadLetter reads a dead letter. What it could read is returned beside an error.
func DecodeDeadLetter(raw []byte) (buffer.DeadLetter, error) {
	dl, record, damaged, note, err := splitDeadLetter(raw)
	if err != nil {
		return buffer.DeadLetter{}, err
	}
	position := dl.Event.Position
	if damaged {
		dl.Event = buffer.Event{Position: position, Unreadable: note, Body: append([]byte{}, record...)}
		return dl, nil
	}
	dl.Event, _, err = DecodeEvent(record, position)
	dl.Event.Position = position
	return dl, err
}

// OpenDeadLetter reads the dead letter of a position, and reports whether its event is intact. What is no dead letter is
// ErrDamaged.
func OpenDeadLetter(raw []byte, position uint64) (dl buffer.DeadLetter, intact bool, err error) {
	dl, record, damaged, _, err := splitDeadLetter(raw)
	if err != nil || damaged || dl.Event.Position != position {
		return dl, false, err
	}
	e, _, err := DecodeEvent(record, position)
	if err != nil {
		return dl, false, nil //nolint:nilerr // the letter says what it can
	}
	dl.Event = e
	return dl, true, nil
}

// splitDeadLetter reads all but the event. The record is part of raw.
func splitDeadLetter(raw []byte) (dl buffer.DeadLetter, record []byte, damaged bool, note string, err error) {
	b, err := VerifyChecksum(raw)
	if err != nil {
		return dl, nil, false, "", err
	}
	r := reader{b: b}
	version := r.byte()
	damaged = r.byte() == 1
	dl = buffer.DeadLetter{Handler: r.string(), Reason: buffer.Reason(r.string()), HandlerReason: r.string()}
	note = r.string()
	dl.DiedAt = r.time()
	dl.Event.Position = r.uvarint()
	dl.Retry = r.retry()
	from, to := r.span()
	if r.bad || r.off != len(b) || version != deadLetterVersion {
		return buffer.DeadLetter{}, nil, false, "", ErrDamaged
	}
	return dl, b[from:to], damaged, note, nil
}

// EventOfDeadLetter returns a copy of the event record in a dead letter, if it is intact.
func EventOfDeadLetter(raw []byte, position uint64) []byte {
	dl, record, damaged, _, err := splitDeadLetter(raw)
	if err != nil || damaged || dl.Event.Position != position {
		return nil
	}
	if _, _, err := DecodeEvent(record, position); err != nil {
		return nil
	}
	return append([]byte{}, record...)
}
