package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

const testToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"

// site is what a Caddy process of a test is made of; it outlives the process.
type site struct {
	dir    string
	url    string
	port   int
	admin  string // path of the admin API's unix socket
	events string // what the handler received
	cert   devcert.Files
	client *http.Client

	// What the Caddyfile says; the zero values are those of newSite.
	grace  string // grace_period
	buffer string // path of the buffer's folder
	limits string // more lines of the buffer's block
	app    string // more lines of the app's block
	stages string // what stands behind log_stages
	sites  string // what stands behind the receiver's site

	inherited []*os.File // what the process gets as descriptors 3 and up
	env       []string   // more of its environment
	program   string     // the Caddy; empty: the test's own program
	arguments []string   // of the program; none: those that run the Caddyfile
}

// newSite writes a Caddyfile, a handlers file with one jsonl handler, and a
// certificate into a folder of its own.
func newSite(t *testing.T) *site {
	t.Helper()
	// Unix sockets want short paths, which t.TempDir does not promise.
	dir, err := os.MkdirTemp("", "sc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		keepsPersonalData(t, dir)
		os.RemoveAll(dir)
	})
	cert, err := devcert.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		dir: dir, port: freePort(t), cert: cert,
		admin:  filepath.Join(dir, "admin.sock"),
		events: filepath.Join(dir, "events.jsonl"),
		grace:  "2s",
		stages: "all",
		buffer: filepath.Join(dir, "buffer"),
	}
	s.url = fmt.Sprintf("https://localhost:%d/", s.port)
	transport := &http.Transport{
		TLSClientConfig:     cert.Client(),
		ForceAttemptHTTP2:   false,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport, Timeout: 15 * time.Second}

	s.write(t, "handlers.hcl", jsonlHandler("archive", s.events, ""))
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	return s
}

// jsonlHandler is a block of a handlers file; more are attributes. Its file is never set
// aside, for the tests read one file, and a fast machine fills the default size.
func jsonlHandler(name, path, more string) string {
	return fmt.Sprintf("handler %q {\n  plugin = \"jsonl\"\n  %s\n  config {\n    path     = %q\n    max_size = \"0\"\n  }\n}\n", name, more, path)
}

func (s *site) caddyfile(retention string) string {
	return fmt.Sprintf(`{
	admin unix/%[1]s/admin.sock
	persist_config off
	auto_https disable_redirects
	storage file_system %[1]s/caddy
	grace_period %[4]s
	log {
		output file %[1]s/caddy.log {
			roll_disabled
		}
		level %[10]s
	}
	smartcar {
		buffer disk {
			path %[5]s
			retention %[3]s
			%[6]s
		}
		handlers %[1]s/handlers.hcl
		log_stages %[9]s
		%[8]s
	}
}
https://localhost:%[2]d {
	tls %[1]s/cert.pem %[1]s/key.pem
	smartcar_webhook {
		token {env.SMARTCAR_TOKEN}
	}
}
%[7]s
`, s.dir, s.port, retention, s.grace, s.buffer, s.limits, s.sites, s.app, s.stages, siteLogLevel)
}

func (s *site) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// log is the end of what the site's Caddys logged, for a failing test.
func (s *site) log() string {
	data := s.wholeLog()
	if len(data) > 8192 {
		data = data[len(data)-8192:]
	}
	return data
}

// wholeLog is all that the site's Caddys logged.
func (s *site) wholeLog() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "caddy.log"))
	return string(data)
}

