package disk

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func someRetry() buffer.Retry {
	at := time.Date(2026, 3, 1, 12, 0, 0, 7, time.UTC)
	return buffer.Retry{Attempts: 300, NotBefore: at.Add(time.Hour), FirstAt: at, LastAt: at.Add(time.Minute), FirstError: "first", LastError: "last ✗"}
}

// retryV1 writes what format 1 did.
func retryV1(r buffer.Retry) []byte {
	b := binary.AppendUvarint([]byte{1}, uint64(r.Attempts))
	b = appendTime(b, r.NotBefore)
	b = appendTime(b, r.FirstAt)
	b = appendTime(b, r.LastAt)
	b = appendString(b, r.FirstError)
	return appendString(b, r.LastError)
}

func TestRetryRecord(t *testing.T) {
	full := someRetry()
	full.Crashes, full.Replay = 2, "replay-1"
	for _, test := range []struct {
		name string
		raw  []byte
		want buffer.Retry
	}{
		{"full", encodeRetry(full), full},
		{"empty", encodeRetry(buffer.Retry{}), buffer.Retry{}},
		{"version 1", appendChecksum(retryV1(someRetry())), someRetry()},
		{"version 1 with something behind it", appendChecksum(append(retryV1(someRetry()), 0)), buffer.Retry{}},
		{"a later version", appendChecksum([]byte{retryVersion + 1}), buffer.Retry{}},
		{"cut", encodeRetry(full)[:20], buffer.Retry{}},
		{"negative numbers", encodeRetry(buffer.Retry{Attempts: -1, Crashes: -1}), buffer.Retry{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, decodeRetry(test.raw)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// A dead letter of format 1 holds a retry state of version 1 in its middle.
func TestDeadLetterWithRetryVersion1(t *testing.T) {
	e := crashEvent("1", 10)
	d := deadLetter{handler: "h", reason: buffer.ReasonExhausted, position: 7, record: encoded(e, 7, trailer{1, 2})}
	diedAt := time.Unix(0, 5).UTC()
	now := d.encode(diedAt)
	// What is before and behind the retry state is as it was.
	tail := binary.AppendUvarint(nil, uint64(len(d.record)))
	tail = append(tail, d.record...)
	head := now[:len(now)-4-len(tail)-len(appendRetry(nil, d.retry))]
	old := appendChecksum(append(append(append([]byte{}, head...), retryV1(someRetry())...), tail...))
	got, err := decodeDeadLetter(old)
	if err != nil {
		t.Fatal(err)
	}
	e.Position = 7
	want := buffer.DeadLetter{Handler: "h", Reason: buffer.ReasonExhausted, Retry: someRetry(), DiedAt: diedAt, Event: *e}
	if d := cmp.Diff(want.Retry, got.Retry); d != "" || got.Event.ID != "1" || got.Handler != "h" || !got.DiedAt.Equal(diedAt) {
		t.Fatalf("got %+v\n%s", got, d)
	}
}

// FuzzRetry takes whatever has a right checksum; what could be read is written and read the same.
func FuzzRetry(f *testing.F) {
	full := someRetry()
	full.Crashes, full.Replay = 3, "r"
	f.Add(appendRetry(nil, full))
	f.Add(retryV1(someRetry()))
	f.Add([]byte{retryVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := decodeRetry(appendChecksum(append([]byte{}, b...)))
		if d := cmp.Diff(r, decodeRetry(encodeRetry(r))); d != "" && r != (buffer.Retry{}) {
			t.Fatal(d)
		}
	})
}
