package pluginhost

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// An answer of empty results, each of which takes fifty times more memory than on the wire, costs the
// host no more than its bytes, and is the plugin's fault.
func TestTooManyResultsTakeNoMemory(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events int
		bytes  int
		text   string
	}{
		{"more bytes than any answer", 1, handlerv1.MaxMessageBytes - 64<<10, "an answer may have 65536 bytes for each event of the call"},
		{"no more bytes than the answer may have", 50, 50*maxResultBytes - 1<<10,
			fmt.Sprintf("the plugin gave %d results for 50 events", (50*maxResultBytes-1<<10)/2+50)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlugin(t, fakeSpec(t, nil))
			mustStart(t, p)
			handleOne(t, p, "warm up")
			batch := deliveries(slices.Repeat([]string{"x"}, tt.events)...)
			batch[0].Event.Body = fmt.Append(nil, "empties ", tt.bytes)

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			results, err := p.Handle(testContext(t), batch)
			runtime.ReadMemStats(&after)
			if err != nil || len(results) != tt.events {
				t.Fatalf("%d results, %v", len(results), err)
			}
			for i, r := range results {
				if r.Status != dispatch.Retry || !strings.Contains(r.Error, tt.text) {
					t.Fatalf("result %d: %+v, want a retry that says %q", i, r, tt.text)
				}
			}
			// The decoded results would take 160 MB and 900 MB.
			if took := after.TotalAlloc - before.TotalAlloc; took > 48<<20 {
				t.Errorf("the answer took %d MiB of memory", took>>20)
			}
			if got := handleOne(t, p, "x"); got.Status != dispatch.Done {
				t.Errorf("the next event: %+v", got)
			}
		})
	}
}

func TestCountResults(t *testing.T) {
	result := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{8, 1})
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.VarintType), 300)
	otherKind := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	tests := map[string]struct {
		answer []byte
		want   int
		fails  bool
	}{
		"nothing":            {nil, 0, false},
		"three":              {slices.Repeat(result, 3), 3, false},
		"other fields":       {slices.Concat(unknown, result, otherKind, result), 2, false},
		"cut off in a value": {result[:len(result)-1], 0, true},
		"cut off in a tag":   {append(slices.Clone(result), 0x80), 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := countResults(tt.answer)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
}

// What an honest plugin says fits: a long error for every event of a large batch.
func TestLongErrorsFit(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	results, err := p.Handle(testContext(t), deliveries(slices.Repeat([]string{"essay"}, 100)...))
	if err != nil || len(results) != 100 || !strings.HasPrefix(results[99].Error, "é") {
		t.Fatalf("%d results, %v", len(results), err)
	}
}
