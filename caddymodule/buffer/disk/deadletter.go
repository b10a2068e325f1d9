package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cockroachdb/pebble/v2"

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

func decodeDeadLetter(raw []byte) (buffer.DeadLetter, error) {
	b, err := verifyChecksum(raw)
	if err != nil {
		return buffer.DeadLetter{}, err
	}
	r := reader{b: b}
	version, damaged := r.byte(), r.byte() == 1
	dl := buffer.DeadLetter{Handler: r.string(), Reason: buffer.Reason(r.string()), Code: r.string()}
	note := r.string()
	dl.DiedAt = r.time()
	position := r.uvarint()
	dl.Retry = r.retry()
	from, to := r.span()
	if r.bad || r.off != len(b) || version != deadLetterVersion {
		return buffer.DeadLetter{}, errDamaged
	}
	if damaged {
		dl.Event = buffer.Event{Position: position, Unreadable: note, Body: append([]byte{}, b[from:to]...)}
		return dl, nil
	}
	dl.Event, _, err = decodeEvent(b[from:to], position)
	return dl, err
}

// stageDeadLetter writes a dead letter and keeps count.
func (g *group) stageDeadLetter(d deadLetter) {
	diedAt := time.Unix(0, g.now)
	value := d.encode(diedAt)
	_ = g.batch.Set(deadLetterKey(diedAt, d.position, d.handler), value, nil)
	g.b.deadCount.Add(1)
	g.b.deadBytes.Add(int64(cost(len(value))))
	g.stageDeadCount()
}

func (g *group) stageDeadCount() {
	v := binary.BigEndian.AppendUint64(nil, g.b.deadCount.Load())
	v = binary.BigEndian.AppendUint64(v, uint64(g.b.deadBytes.Load()))
	_ = g.batch.Set(metaDead, v, nil)
}

// stageFloor remembers a position that cannot be seen from the events.
func (g *group) stageFloor(position uint64) {
	_ = g.batch.Set(metaFloor, binary.BigEndian.AppendUint64(nil, position), nil)
}

func (b *Buffer) loadDeadCount() error {
	v, err := b.get(metaDead)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil || len(v) != 16 {
		return fmt.Errorf("reading the number of dead letters: %w", errors.Join(err, errDamaged))
	}
	b.deadCount.Store(binary.BigEndian.Uint64(v))
	b.deadBytes.Store(int64(binary.BigEndian.Uint64(v[8:])))
	return nil
}

// deadLettersAtOnce bounds what one read holds in memory.
const deadLettersAtOnce = 32

// DeadLetters implements buffer.Buffer. A dead letter that cannot be read yields an
// error, and the next one follows.
func (b *Buffer) DeadLetters(ctx context.Context) iter.Seq2[buffer.DeadLetter, error] {
	return func(yield func(buffer.DeadLetter, error) bool) {
		from := []byte{kindDeadLetter}
		for from != nil {
			if err := ctx.Err(); err != nil {
				yield(buffer.DeadLetter{}, err)
				return
			}
			// Nothing is locked while the caller has the turn.
			found, next, err := b.readDeadLetters(from)
			for _, f := range found {
				if !yield(f.letter, f.err) {
					return
				}
			}
			if err != nil {
				yield(buffer.DeadLetter{}, fmt.Errorf("reading dead letters: %w", err))
				return
			}
			from = next
		}
	}
}

type foundLetter struct {
	letter buffer.DeadLetter
	err    error
}

func (b *Buffer) readDeadLetters(from []byte) (found []foundLetter, next []byte, err error) {
	err = b.use(func(db *pebble.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{kindDeadLetter + 1}})
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			if len(found) == deadLettersAtOnce {
				next = append([]byte{}, it.Key()...)
				return nil
			}
			letter, err := decodeDeadLetter(it.Value())
			if err != nil {
				err = fmt.Errorf("reading a dead letter: %w", err)
			}
			found = append(found, foundLetter{letter, err})
		}
		return it.Error()
	})
	return found, next, err
}
