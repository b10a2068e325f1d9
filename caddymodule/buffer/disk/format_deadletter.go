package disk

import (
	"encoding/binary"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// deadLetter is a dead letter about to be written.
type deadLetter struct {
	handler  string
	reason   buffer.Reason
	code     string
	retry    buffer.Retry
	position uint64
	// record is the event record as it is stored, trailer and all; when it is damaged, it is
	// kept as it was found.
	record  []byte
	damaged bool
	// note says what is wrong with a damaged record.
	note string
}

const deadLetterVersion = 1

func (d deadLetter) encode(diedAt time.Time) []byte {
	b := append(make([]byte, 0, len(d.record)+256), deadLetterVersion)
	if d.damaged {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = appendString(b, d.handler)
	b = appendString(b, string(d.reason))
	b = appendString(b, d.code)
	b = appendString(b, d.note)
	b = appendTime(b, diedAt)
	b = binary.AppendUvarint(b, d.position)
	b = appendRetry(b, d.retry)
	b = binary.AppendUvarint(b, uint64(len(d.record)))
	b = append(b, d.record...)
	return appendChecksum(b)
}

// decodeDeadLetter reads a dead letter. What it could read is returned beside an error.
func decodeDeadLetter(raw []byte) (buffer.DeadLetter, error) {
	dl, record, damaged, note, err := splitDeadLetter(raw)
	if err != nil {
		return buffer.DeadLetter{}, err
	}
	position := dl.Event.Position
	if damaged {
		dl.Event = buffer.Event{Position: position, Unreadable: note, Body: append([]byte{}, record...)}
		return dl, nil
	}
	dl.Event, _, err = decodeEvent(record, position)
	dl.Event.Position = position
	return dl, err
}

// splitDeadLetter reads all but the event. The record is part of raw.
func splitDeadLetter(raw []byte) (dl buffer.DeadLetter, record []byte, damaged bool, note string, err error) {
	b, err := verifyChecksum(raw)
	if err != nil {
		return dl, nil, false, "", err
	}
	r := reader{b: b}
	version := r.byte()
	damaged = r.byte() == 1
	dl = buffer.DeadLetter{Handler: r.string(), Reason: buffer.Reason(r.string()), Code: r.string()}
	note = r.string()
	dl.DiedAt = r.time()
	dl.Event.Position = r.uvarint()
	dl.Retry = r.retry()
	from, to := r.span()
	if r.bad || r.off != len(b) || version != deadLetterVersion {
		return buffer.DeadLetter{}, nil, false, "", errDamaged
	}
	return dl, b[from:to], damaged, note, nil
}

// eventOfLetter returns a copy of the event record in a dead letter, if it is intact.
func eventOfLetter(raw []byte, position uint64) []byte {
	dl, record, damaged, _, err := splitDeadLetter(raw)
	if err != nil || damaged || dl.Event.Position != position {
		return nil
	}
	if _, _, err := decodeEvent(record, position); err != nil {
		return nil
	}
	return append([]byte{}, record...)
}
