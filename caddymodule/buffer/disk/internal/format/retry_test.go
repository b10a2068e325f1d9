package format

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func someRetry() buffer.Retry {
	at := time.Date(2026, 3, 1, 12, 0, 0, 7, time.UTC)
	return buffer.Retry{Attempts: 300, NotBefore: at.Add(time.Hour), FirstAt: at, LastAt: at.Add(time.Minute), FirstError: "first", LastError: "last ✗",
		Failing: 50 * time.Second}
}

func TestRetryRecord(t *testing.T) {
	full := someRetry()
	full.Crashes, full.Replay = 2, "replay-1"
	before := appendRetry(nil, buffer.Retry{Attempts: 2, FirstError: "x", Replay: "r"})
	before = before[:len(before)-1]
	before[0] = retryVersionWithoutFailing
	for _, test := range []struct {
		name string
		raw  []byte
		want buffer.Retry
	}{
		{"full", EncodeRetry(full), full},
		{"empty", EncodeRetry(buffer.Retry{}), buffer.Retry{}},
		{"of the version before", AppendChecksum(before), buffer.Retry{Attempts: 2, FirstError: "x", Replay: "r"}},
		{"a later version", AppendChecksum([]byte{retryVersion + 1}), buffer.Retry{}},
		{"something behind it", AppendChecksum(append(appendRetry(nil, full), 0)), buffer.Retry{}},
		{"cut", EncodeRetry(full)[:20], buffer.Retry{}},
		{"negative numbers", EncodeRetry(buffer.Retry{Attempts: -1, Crashes: -1}), buffer.Retry{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, DecodeRetry(test.raw)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// FuzzRetry takes whatever has a right checksum; what could be read is written and read the same.
func FuzzRetry(f *testing.F) {
	full := someRetry()
	full.Crashes, full.Replay = 3, "r"
	f.Add(appendRetry(nil, full))
	f.Add([]byte{retryVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := DecodeRetry(AppendChecksum(append([]byte{}, b...)))
		if d := cmp.Diff(r, DecodeRetry(EncodeRetry(r))); d != "" && r != (buffer.Retry{}) {
			t.Fatal(d)
		}
	})
}
