package pluginhost

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// FuzzHandshake cuts a plugin's output anywhere: the first line and the rest are what was
// written, and the line is bounded.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("1|1|unix|/tmp/s|grpc|abc\nhello\n"), uint16(5))
	f.Add([]byte("\n\n"), uint16(1))
	f.Add([]byte(strings.Repeat("x", maxHandshake+10)), uint16(maxHandshake-1))
	f.Fuzz(func(t *testing.T, output []byte, cut uint16) {
		h, rest := newHandshake(), new(bytes.Buffer)
		h.rest = rest
		at := min(int(cut), len(output))
		for _, part := range [][]byte{output[:at], output[at:]} {
			if n, err := h.Write(part); n != len(part) || err != nil {
				t.Fatalf("took %d of %d bytes: %v", n, len(part), err)
			}
		}
		h.end()
		line, err := io.ReadAll(h)
		if err != nil || !bytes.Equal(append(line, rest.Bytes()...), output) {
			t.Fatalf("%q became %q and %q: %v", output, line, rest, err)
		}
		if len(line) > maxHandshake || bytes.IndexByte(bytes.TrimSuffix(line, []byte("\n")), '\n') >= 0 {
			t.Fatalf("a first line of %d bytes: %.100q", len(line), line)
		}
		if rest.Len() > 0 && len(line) < maxHandshake && !bytes.HasSuffix(line, []byte("\n")) {
			t.Fatalf("the line %q goes on", line)
		}
	})
}

// FuzzText: a plugin's text is bounded, printable and valid, and not cleaned twice.
func FuzzText(f *testing.F) {
	f.Add("an error\n\tof some kind", 20)
	f.Add("\x1b[31m\u202e\xff"+strings.Repeat("é", 600), 33)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 8 + (size&0x7fffffff)%2048
		got := capTo(text, size)
		if len(got) > size || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\r\u202e") {
			t.Fatalf("%q became %q", text, got)
		}
		if again := capTo(got, size); again != got {
			t.Fatalf("%q became %q", got, again)
		}
	})
}

// FuzzResults takes any bytes for a plugin's answer: each event gets one result of a known status,
// and only what the plugin calls done is done. The count before there is memory for them is the
// number of results.
func FuzzResults(f *testing.F) {
	for _, r := range []*handlerv1.HandleResponse{
		{},
		{Results: []*handlerv1.Result{{Status: handlerv1.Result_STATUS_DONE}, {Status: handlerv1.Result_STATUS_REJECT, Reason: "r"}}},
		{Results: []*handlerv1.Result{{Status: 99, Error: "\x1b"}, {Status: handlerv1.Result_STATUS_RETRY, Error: strings.Repeat("e", 2000)}}},
	} {
		raw, err := proto.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, uint8(2))
	}
	f.Fuzz(func(t *testing.T, raw []byte, events uint8) {
		var resp handlerv1.HandleResponse
		if proto.Unmarshal(raw, &resp) != nil {
			return
		}
		if counted, err := countResults(raw); err != nil || counted != len(resp.GetResults()) {
			t.Fatalf("counted %d results, %v, and there are %d", counted, err, len(resp.GetResults()))
		}
		n := 1 + int(events)
		results := toResults(resp.GetResults(), n)
		if len(results) != n {
			t.Fatalf("%d results for %d events", len(results), n)
		}
		for i, r := range results {
			done := len(resp.GetResults()) == n && resp.GetResults()[i].GetStatus() == handlerv1.Result_STATUS_DONE
			if (r.Status == dispatch.Done) != done {
				t.Fatalf("result %d: %+v of %v", i, r, resp.GetResults())
			}
			if r.After < 0 || len(r.Error) > maxText || len(r.Reason) > maxReason || !utf8.ValidString(r.Error+r.Reason) {
				t.Fatalf("result %d: %+v", i, r)
			}
		}
	})
}
