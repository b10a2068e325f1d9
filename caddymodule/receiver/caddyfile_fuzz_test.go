package receiver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

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

// FuzzCaddyfileReceiver: no text makes the grammar panic; an error names the line and
// no token; what is accepted survives JSON and is complete but for its placeholders.
func FuzzCaddyfileReceiver(f *testing.F) {
	for _, seed := range []string{
		"token " + tokenA,
		"token {env.SMARTCAR_TOKEN}\ntoken {file./run/secrets/smartcar}",
		"source production\ntoken {env.X}\nmax_size 64KiB\nread_timeout 2s\nstore_timeout 3s",
		"token {env.X}\nverify_rate 0.5 3\nverify_challenge 16 36",
		"token {env.X}\nverify_challenge 9 8",
		"token short",
		"token a b",
		"token {env.X} {\n}",
		"source a\nsource b",
		"max_size -1",
		"max_size 99999999999EiB",
		"store_timeout 1d",
		"verify_rate NaN",
		"verify_rate 1e309",
		tokenA,
		"token {http.request.header.X}",
		"token {env.X",
		"token {" + tokenA + "}",
		"token {file." + tokenA + "}",
		"token {http.request.uri.path.file." + tokenA + "}",
		"token {env.X}\nread_timeout 10s",
		"token {env.X}\nstore_timeout 7s",
		"token \"\"",
		"# only a comment",
		"token `" + tokenA + "`\n}\nsmartcar_webhook {",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, block string) {
		var rc Receiver
		ok, err := parse(t, directiveName, block, &rc)
		if !ok {
			return
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if len(rc.Tokens) == 0 {
			t.Fatal("accepted without a token")
		}
		var again Receiver
		roundTrip(t, &rc, &again)
		if diff := cmp.Diff(&rc, &again, cmpopts.IgnoreUnexported(Receiver{})); diff != "" {
			t.Fatal(diff)
		}
		again.setDefaults()
		if err := again.check(); err != nil {
			t.Fatalf("accepted, but refused at load: %v", err)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if !strings.Contains(err.Error(), "Caddyfile:") {
		t.Fatalf("error without a line: %v", err)
	}
	if strings.Contains(err.Error(), tokenA) {
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
