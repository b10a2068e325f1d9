package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// systemdExample is the folder whose files these tests hold.
const systemdExample = "../../examples/systemd/"

// stopsWithin is how long the engine may take to stop beyond the drain timeout.
const stopsWithin = time.Second

// systemdConfig is what the example's Caddyfile says, as Caddy reads it.
type systemdConfig struct {
	raw   []byte
	Admin struct{ Listen string }
	Apps  struct {
		HTTP struct {
			GracePeriod   time.Duration `json:"grace_period"`
			ShutdownDelay time.Duration `json:"shutdown_delay"`
		}
		Smartcar struct {
			Buffer       struct{ Path string }
			Handlers     []string
			DrainTimeout time.Duration `json:"drain_timeout"`
		}
	}
}

// needs is the longest that this Caddy takes to stop.
func (c systemdConfig) needs() time.Duration {
	http, app := c.Apps.HTTP, c.Apps.Smartcar
	return http.ShutdownDelay + http.GracePeriod + app.DrainTimeout + stopsWithin
}

// readSystemdExample sets the example's environment and reads its Caddyfile.
func readSystemdExample(t *testing.T) systemdConfig {
	t.Helper()
	environment, err := os.ReadFile(systemdExample + "smartcar.env")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(environment)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && line[0] != '#' {
			t.Setenv(name, value)
		}
	}
	text, err := os.ReadFile(systemdExample + "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	c := systemdConfig{raw: adapt(t, text)}
	if err := json.Unmarshal(c.raw, &c); err != nil {
		t.Fatal(err)
	}
	if c.Apps.Smartcar.DrainTimeout == 0 {
		c.Apps.Smartcar.DrainTimeout = defaultDrain(t)
	}
	return c
}

// defaultDrain is the app's drain timeout when nothing is said about it.
func defaultDrain(t *testing.T) time.Duration {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	a := new(app.App)
	if err := a.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	if err := a.Cleanup(); err != nil {
		t.Fatal(err)
	}
	return time.Duration(a.DrainTimeout)
}

// The unit lets this Caddy end by itself, and has it come back.
func TestSystemdUnitStops(t *testing.T) {
	u, config := readUnit(t, systemdExample+"caddy.service"), readSystemdExample(t)
	if config.Apps.HTTP.GracePeriod == 0 {
		t.Error("without a grace_period Caddy waits for its requests without an end")
	}
	if has := u.duration(t, "Service.TimeoutStopSec"); has <= config.needs() {
		t.Errorf("TimeoutStopSec is %v, and the Caddyfile's Caddy may take %v", has, config.needs())
	}
	for key, want := range map[string]string{
		// SIGTERM is Caddy's alone; its plugins are its own affair.
		"Service.KillMode": "mixed",
		// `caddy stop` is meant; all else is not.
		"Service.Restart":            "on-failure",
		"Unit.StartLimitIntervalSec": "0",
		// A plugin that the kernel kills must not take Caddy with it.
		"Service.OOMPolicy": "continue",
		"Service.Type":      "notify",
	} {
		if got := u.one(t, key); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	// An event may be away for 175 s before Smartcar drops it.
	if wait := u.duration(t, "Service.RestartSec"); wait > 10*time.Second {
		t.Errorf("RestartSec is %v", wait)
	}
}

// What is said about the stock unit, which kills after 5 s.
func TestDefaultDrainFitsTheStockUnit(t *testing.T) {
	if drain := defaultDrain(t); drain+stopsWithin > 5*time.Second {
		t.Errorf("by default it stops within %v, and the stock unit is killed after 5s", drain+stopsWithin)
	}
}

// The commands of the unit have the flags that it gives them.
func TestSystemdUnitCommands(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u := readUnit(t, systemdExample+"caddy.service")
	for _, key := range []string{"Service.ExecStart", "Service.ExecReload"} {
		words := strings.Fields(u.one(t, key))
		help, err := exec.CommandContext(t.Context(), self, words[1], "--help").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", words[1], err, help)
		}
		for i, word := range words[2:] {
			if strings.HasPrefix(word, "-") && !regexp.MustCompile(`(?m)^ .*`+word+`\b`).Match(help) {
				t.Errorf("%s: `caddy %s` has no flag %s\n%s", key, words[1], word, help)
			}
			if word == "--config" && words[i+3] != "/etc/caddy/Caddyfile" {
				t.Errorf("%s reads %s", key, words[i+3])
			}
		}
	}
	// It would put the token into the journal.
	if slices.Contains(u.words("Service.ExecStart"), "--environ") {
		t.Error("ExecStart prints the environment")
	}
	// Without it, a change in the handlers files alone would not be seen.
	if !slices.Contains(u.words("Service.ExecReload"), "--force") {
		t.Error("ExecReload does not force")
	}
}

