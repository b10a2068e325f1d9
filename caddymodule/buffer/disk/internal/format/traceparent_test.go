package format

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// untraced is what was written of an event before there were trace parents.
const untraced = "01fea8a19a0d020700000000000000017302653104545950450001760000000230660000027b7d"

func TestTraceParentCostsOnlyTracedEvents(t *testing.T) {
	e := buffer.Event{
		Source: "s", ID: "e1", Type: "TYPE", VehicleID: "v", Signature: "0f", Digest: 7,
		ReceivedAt: time.Unix(1772366399, 2).UTC(), Body: []byte("{}"),
	}
	plain := AppendEvent(nil, &e)
	if got := hex.EncodeToString(plain); got != untraced {
		t.Errorf("an event without a trace is written as\n%s, want\n%s", got, untraced)
	}
	e.TraceParent = buffer.TraceParent{TraceID: [16]byte{1, 15: 2}, SpanID: [8]byte{3, 7: 4}, Flags: 1}
	traced := AppendEvent(nil, &e)
	if n := len(traced) - len(plain); n != traceParentSize {
		t.Errorf("a trace takes %d bytes, want %d", n, traceParentSize)
	}
	got, _, err := DecodeEvent(encoded(&e, 7, Trailer{1, 2}), 7)
	e.Position = 7
	if diff := cmp.Diff(e, got); err != nil || diff != "" {
		t.Errorf("%v, event (-want +got):\n%s", err, diff)
	}
}

// A record that ends within its trace parent is damaged, not one without.
func TestTraceParentCut(t *testing.T) {
	e := buffer.Event{TraceParent: buffer.TraceParent{Flags: 1}, Body: []byte{}}
	whole := AppendEvent(nil, &e)
	for n := 1; n < len(whole); n++ {
		cut := bytes.Clone(whole[:n])
		sum := Checksum(cut)
		cut = append(cut, make([]byte, EventTrailerSize)...)
		FinishEvent(cut, sum, 1, Trailer{1, 2})
		if _, _, err := DecodeEvent(cut, 1); err == nil {
			t.Errorf("%d of %d bytes can be read", n, len(whole))
		}
	}
}
