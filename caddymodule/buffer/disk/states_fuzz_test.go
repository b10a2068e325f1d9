package disk

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// fuzzRecord fuzzes the inside of a record: most of what a fuzzer makes of a
// whole one would end at the checksum.
func fuzzRecord(f *testing.F, check func(t *testing.T, record []byte), seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed[:len(seed)-4])
	}
	f.Fuzz(func(t *testing.T, inside []byte) {
		record := appendChecksum(bytes.Clone(inside))
		if back, err := verifyChecksum(record); err != nil || !bytes.Equal(back, inside) {
			t.Fatalf("an intact record is damaged: %v", err)
		}
		check(t, record)
		// A bit that is not as it was is noticed.
		record[len(inside)/2] ^= 0x10
		if _, err := verifyChecksum(record); err == nil {
			t.Fatal("damage was not noticed")
		}
	})
}

// FuzzLifecycle: a record is damaged, or stands for what is written as one that reads the same.
func FuzzLifecycle(f *testing.F) {
	fuzzRecord(f, func(t *testing.T, record []byte) {
		s, err := parseLifecycle(record)
		if err != nil {
			return
		}
		if again, err := parseLifecycle(s.encode()); err != nil || again != s {
			t.Fatalf("%+v became %+v: %v", s, again, err)
		}
	}, lifecycle{}.encode(), lifecycle{pausedSince: 5, orphanedSince: -1, orphanedAt: 1 << 63}.encode())
}

// FuzzProgress is the same for what a consumer has settled.
func FuzzProgress(f *testing.F) {
	p := &progress{low: 10, high: 10}
	empty := p.append(nil)
	for _, position := range []uint64{12, 13, 80, 500} {
		p.mark(position)
	}
	fuzzRecord(f, func(t *testing.T, record []byte) {
		p, err := parseProgress(record)
		if err != nil {
			return
		}
		again, err := parseProgress(p.append(nil))
		if err != nil {
			t.Fatalf("%+v cannot be read again: %v", p, err)
		}
		if again.low != p.low || again.high != p.high || again.deferred != p.deferred {
			t.Fatalf("low, high, deferred: %d %d %d, then %d %d %d", p.low, p.high, p.deferred, again.low, again.high, again.deferred)
		}
		for position := p.low; position < p.high; position++ {
			if p.has(position+1) != again.has(position+1) {
				t.Fatalf("position %d", position+1)
			}
		}
	}, empty, p.append(nil))
}

// FuzzDeadLetter is the same for dead letters.
func FuzzDeadLetter(f *testing.F) {
	at := time.Unix(1782777353, 5).UTC()
	fuzzRecord(f, func(t *testing.T, raw []byte) {
		dl, record, damaged, note, err := splitDeadLetter(raw)
		if err != nil {
			return
		}
		whole, err := decodeDeadLetter(raw)
		if err == nil && (whole.Handler != dl.Handler || whole.Event.Position != dl.Event.Position) {
			t.Fatalf("%+v and %+v", dl, whole)
		}
		again, record2, damaged2, note2, err := splitDeadLetter(deadLetter{
			handler: dl.Handler, reason: dl.Reason, code: dl.Code, position: dl.Event.Position,
			retry: dl.Retry, record: record, damaged: damaged, note: note,
		}.encode(dl.DiedAt))
		if diff := cmp.Diff(dl, again); err != nil || diff != "" || !bytes.Equal(record, record2) || damaged != damaged2 || note != note2 {
			t.Fatalf("%v, damaged %t %t, note %q %q: %s", err, damaged, damaged2, note, note2, diff)
		}
	}, deadLetter{handler: "h", reason: buffer.ReasonPoison, code: "c", position: 3, record: []byte("r"), retry: buffer.Retry{Attempts: 2, FirstAt: at, LastAt: at, NotBefore: at}}.encode(at),
		deadLetter{damaged: true, note: "n"}.encode(at))
}

// FuzzSeen: what is known of an event by its id has one form.
func FuzzSeen(f *testing.F) {
	f.Add(make([]byte, seenSize))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ok := parseSeen(raw)
		if !ok {
			return
		}
		back := make([]byte, seenSize)
		s.put(back)
		if !bytes.Equal(back, raw) {
			t.Fatalf("%x became %x", raw, back)
		}
	})
}
