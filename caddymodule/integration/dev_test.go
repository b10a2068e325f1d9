package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// devApp is an application that verifies each signature. It answers the first request with 500 and refuses the first
// VEHICLE_ERROR for good.
type devApp struct {
	keys *smartcar.Keys

	mu               sync.Mutex
	requests, forged int
	refused          *smartcar.Event
	taken            []*smartcar.Event
}

func (a *devApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	e, parseErr := smartcar.ParseEvent(body)
	_, signed := a.keys.Verify(body, r.Header.Get(smartcar.SignatureHeader))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	switch {
	case err != nil || parseErr != nil || !signed:
		a.forged++
		w.WriteHeader(http.StatusUnauthorized)
	case a.requests == 1:
		w.WriteHeader(http.StatusInternalServerError)
	case e.EventType == smartcar.TypeVehicleError && a.refused == nil:
		a.refused = e
		w.WriteHeader(http.StatusBadRequest)
	default:
		a.taken = append(a.taken, e)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *devApp) has(n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.taken) >= n
}

const devSeed = "7"

// An application gets every event of the fleet with a signature that it can verify, and all errors end; what it answered
// is shown, and nothing is left behind.
func TestDevForwards(t *testing.T) {
	app := &devApp{keys: smartcar.NewKeys(testToken)}
	server := httptest.NewServer(app)
	defer server.Close()
	cmd, tmp := command(t, "dev", "--forward-to", server.URL+"/webhooks/smartcar?key=geheim", "--token-file", "token",
		"--vehicles", "3", "--rate", "50", "--count", "60", "--seed", devSeed, "--clock-factor", "100")
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "token"), []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mustBeEmpty(t, tmp)
	for _, want := range []string{
		"Forwarding to  " + server.URL + "/webhooks/smartcar\n", "--seed " + devSeed, "first delivery: stored",
		"(again): duplicate", "(late, attempt 2): stored", "(out of order): stored", " resolved: stored",
		"answered 500; attempt 1, it is tried again", "a dead letter: ", " done in ", ", 1 dead letter.\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	for _, not := range []string{testToken, "geheim", "latitude"} {
		if strings.Contains(string(out), not) {
			t.Errorf("the output holds %q", not)
		}
	}
	if app.refused == nil {
		t.Fatalf("no error was sent\n%s", out)
	}
	ids := map[string]bool{}
	open := map[string]int{}
	all := slices.Concat(app.taken, []*smartcar.Event{app.refused})
	for _, e := range all {
		ids[e.EventID] = true
		for _, failure := range e.Errors {
			if failure.Resolved() {
				open[e.VehicleID+failure.Code]--
			} else {
				open[e.VehicleID+failure.Code]++
			}
		}
	}
	if app.forged > 0 || len(ids) != len(all) || len(ids) < 60 {
		t.Errorf("%d refused signatures, %d events in %d requests", app.forged, len(ids), len(all))
	}
	for of, n := range open {
		if n != 0 {
			t.Errorf("%s began %d times more than it ended", of, n)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// With another token the application refuses all, and is asked whether it has the right one.
func TestDevSaysThatTheTokenIsAnother(t *testing.T) {
	server := httptest.NewServer(&devApp{keys: smartcar.NewKeys(testToken)})
	defer server.Close()
	cmd, tmp := command(t, "dev", "--forward-to", server.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	asked := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "answered 401 (does it have the token above?)") {
			asked = true
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	if err := cmd.Wait(); err != nil || !asked {
		t.Errorf("asked: %v, %v", asked, err)
	}
	mustBeEmpty(t, tmp)
}

// Where the application is down, dev says so and goes on; its events come when it does. Ctrl-C ends all, with status 0.
func TestDevWaitsForTheApplication(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd, tmp := command(t, "dev", "--forward-to", "http://"+address, "--rate", "20", "--seed", devSeed)
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
	var seen strings.Builder
	lines := bufio.NewScanner(stdout)
	until := func(what string) []string {
		t.Helper()
		found := regexp.MustCompile(what)
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")
			if m := found.FindStringSubmatch(lines.Text()); m != nil {
				return m
			}
		}
		_ = cmd.Process.Kill()
		t.Fatalf("no line has %q in\n%s%s", what, seen.String(), stderr.String())
		return nil
	}
	// The line can be copied into an environment.
	token := until(`^  SMARTCAR_TOKEN=(\S+)$`)[1]
	until("takes no events: .*refused. They wait for it")
	until("sent .*: stored$")

	app := &devApp{keys: smartcar.NewKeys(token), requests: 1, refused: new(smartcar.Event)}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: app, ReadHeaderTimeout: time.Minute}}
	server.Start()
	defer server.Close()
	until("takes events again")
	until("answered .* done in ")

	children := p.children(t)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	until(`^[0-9]+ events? sent, in .* done`)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s%s", err, seen.String(), stderr.String())
	}
	if app.forged > 0 || !app.has(1) {
		t.Errorf("%d refused signatures, %d events", app.forged, len(app.taken))
	}
	for _, pid := range children {
		waitFor(t, "the handler's process ends", 30*time.Second, func() bool { return !alive(pid) })
	}
	mustBeEmpty(t, tmp)
}

// Without an application each event is a line on standard output, and nothing else is. A seed makes the same events.
func TestDevPrints(t *testing.T) {
	runs := [2][]string{}
	kept := filepath.Join(t.TempDir(), "kept")
	for i := range runs {
		cmd, tmp := command(t, "dev", "--rate", "50", "--count", "12", "--seed", devSeed, "--clock-factor", "1000")
		if i == 1 {
			cmd.Args = append(cmd.Args, "--keep", kept)
		}
		var says bytes.Buffer
		cmd.Stderr = &says
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, says.String())
		}
		mustBeEmpty(t, tmp)
		for line := range strings.Lines(string(out)) {
			var e struct {
				ID string `json:"event_id"`
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" {
				t.Fatalf("a line is no event: %v\n%s", err, line)
			}
			runs[i] = append(runs[i], e.ID)
		}
		for _, want := range []string{"--forward-to URL sends them", fmt.Sprintf("\n%d events sent, in ", len(runs[i]))} {
			if !strings.Contains(says.String(), want) {
				t.Errorf("%q is missing in\n%s", want, says.String())
			}
		}
	}
	for _, ids := range runs {
		slices.Sort(ids)
	}
	if len(runs[0]) < 12 || !slices.Equal(runs[0], runs[1]) {
		t.Errorf("%d and %d events of one seed differ", len(runs[0]), len(runs[1]))
	}
	for _, name := range []string{"Caddyfile", "handlers.hcl", "events.jsonl", "token"} {
		if _, err := os.Stat(filepath.Join(kept, name)); err != nil {
			t.Error(err)
		}
	}
	if out, code := runValidate(t, kept); code != 0 {
		t.Errorf("the folder that was kept does not run again: exit code %d\n%s", code, out)
	}
	cmd, _ := command(t, "dev", "--keep", kept)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "is not empty: name one that is") {
		t.Errorf("a folder that is taken: %v\n%s", err, out)
	}
}

// Who has seen enough of the lines, as `head` has, ends all in order.
func TestDevEndsWithItsReader(t *testing.T) {
	cmd, tmp := command(t, "dev", "--rate", "50", "--seed", devSeed)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var says bytes.Buffer
	cmd.Stderr = &says
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(says.String(), "events sent, in ") {
		t.Errorf("%v\n%s", err, says.String())
	}
	mustBeEmpty(t, tmp)
}
