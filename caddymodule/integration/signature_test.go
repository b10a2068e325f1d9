package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// What the receiver refuses is explained: by the running Caddy with its own token, and by the command with an earlier one.
func TestSignatureExplained(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.startAdmin(t)
	const earlier = "0d0d0d0d-1111-4222-8333-444455556666"
	sent := smartcar.Sample{EventID: uuid.NewString(), VehicleID: "car-1", DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE"}.VehicleState()
	rewritten := []byte(strings.ReplaceAll(string(sent), `":`, `": `))
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	refuse := func(body []byte, signature string) {
		t.Helper()
		if status, err := post(s.client, s.url, body, signature); err != nil || status != http.StatusUnauthorized {
			t.Fatalf("%d, %v, want 401", status, err)
		}
	}
	explain := []string{"signature", "explain", "--source", "default", "--body"}

	right := smartcar.Sign(testToken, sent)
	refuse(rewritten, right)
	out := s.must(t, "matches token 1 of default over the body as JavaScript's JSON.stringify prints it.",
		append(explain, file("rewritten", rewritten), "--signature", right)...)
	out += s.must(t, "The signature is right", append(explain, file("sent", sent), "--signature", right)...)

	old := smartcar.Sign(earlier, sent)
	refuse(sent, old)
	s.refused(t, "it is the token that differs", append(explain, file("sent", sent), "--signature", old)...)
	out += s.must(t, "No receiver of the running Caddy matches",
		append(explain, file("sent", sent), "--signature", old, "--token-file", file("earlier.txt", []byte(earlier+"\n")))...)
	s.refused(t, `no source "x"`, "signature", "explain", "--source", "x", "--body", file("sent", sent), "--signature", right)

	for _, secret := range []string{testToken, earlier, right, "car-1"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is in\n%s", secret, out)
		}
	}
	if strings.Contains(s.log(), earlier) || strings.Contains(s.log(), testToken) {
		t.Error("a token is in Caddy's log")
	}
}
