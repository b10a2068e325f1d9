package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// Status says when the handlers file or a token file has become another than what runs, without a word of what stands
// in it, and no more once it is loaded. All is well meanwhile.
func TestStatusTellsOfChangedFiles(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, app := newAdminSite(t)
	file := func(name string) string { return filepath.Join(s.dir, name) }
	s.write(t, "token", testToken+"\n")
	caddyfile := strings.Replace(s.caddyfile("7d"), "{env.SMARTCAR_TOKEN}", "{file."+file("token")+"}", 1)
	s.write(t, "Caddyfile", caddyfile)
	s.startAdmin(t)
	want := func(step string, want ...string) {
		t.Helper()
		// A status does not wait long for the files, and this machine may be slow.
		waitFor(t, fmt.Sprintf("%s: healthy, with the notices %q", step, want), 30*time.Second, func() bool {
			var v struct {
				Healthy bool
				Notices []struct{ What string }
			}
			s.get(t, "/smartcar/status", &v)
			var got []string
			for _, n := range v.Notices {
				got = append(got, n.What)
			}
			slices.Sort(got)
			return slices.Equal(got, want) && v.Healthy
		})
	}
	want("at the start")

	const newToken = "e2b0c442-98fc-4c14-9afb-f4c8996fb924"
	s.write(t, "token", newToken)
	s.write(t, "handlers.hcl", s.adminHandlers(app.url)+"# a remark\n")
	want("after both were changed",
		"handlers file "+file("handlers.hcl")+" has changed since it was loaded",
		"token file "+file("token")+" has changed since it was loaded")
	out := s.must(t, "Nothing needs attention", "status")
	if words := strings.Join(strings.Fields(out), " "); !strings.Contains(words, "Note token file") ||
		!strings.Contains(words, "caddy reload --force") || strings.Contains(words, newToken[:8]) {
		t.Errorf("the command prints\n%s", out)
	}

	if err := s.adminLoad(t.Context(), caddyfile); err != nil {
		t.Fatal(err)
	}
	want("after the reload")
	if err := os.Remove(file("token")); err != nil {
		t.Fatal(err)
	}
	want("without a token file", "token file "+file("token")+" is gone since it was loaded")
	if strings.Contains(s.log(), newToken) {
		t.Error("the token is in the log")
	}
}
