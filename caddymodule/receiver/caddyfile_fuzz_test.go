package receiver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive/directivetest"
)

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
		ok, err := directivetest.Parse(t, directiveName, block, &rc)
		if !ok {
			return
		}
		if err != nil {
			directivetest.CheckError(t, err, tokenA)
			return
		}
		if len(rc.Tokens) == 0 {
			t.Fatal("accepted without a token")
		}
		var again Receiver
		directivetest.RoundTrip(t, &rc, &again)
		if diff := cmp.Diff(&rc, &again, cmpopts.IgnoreUnexported(Receiver{}, Gate{})); diff != "" {
			t.Fatal(diff)
		}
		again.setDefaults()
		if err := again.check(); err != nil {
			t.Fatalf("accepted, but refused at load: %v", err)
		}
	})
}
