package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The upgrade page's check takes the example's files. In place of systemd --envfile gives it the variables, of which one
// is a list that a shell would take for a command.
func TestSystemdUpgradeValidate(t *testing.T) {
	page, err := os.ReadFile("../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ +/usr/local/bin/caddy-new smartcar validate (.*)$`).FindSubmatch(page)
	if line == nil {
		t.Fatal("the page shows no `caddy-new smartcar validate`")
	}
	folder := t.TempDir()
	for _, name := range []string{"Caddyfile", "handlers.hcl", "smartcar.env"} {
		text, err := os.ReadFile(systemdExample + name)
		if err != nil {
			t.Fatal(err)
		}
		local := strings.NewReplacer("/etc/caddy/", folder+"/", "/var/lib/smartcar", folder,
			"SMARTCAR_DOMAIN=hooks.example.com", "SMARTCAR_DOMAIN=a.example, b.example").Replace(string(text))
		if err := os.WriteFile(filepath.Join(folder, name), []byte(local), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := strings.Fields(strings.ReplaceAll(string(line[1]), "/etc/caddy/", folder+"/"))
	environment := filepath.Join(folder, "smartcar.env")
	if out, code := runValidate(t, folder, append(args, "--envfile", environment)...); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := runValidate(t, folder, args...); code == 0 {
		t.Errorf("without the variables a reload would take it:\n%s", out)
	}
	if out, code := runValidate(t, folder, append(args, "--envfile", environment+".none")...); code == 0 ||
		!strings.Contains(out, environment+".none: no such file") {
		t.Errorf("exit code %d for an environment file that is not there:\n%s", code, out)
	}
}
