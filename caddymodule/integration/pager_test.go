package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// pager is a server behind the plugin notify, a process of its own. It writes each message down before it answers, and
// can be killed and started again at its address.
type pager struct {
	addr, file string
	cmd        *exec.Cmd // nil while it is down
}

// paged is a line of what a pager has got.
type paged struct{ ID, Vehicle string }

func startPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), file: filepath.Join(t.TempDir(), "paged.jsonl")}
	t.Cleanup(func() { p.kill(t) })
	p.start(t)
	return p
}

// start runs the server, and waits until it listens.
func (p *pager) start(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(self, "pager", p.addr, p.file)
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the pager listens", 20*time.Second, func() bool {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// kill ends the server as kill -9 does, whatever its connections are at.
func (p *pager) kill(t *testing.T) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.cmd.Wait() // it says that it was killed
	p.cmd = nil
}

// counts returns how many vehicles it was told of, and how many messages came more than once, each repetition counted.
// The line that a killed process left unfinished does not count: it was not answered.
func (p *pager) counts(t *testing.T) (vehicles, repeated int) {
	t.Helper()
	text, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	messages, told := map[string]bool{}, map[string]bool{}
	for line := range bytes.Lines(text) {
		var m paged
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		if messages[m.ID] {
			repeated++
		}
		messages[m.ID], told[m.Vehicle] = true, true
	}
	return len(told), repeated
}

// servePager is the process.
func servePager(addr, file string) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fatal(err)
	}
	fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m paged
		if r.URL.Path != "/"+pagerSecret || r.Header.Get("Authorization") != "Bearer "+pagerSecret ||
			json.NewDecoder(r.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		line, err := json.Marshal(m)
		if err != nil {
			fatal(err)
		}
		// One write, which no other tears. It begins with the end of a line: an earlier process may have been killed in
		// the midst of one.
		if _, err := f.Write(append(append([]byte("\n"), line...), '\n')); err != nil {
			fatal(err)
		}
	})))
}
