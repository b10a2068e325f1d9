package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// command is a `caddy smartcar …` in a process of its own, with a temporary folder
// of its own.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Plugins listen on unix sockets below it, which want short paths.
	tmp, err = os.MkdirTemp("", "sc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	cmd = exec.Command(self, append([]string{"smartcar"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "SMARTCAR_TOKEN="+testToken)
	return cmd, tmp
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	cmd, tmp := command(t, "demo")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.Count(string(out), "\nok "); got != 7 {
		t.Errorf("%d lines say ok, want 7\n%s", got, out)
	}
	if strings.Contains(string(out), "FAIL") || !strings.Contains(string(out), "All 7 came out as they must") {
		t.Errorf("no summary of success:\n%s", out)
	}
	mustBeEmpty(t, tmp)
}

// Ctrl-C while the demo is kept running ends it, its handler and its folder.
func TestDemoKeptAndInterrupted(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	cmd, tmp := command(t, "demo", "--keep")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(stdout)
	sendLine := regexp.MustCompile(`smartcar (send https://.*)$`)
	var send []string
	for send == nil && lines.Scan() {
		if m := sendLine.FindStringSubmatch(lines.Text()); m != nil {
			send = strings.Fields(m[1])
		}
	}
	if send == nil {
		t.Fatalf("the demo does not say how to send\n%s", stderr.String())
	}
	// What it prints must work as it is printed.
	again, _ := command(t, send...)
	if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "200 stored") {
		t.Errorf("the printed command: %v\n%s", err, out)
	}

	children := p.children(t)
	if len(children) == 0 {
		t.Error("the handler has no process of its own")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it ends
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, stderr.String())
	}
	for _, pid := range children {
		waitFor(t, "the handler's process ends", 30*time.Second, func() bool { return !alive(pid) })
	}
	mustBeEmpty(t, tmp)
}

// Ctrl-C at any earlier time leaves nothing either.
func TestDemoInterruptedAtItsStart(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"Starting", "Receiving", "ok    VEHICLE_STATE"} {
		t.Run(after, func(t *testing.T) {
			cmd, tmp := command(t, "demo")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), after) {
					_ = cmd.Process.Signal(syscall.SIGINT)
				}
			}
			_ = cmd.Wait() // it may have been through already
			mustBeEmpty(t, tmp)
		})
	}
}

func TestSend(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s := newSite(t)
	s.start(t)
	s.write(t, "own.json", `{"eventId":"own-1","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v"}}}`)
	ca := filepath.Join(s.dir, "cert.pem")
	tests := []struct {
		name string
		args []string
		want string // in the output
		fail bool
	}{
		{"events and duplicates", []string{"--count", "20", "--vehicles", "3", "--duplicates", "10%"}, "200 duplicate", false},
		{"errors", []string{"--type", "error"}, "200 stored", false},
		{"the end of one vehicle's error", []string{"--type", "resolved", "--vehicle", "van-7"}, "200 stored", false},
		{"a vehicle and a number", []string{"--vehicle", "van-7", "--vehicles", "2"}, "not both", true},
		{"verify", []string{"--type", "verify"}, "accepted", false},
		{"verify of version 2", []string{"--type", "verify-v2"}, "accepted", false},
		{"forged", []string{"--count", "4", "--forge", "50%"}, "401 signature_mismatch", false},
		{"signing oracle", []string{"--type", "verify", "--forge", "1"}, "400 challenge_refused", false},
		{"own file", []string{"--file", filepath.Join(s.dir, "own.json"), "-v"}, "own-1", false},
		{"wrong type", []string{"--type", "nonsense"}, "use state, error, resolved, verify", true},
		{"empty token", []string{"--token-env", "SMARTCAR_NO_SUCH_TOKEN"}, "SMARTCAR_NO_SUCH_TOKEN is empty", true},
		{"wrong share", []string{"--duplicates", "ten"}, "--duplicates", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd, _ := command(t, append([]string{"send", s.url, "--ca", ca}, tt.args...)...)
			out, err := cmd.CombinedOutput()
			if (err != nil) != tt.fail || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v; want %q in\n%s", err, tt.want, out)
			}
			if strings.Contains(string(out), testToken) {
				t.Error("the output holds the token")
			}
		})
	}
}

// The sidecar example as it stands, but for its ports: a real application behind
// Caddy gets the webhooks as Smartcar sent them.
func TestSidecarExample(t *testing.T) {
	example := filepath.Join("..", "..", "examples", "sidecar")
	dir, err := os.MkdirTemp("", "sc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	caddyPort, appPort := freePort(t), freePort(t)
	for _, name := range []string{"Caddyfile", "handlers.hcl"} {
		data, err := os.ReadFile(filepath.Join(example, name))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(":8080", fmt.Sprint(":", caddyPort), ":3000", fmt.Sprint(":", appPort)).Replace(string(data))
		if text == string(data) {
			t.Fatalf("%s names no port", name)
		}
		if name == "Caddyfile" {
			text = strings.Replace(text, "{\n", "{\n\tadmin off\n\tpersist_config off\n", 1)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	app := filepath.Join(dir, "app")
	if out, err := exec.Command("go", "build", "-o", app, "./"+filepath.ToSlash(example)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "SMARTCAR_TOKEN="+testToken, "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	legacy := exec.Command(app, "-listen", fmt.Sprintf("127.0.0.1:%d", appPort))
	legacy.Env = env
	printed, err := legacy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := legacy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = legacy.Process.Kill(); _ = legacy.Wait() })

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	caddy := exec.Command(self, "run", "--config", "Caddyfile")
	caddy.Dir, caddy.Env = dir, env
	var log bytes.Buffer
	caddy.Stderr = &log
	if err := caddy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = caddy.Process.Signal(os.Interrupt)
		_ = caddy.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})

	url := fmt.Sprintf("http://localhost:%d/webhooks/smartcar", caddyPort)
	waitFor(t, "the example's Caddy takes events", 30*time.Second, func() bool {
		cmd, _ := command(t, "send", url)
		return cmd.Run() == nil
	})
	cmd, _ := command(t, "send", url, "--count", "5", "--vehicles", "2", "--duplicates", "0.2")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	received := 0
	lines := bufio.NewScanner(printed)
	for received < 6 && lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "event ") {
			t.Errorf("the application printed %q", lines.Text())
		}
		received++
	}
	if received != 6 {
		t.Errorf("the application received %d events, want 6", received)
	}
}
