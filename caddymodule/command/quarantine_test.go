package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

const (
	quarantinedOne = `"id":"019ad3f2c1b0-4f2a9c1e","source":"production","network":"203.0.113.0/24","received_at":"2026-03-01T12:00:00Z",` +
		`"code":"signature_mismatch","size_bytes":2048,"claimed_event_id":"0b5f0f0e-6a0d-4c58-9f57-3d0a2f1b7c11","claimed_mode":"LIVE"`
	quarantinedList = `{"items":[{` + quarantinedOne + `,"verifies":true,"token":2},{"id":"019ad3f2c1b1-00000000","source":"production",` +
		`"network":"198.51.100.0/24","received_at":"2026-03-01T12:00:01Z","code":"signature_mismatch","size_bytes":9,"verifies":false}]}`
)

func TestQuarantineCommands(t *testing.T) {
	var asked []string
	on := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
		answer := quarantinedList
		switch {
		case strings.HasSuffix(r.URL.Path, "/status"):
			answer = `{"quarantine":{"on":` + strconv.FormatBool(on) + `}}`
		case r.Method == http.MethodGet && r.URL.Query().Get("source") == "empty":
			answer = `{"items":[]}`
		case strings.Contains(r.URL.Path, "/quarantine/0"):
			answer = `{` + quarantinedOne + `,"verifies":true,"token":2,"content_type":"application/json","signature":"ab","body_base64":"eyJhIjogIlx1MDAxYiJ9"}`
		case strings.HasSuffix(r.URL.Path, "/release") && strings.Contains(string(body), "dry_run"):
			answer = `{"dry_run":true,"matched":4,"verified":3,"unverified":1,"no_event":1,"gone":2}`
		case strings.HasSuffix(r.URL.Path, "/release"):
			answer = `{"matched":4,"verified":3,"unverified":1,"stored":1,"unreadable":1,"duplicates":2,"differing":1}`
		case r.Method == http.MethodDelete && r.URL.Query().Has("dry_run"):
			answer = `{"dry_run":true,"matched":2}`
		case r.Method == http.MethodDelete:
			answer = `{"matched":2,"removed":2}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	for _, tt := range []struct {
		line  string
		asked string // the last
		want  []string
		not   string
	}{
		{"quarantine", "GET /smartcar/quarantine?limit=50", []string{"TOKEN", "LIVE", "0b5f0f0e", "2.0 KiB", "none", "198.51.100.0/24"}, ""},
		{"quarantine list --source production --limit 2", "GET /smartcar/quarantine?limit=2&source=production", []string{"TOKEN"}, ""},
		{"quarantine --source empty", "GET /smartcar/status", []string{"Nothing is in the quarantine."}, "off"},
		{"quarantine show 019ad3f2c1b0-4f2a9c1e", "GET /smartcar/quarantine/019ad3f2c1b0-4f2a9c1e",
			[]string{"under token 2", "203.0.113.0/24", "by production", `"a": "\u001b"`}, "\x1b"},
		{"quarantine show --raw 019ad3f2c1b0-4f2a9c1e", "GET /smartcar/quarantine/019ad3f2c1b0-4f2a9c1e", []string{`{"a": "\u001b"}`}, "token"},
		{"quarantine release --all --dry-run", `POST /smartcar/quarantine/release {"all":true,"dry_run":true}`,
			[]string{"4 refused requests: 3 verify now, 1 does not; 1 is no event; 2 are damaged or too old.", "signature explain ID"}, "Stored"},
		{"quarantine release --source production", `POST /smartcar/quarantine/release {"source":"production"}`,
			[]string{"Stored 1 event (1 unreadable, among the dead letters; 2 had been stored before; 1 of these with other contents," +
				" among the dead letters); 1 stays in the quarantine."}, ""},
		{"quarantine release a b", `POST /smartcar/quarantine/release {"ids":["a","b"]}`, []string{"Stored 1 event"}, ""},
		{"quarantine release", "", []string{"nothing is picked"}, ""},
		{"quarantine release --all a", "", []string{"give one of them"}, ""},
		{"quarantine remove --all", "DELETE /smartcar/quarantine?all=true&dry_run=true", []string{"add --yes"}, "Deleted"},
		{"quarantine remove --all --dry-run", "DELETE /smartcar/quarantine?all=true&dry_run=true", []string{"2 refused requests. Nothing was done."}, "Deleted"},
		{"quarantine remove --yes a b", "DELETE /smartcar/quarantine?id=a&id=b", []string{"Deleted 2 refused requests."}, ""},
		{"quarantine remove", "", []string{"nothing is picked"}, ""},
		{"quarantine show --raw --json a", "", []string{"give one of them"}, ""},
	} {
		t.Run(tt.line, func(t *testing.T) {
			asked = nil
			out, _, err := runIt(append(strings.Fields(tt.line), "--address", server.Listener.Addr().String())...)
			if err != nil {
				out += err.Error()
			}
			last := ""
			if len(asked) > 0 {
				last = asked[len(asked)-1]
			}
			if last != tt.asked {
				t.Errorf("asked %q, want %q", last, tt.asked)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing:\n%s", want, out)
				}
			}
			if tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%q is there:\n%s", tt.not, out)
			}
		})
	}
	on = false
	out, _, err := runIt("quarantine", "--source", "empty", "--address", server.Listener.Addr().String())
	if err != nil || !strings.Contains(out, "It is off") {
		t.Errorf("off: %v\n%s", err, out)
	}
}
