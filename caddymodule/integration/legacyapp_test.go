package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// legacyApp is an application that takes Smartcar's webhooks and knows nothing of Caddy, as a process of its own. It
// listens on a unix socket in its folder, verifies each signature, and works on each eventId once: what it accepted is
// on disk before it answers, and what comes again it answers with 200 and leaves alone.
type legacyApp struct {
	dir, credential string
	cmd             *exec.Cmd
}

// accepted is a line of what a legacyApp worked on.
type accepted struct {
	ID, Vehicle string
	Attempt     int // of the request that brought it
}

func newLegacyApp(t *testing.T, dir, credential string) *legacyApp {
	t.Helper()
	a := &legacyApp{dir: dir, credential: credential}
	t.Cleanup(func() { a.kill(t) })
	return a
}

func (a *legacyApp) socket() string { return filepath.Join(a.dir, "app.sock") }

// start runs the application, and waits until it listens.
func (a *legacyApp) start(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a.cmd = exec.Command(self, "app", a.dir, a.credential)
	a.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	a.cmd.Stderr = os.Stderr
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the application listens", 20*time.Second, func() bool {
		conn, err := net.Dial("unix", a.socket())
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// kill ends the application as kill -9 does.
func (a *legacyApp) kill(t *testing.T) {
	t.Helper()
	if a.cmd == nil {
		return
	}
	if err := a.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = a.cmd.Wait() // it says that it was killed
	a.cmd = nil
}

// worked is what all processes of the application have worked on, in order.
func (a *legacyApp) worked(t *testing.T) []accepted {
	t.Helper()
	lines, err := readWorked(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func (a *legacyApp) ids(t *testing.T) (ids []string) {
	t.Helper()
	for _, w := range a.worked(t) {
		ids = append(ids, w.ID)
	}
	return ids
}

func workedIn(dir string) string { return filepath.Join(dir, "worked.jsonl") }

// readWorked leaves out the line that a killed process left unfinished: it was not answered.
func readWorked(dir string) (lines []accepted, err error) {
	f, err := os.Open(workedIn(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := bufio.NewScanner(f)
	for text.Scan() {
		var line accepted
		if json.Unmarshal(bytes.TrimSpace(text.Bytes()), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines, text.Err()
}

// serveLegacyApp is the process. A request has to have the header Authorization: Bearer with the credential.
func serveLegacyApp(dir, credential string) {
	before, err := readWorked(dir)
	if err != nil {
		fatal(err)
	}
	f, err := os.OpenFile(workedIn(dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fatal(err)
	}
	socket := filepath.Join(dir, "app.sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		fatal(err)
	}
	s := &legacyServer{credential: credential, keys: smartcar.NewKeys(testToken), file: f, known: map[string]bool{}}
	for _, line := range before {
		s.known[line.ID] = true
	}
	fatal(http.Serve(l, s))
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "server behind a handler:", err)
	os.Exit(1)
}

type legacyServer struct {
	credential string
	keys       *smartcar.Keys

	mu    sync.Mutex
	file  *os.File
	known map[string]bool
}

func (s *legacyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if _, ok := s.keys.Verify(body, r.Header.Get(smartcar.SignatureHeader)); !ok {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.credential {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	e, err := smartcar.ParseEnvelope(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	attempt, _ := strconv.Atoi(r.Header.Get("X-Smartcar-Attempt"))
	if err := s.work(accepted{e.EventID, e.VehicleID, attempt}); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (s *legacyServer) work(on accepted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[on.ID] {
		return nil
	}
	line, err := json.Marshal(on)
	if err != nil {
		return err
	}
	// It begins with the end of a line: an earlier process may have been killed in the midst of one.
	if _, err := s.file.Write(append(append([]byte("\n"), line...), '\n')); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.known[on.ID] = true
	return nil
}
