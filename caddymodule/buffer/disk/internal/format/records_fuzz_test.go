package format

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
		record := AppendChecksum(bytes.Clone(inside))
		if back, err := VerifyChecksum(record); err != nil || !bytes.Equal(back, inside) {
			t.Fatalf("an intact record is damaged: %v", err)
		}
		check(t, record)
		// A bit that is not as it was is noticed.
		record[len(inside)/2] ^= 0x10
		if _, err := VerifyChecksum(record); err == nil {
			t.Fatal("damage was not noticed")
		}
	})
}

// FuzzLifecycle: a record is damaged, or stands for what is written as one that reads the same.
func FuzzLifecycle(f *testing.F) {
	fuzzRecord(f, func(t *testing.T, record []byte) {
		s, err := ParseLifecycle(record)
		if err != nil {
			return
		}
		if again, err := ParseLifecycle(s.Encode()); err != nil || again != s {
			t.Fatalf("%+v became %+v: %v", s, again, err)
		}
	}, Lifecycle{}.Encode(), Lifecycle{PausedSince: 5, OrphanedSince: -1, OrphanedAt: 1 << 63}.Encode())
}

// FuzzProgress is the same for what a consumer has settled.
func FuzzProgress(f *testing.F) {
	p := &Progress{Low: 10, High: 10}
	empty := p.Append(nil)
	for _, position := range []uint64{12, 13, 80, 500} {
		p.Mark(position)
	}
	fuzzRecord(f, func(t *testing.T, record []byte) {
		p, err := ParseProgress(record)
		if err != nil {
			return
		}
		again, err := ParseProgress(p.Append(nil))
		if err != nil {
			t.Fatalf("%+v cannot be read again: %v", p, err)
		}
		if again.Low != p.Low || again.High != p.High || again.Deferred != p.Deferred {
			t.Fatalf("low, high, deferred: %d %d %d, then %d %d %d", p.Low, p.High, p.Deferred, again.Low, again.High, again.Deferred)
		}
		for position := p.Low; position < p.High; position++ {
			if p.Has(position+1) != again.Has(position+1) {
				t.Fatalf("position %d", position+1)
			}
		}
	}, empty, p.Append(nil))
}

// FuzzDeadLetter is the same for dead letters.
func FuzzDeadLetter(f *testing.F) {
	at := time.Unix(1782777353, 5).UTC()
	fuzzRecord(f, func(t *testing.T, raw []byte) {
		dl, record, damaged, note, err := splitDeadLetter(raw)
		if err != nil {
			return
		}
		whole, err := DecodeDeadLetter(raw)
		if err == nil && (whole.Handler != dl.Handler || whole.Event.Position != dl.Event.Position) {
			t.Fatalf("%+v and %+v", dl, whole)
		}
		again, record2, damaged2, note2, err := splitDeadLetter(DeadLetter{
			Handler: dl.Handler, Reason: dl.Reason, HandlerReason: dl.HandlerReason, Position: dl.Event.Position,
			Retry: dl.Retry, Record: record, Damaged: damaged, Note: note,
		}.Encode(dl.DiedAt))
		if diff := cmp.Diff(dl, again); err != nil || diff != "" || !bytes.Equal(record, record2) || damaged != damaged2 || note != note2 {
			t.Fatalf("%v, damaged %t %t, note %q %q: %s", err, damaged, damaged2, note, note2, diff)
		}
	}, DeadLetter{Handler: "h", Reason: buffer.ReasonPoison, HandlerReason: "c", Position: 3, Record: []byte("r"), Retry: buffer.Retry{Attempts: 2, FirstAt: at, LastAt: at, NotBefore: at}}.Encode(at),
		DeadLetter{Damaged: true, Note: "n"}.Encode(at))
}

// FuzzSeen: what is known of an event by its id has one form.
func FuzzSeen(f *testing.F) {
	f.Add(make([]byte, SeenSize))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ok := ParseSeen(raw)
		if !ok {
			return
		}
		back := make([]byte, SeenSize)
		s.Put(back)
		if !bytes.Equal(back, raw) {
			t.Fatalf("%x became %x", raw, back)
		}
	})
}
