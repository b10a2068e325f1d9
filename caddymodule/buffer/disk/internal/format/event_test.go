package format

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/buffertest"
)

func encoded(e *buffer.Event, position uint64, end Trailer) []byte {
	b := AppendEvent(nil, e)
	sum := Checksum(b)
	b = append(b, make([]byte, EventTrailerSize)...)
	FinishEvent(b, sum, position, end)
	return b
}

func TestEventRecord(t *testing.T) {
	full := buffertest.Event("1")
	full.Unreadable = "odd"
	for name, e := range map[string]*buffer.Event{
		"full":            full,
		"empty":           {Body: []byte{}},
		"before the year": {ReceivedAt: time.Date(-5, 1, 1, 0, 0, 0, 1, time.UTC), Body: []byte{}},
		"not UTF-8":       {ID: "\xff\x00", Body: []byte{0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			end := Trailer{StoredAt: 123, Total: 456}
			got, gotEnd, err := DecodeEvent(encoded(e, 7, end), 7)
			if err != nil {
				t.Fatal(err)
			}
			want := *e
			want.Position = 7
			if d := cmp.Diff(want, got); d != "" || gotEnd != end {
				t.Fatalf("trailer %+v, event (-want +got):\n%s", gotEnd, d)
			}
		})
	}
}

// Every single flipped bit, and every cut, must be seen.
func TestEventRecordDamage(t *testing.T) {
	raw := encoded(buffertest.Event("1"), 7, Trailer{1, 2})
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if _, _, err := DecodeEvent(bad, 7); !errors.Is(err, ErrDamaged) {
				t.Fatalf("bit %d of byte %d flipped: got %v", bit, i, err)
			}
		}
		if _, _, err := DecodeEvent(raw[:i], 7); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: got %v", i, err)
		}
	}
	if _, _, err := DecodeEvent(raw, 8); !errors.Is(err, ErrDamaged) {
		t.Fatalf("at another position: got %v", err)
	}
}

// FuzzDecodeEvent gives the decoder bytes with a right checksum, so that the
// fields behind it are reached too.
func FuzzDecodeEvent(f *testing.F) {
	f.Add(AppendEvent(nil, buffertest.Event("1")))
	f.Add(AppendEvent(nil, &buffer.Event{ID: "1", Body: []byte("{}")}))
	f.Add([]byte{recordVersion})
	f.Add(append([]byte{recordVersion}, bytes.Repeat([]byte{0xff}, 40)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = DecodeEvent(b, 1)
		_, _ = DecodeDeadLetter(b)
		_, _ = DecodeDeadLetter(AppendChecksum(bytes.Clone(b)))
		_, _ = ParseLifecycle(AppendChecksum(bytes.Clone(b)))
		if p, err := ParseProgress(AppendChecksum(bytes.Clone(b))); err == nil {
			if _, err := ParseProgress(p.Append(nil)); err != nil {
				t.Fatalf("progress that could be read cannot be read again: %v", err)
			}
		}
		raw := append(bytes.Clone(b), make([]byte, EventTrailerSize)...)
		FinishEvent(raw, Checksum(b), 1, Trailer{1, 2})
		e, _, err := DecodeEvent(raw, 1)
		if err != nil {
			return
		}
		again, _, err := DecodeEvent(encoded(&e, 1, Trailer{1, 2}), 1)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, again); d != "" {
			t.Fatal(d)
		}
	})
}
