package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// token stands for what must never be shown in an error.
const token = "6f1a8c5e-0d2b-4b7e-9a3f-5c1d2e3f4a5b"

// FuzzCaddyfileApp: no text makes the grammar panic; an error names the line and nothing that
// may be a token; what is accepted survives JSON.
func FuzzCaddyfileApp(f *testing.F) {
	for _, seed := range []string{
		"",
		"buffer disk",
		"buffer disk {\npath /var/lib/smartcar\nretention 7d\nmax_size 10GiB\n}\nhandlers handlers.hcl\ndrain_timeout 4s",
		"handlers a.hcl b.hcl\nhandlers conf.d",
		"handlers",
		"handlers \"\"",
		"buffer",
		"buffer tape",
		"buffer disk\nbuffer disk",
		"drain_timeout 0s",
		"drain_timeout -1s",
		"drain_timeout 11m",
		"handlers x {\n}",
		"nonsense",
		token,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, block string) {
		var app App
		ok, err := parse(t, Name, block, &app)
		if !ok {
			return
		}
		if err != nil {
			checkError(t, err)
			return
		}
		var again App
		roundTrip(t, &app, &again)
		if diff := cmp.Diff(&app, &again, cmpopts.IgnoreUnexported(App{})); diff != "" {
			t.Fatal(diff)
		}
		if err := checkDrainTimeout(app.DrainTimeout); err != nil {
			t.Fatalf("accepted, but refused at load: %v", err)
		}
	})
}

// parse runs one directive with the block given, as a Caddyfile would hold it. It
// returns false when the text is no Caddyfile at all.
func parse(t *testing.T, head, block string, into caddyfile.Unmarshaler) (ok bool, err error) {
	t.Helper()
	input := head + " {\n" + block + "\n}\n"
	tokens, err := caddyfile.Tokenize([]byte(input), "Caddyfile")
	if err != nil {
		return false, nil //nolint:nilerr // that is what false says
	}
	return true, into.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens))
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if !strings.Contains(err.Error(), "Caddyfile:") {
		t.Fatalf("error without a line: %v", err)
	}
	if strings.Contains(err.Error(), token) {
		t.Fatalf("error shows the token: %v", err)
	}
}

func roundTrip(t *testing.T, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}