// The example's config loads, and writes only where the unit lets it.
func TestSystemdConfig(t *testing.T) {
	config := readSystemdExample(t)
	handlers, err := filepath.Abs(systemdExample + "handlers.hcl")
	if err != nil {
		t.Fatal(err)
	}
	local := strings.Replace(string(config.raw), `"/etc/caddy/handlers.hcl"`, quote(handlers), 1)
	if err := caddy.Validate(caddyJSON(t, local)); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(handlers)
	if err != nil {
		t.Fatal(err)
	}
	written := []string{config.Apps.Smartcar.Buffer.Path, strings.TrimPrefix(config.Admin.Listen, "unix/")}
	for _, match := range regexp.MustCompile(`(?m)^ *path *= "(.*)"`).FindAllSubmatch(text, -1) {
		written = append(written, string(match[1]))
	}
	if len(written) != 3 {
		t.Fatalf("paths %v, want the buffer, the admin socket and the archive", written)
	}
	u := readUnit(t, systemdExample+"caddy.service")
	var writable []string
	for _, dir := range u.words("Service.StateDirectory") {
		writable = append(writable, "/var/lib/"+dir+"/")
	}
	for _, dir := range u.words("Service.RuntimeDirectory") {
		writable = append(writable, "/run/"+dir+"/")
	}
	for _, path := range written {
		if !slices.ContainsFunc(writable, func(dir string) bool { return strings.HasPrefix(path, dir) }) {
			t.Errorf("%s is in none of the unit's own folders %v", path, writable)
		}
	}
	for _, mode := range []string{"Service.StateDirectoryMode", "Service.RuntimeDirectoryMode"} {
		if got := u.one(t, mode); got != "0700" {
			t.Errorf("%s=%s: events hold locations", mode, got)
		}
	}
}

// The page's command checks the config with the unit's environment, of which a shell has nothing.
func TestSystemdValidate(t *testing.T) {
	page, err := os.ReadFile(systemdExample + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^sudo caddy (validate .*)$`).FindSubmatch(page)
	if line == nil {
		t.Fatal("the page shows no `sudo caddy validate`")
	}
	folder := t.TempDir()
	for _, name := range []string{"Caddyfile", "handlers.hcl", "smartcar.env"} {
		text, err := os.ReadFile(systemdExample + name)
		if err != nil {
			t.Fatal(err)
		}
		local := strings.ReplaceAll(string(text), "/etc/caddy/", folder+"/")
		if err := os.WriteFile(filepath.Join(folder, name), []byte(local), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(strings.ReplaceAll(string(line[1]), "/etc/caddy/", folder+"/"))
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Valid configuration") {
		t.Errorf("%v\n%s", err, out)
	}
	// What is wrong is found, so that the command says something.
	if err := os.Remove(filepath.Join(folder, "handlers.hcl")); err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self, args...)
	cmd.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("without handlers.hcl it is valid:\n%s", out)
	}
}

// The box leaves plugins what they need.
func TestSystemdSandbox(t *testing.T) {
	u := readUnit(t, systemdExample+"caddy.service")
	if families := u.words("Service.RestrictAddressFamilies"); !slices.Contains(families, "AF_UNIX") {
		t.Errorf("address families %v: Caddy speaks to its plugins over unix sockets", families)
	}
	for _, key := range []string{
		"Service.MemoryDenyWriteExecute", // ends what compiles at run time: Node, Java
		"Service.NoExecPaths",            // plugins are programs
		"Service.SystemCallFilter",       // what a plugin calls is not known here
		"Service.PrivateNetwork",
		"Service.MemoryMax", // of the whole group: the kernel may choose Caddy
	} {
		if u[key] != nil {
			t.Errorf("%s is set", key)
		}
	}
	// Sockets of plugins are in /tmp, and those left behind by a kill go with it.
	if u.one(t, "Service.PrivateTmp") != "yes" {
		t.Error("PrivateTmp is not set")
	}
	if limit := u.one(t, "Service.LimitNOFILE"); limit != "1048576" {
		t.Errorf("LimitNOFILE=%s", limit)
	}
}

// systemd itself finds nothing to complain about.
func TestSystemdVerify(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		proof.Missing(t, "systemd-analyze", err)
	}
	verifyUnits(t, "/usr/local/bin/caddy", systemdExample+"caddy.service", systemdExample+"caddy.socket")
}

// verifyUnits has systemd itself look at units that belong together. It also looks for their program, which is only there
// where it is installed.
func verifyUnits(t *testing.T, program string, units ...string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), program, "/bin/sh")), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
