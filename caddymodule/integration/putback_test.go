package integration

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// putBack is the script of the page that puts back what was changed on its way.
var putBack = regexp.MustCompile("(?s)### Put back what was changed\n.*?```\n(id=.*?)```\n")

// What a proxy has rewritten is refused and kept; the page's script puts it back, and the handler gets it.
func TestPutBackOfTheDocs(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"node", "bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			proof.Missing(t, program, err)
		}
	}
	page, err := os.ReadFile("../docs/signatures.md")
	if err != nil {
		t.Fatal(err)
	}
	block := putBack.FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has no script")
	}
	s, _ := newAdminSite(t)
	s.app = "quarantine"
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	s.startAdmin(t)
	sent := smartcar.Sample{EventID: uuid.NewString(), VehicleID: "car-1", DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE"}.VehicleState()
	rewritten := []byte(strings.ReplaceAll(string(sent), `":`, `": `))
	if status, err := post(s.client, s.url, rewritten, smartcar.Sign(testToken, sent)); err != nil || status != http.StatusUnauthorized {
		t.Fatalf("%d, %v, want 401", status, err)
	}
	s.awaitKept(t, 1)
	s.must(t, "as JavaScript's JSON.stringify prints it", "signature", "explain", quarantineID.FindString(s.must(t, "none", "quarantine")))

	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "caddy")); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer(
		"id=019acf5d7a10-5f2c81d0", "id="+quarantineID.FindString(s.must(t, "none", "quarantine")),
		"curl https://hooks.example.com/webhooks/smartcar", "curl -sk "+s.url,
		"quarantine remove", "quarantine remove --yes",
	).Replace(string(block[1]))
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "CADDY_ADMIN=unix/"+s.admin)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"stored"`) {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	waitFor(t, "it is delivered", 20*time.Second, func() bool { return len(s.received(t)) == 1 })
	s.must(t, "Nothing is in the quarantine", "quarantine")
}