// process is one running Caddy.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// spawn runs Caddy on the site, with more in its environment, and waits for nothing.
func (s *site) spawn(t *testing.T, env ...string) *process {
	t.Helper()
	program := s.program
	if program == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		program = self
	}
	arguments := s.arguments
	if arguments == nil {
		arguments = []string{"run", "--config", filepath.Join(s.dir, "Caddyfile")}
	}
	p := &process{cmd: exec.Command(program, arguments...), exited: make(chan struct{})}
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	p.cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+testToken, "HOME="+s.dir, "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "TMPDIR="+tmp,
		"GORACE=atexit_sleep_ms=0") // a Caddy built for the race detector would wait a second at its end
	p.cmd.Env = slices.Concat(p.cmd.Env, s.env, env)
	p.cmd.ExtraFiles = s.inherited
	stderr, err := os.OpenFile(filepath.Join(s.dir, "caddy.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	p.cmd.Stderr = stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// start runs Caddy on the site and waits until it accepts TLS connections. Where another program has taken the site's
// port meanwhile, it moves to another one.
func (s *site) start(t *testing.T) *process {
	t.Helper()
	const moves = 3
	for range moves {
		logged := len(s.wholeLog())
		p := s.spawn(t)
		if p.acceptsTLS(t, s) {
			return p
		}
		if log := s.wholeLog(); !strings.Contains(log[min(logged, len(log)):], "address already in use") {
			t.Fatalf("Caddy ended at its start: %v\n%s", p.err, s.log())
		}
		s.move(t)
	}
	t.Fatalf("%d ports in a row were taken by others\n%s", moves, s.log())
	return nil
}

// move gives the site another port.
func (s *site) move(t *testing.T) {
	t.Helper()
	before := fmt.Sprintf(":%d", s.port)
	s.port = freePort(t)
	now := fmt.Sprintf(":%d", s.port)
	s.url = strings.Replace(s.url, before, now, 1)
	text, err := os.ReadFile(filepath.Join(s.dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "Caddyfile", strings.ReplaceAll(string(text), before, now))
}

// awaitTLS waits until Caddy accepts TLS connections.
func (p *process) awaitTLS(t *testing.T, s *site) {
	t.Helper()
	if !p.acceptsTLS(t, s) {
		t.Fatalf("Caddy ended at its start: %v\n%s", p.err, s.log())
	}
}

// acceptsTLS is false when Caddy has ended before it accepted TLS connections.
func (p *process) acceptsTLS(t *testing.T, s *site) (yes bool) {
	t.Helper()
	yes = true
	waitFor(t, "Caddy accepts connections", 30*time.Second, func() bool {
		select {
		case <-p.exited:
			yes = false
			return true
		default:
		}
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", fmt.Sprintf("localhost:%d", s.port), s.cert.Client())
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return yes
}

// kill ends the process as a power cut of the process table would.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-p.exited
}

// terminate asks the process to end, as a service manager does.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	p.terminateWithin(t, 20*time.Second)
}

func (p *process) terminateWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(limit):
		t.Fatalf("Caddy has not ended %v after SIGTERM", limit)
	}
}

// children are the ids of the plugin processes whose parent is p. Go forks for a
// moment to see what the kernel can do, so not every child is a plugin.
func (p *process) children(t *testing.T) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, ok := procStat(pid)
		if !ok || stat.parent != p.cmd.Process.Pid {
			continue
		}
		if cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && bytes.Contains(cmdline, []byte("\x00plugin\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

type procState struct {
	state  string
	parent int
}

func procStat(pid int) (procState, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procState{}, false
	}
	// The second field is the command in parentheses, which may hold blanks.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	parent, err := strconv.Atoi(fields[1])
	return procState{state: fields[0], parent: parent}, err == nil
}

func alive(pid int) bool {
	stat, ok := procStat(pid)
	return ok && stat.state != "Z"
}

// adminClient speaks to the running Caddy's admin API.
func (s *site) adminClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", s.admin)
		},
	}}
}

// adminLoad posts a Caddyfile to the running Caddy, as `caddy reload` does.
func (s *site) adminLoad(ctx context.Context, caddyfile string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/load", strings.NewReader(caddyfile))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	resp, err := s.adminClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var answer struct{ Error string }
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return fmt.Errorf("load answered %d: %s", resp.StatusCode, answer.Error)
	}
	return nil
}

// received returns the event ids that the handler wrote, in order, and fails the
// test on a line that is not whole JSON, other than a last line being written.
func (s *site) received(t *testing.T) []string {
	t.Helper()
	return receivedIn(t, s.events)
}

// receivedIn does the same with another handler's file.
func receivedIn(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var ids []string
	reader := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return ids
		}
		var event struct {
			EventID string `json:"event_id"`
		}
		if json.Unmarshal(line, &event) != nil || event.EventID == "" {
			continue // the torn line of a handler that was killed while it wrote
		}
		ids = append(ids, event.EventID)
	}
}

func waitFor(t *testing.T, what string, timeout time.Duration, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", timeout, what)
		}
		<-ticker.C
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// signalTo sends a signal to a process that the test did not start itself.
func signalTo(pid int, sig os.Signal) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Signal(sig)
}
