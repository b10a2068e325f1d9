package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/stdio/conformance"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// beProgram is a program of the plugin stdio, which writes down each event and has a child of its own, or that child.
func beProgram(name, file string) {
	switch name {
	case "child":
		time.Sleep(time.Hour)
	case "poisoned":
		bePoisoned(file)
		return
	case "mute":
		fmt.Fprintln(os.Stderr, "no module named fleet")
		os.Exit(4)
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if err := exec.Command(self, "program", "child", file).Start(); err != nil {
		panic(err)
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	answerBatches(func(id string, _ int) { noteEvent(out, id) })
}

// noteEvent writes a line as the plugin jsonl would.
func noteEvent(out io.Writer, id string) {
	if _, err := fmt.Fprintf(out, "{\"event_id\":%q}\n", id); err != nil {
		panic(err)
	}
}

// answerBatches speaks the protocol of the plugin stdio: each event is done when take, which gets its id and how many
// events it came with, returns.
func answerBatches(take func(id string, among int)) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var batch struct {
			ID     int
			Events []struct {
				ID string `json:"event_id"`
			}
		}
		if err := json.Unmarshal(in.Bytes(), &batch); err != nil {
			panic(err)
		}
		var results []string
		for _, e := range batch.Events {
			take(e.ID, len(batch.Events))
			results = append(results, `{"result":"done"}`)
		}
		fmt.Printf("{\"id\":%d,\"results\":[%s],\"max_batch\":5}\n", batch.ID, strings.Join(results, ","))
	}
}

// Whatever is killed while events come, the user's program, the plugin or Caddy, each event that got a 200 reaches the
// program, and no process is left behind, also none that the program has started.
func TestKillsAroundAProgram(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// $F is the file with the events.
	t.Run("stdio", func(t *testing.T) {
		victims := []string{"record", "caddy"}
		if proof.IsLong() {
			victims = []string{"record", "plugin", "caddy", "record"}
		}
		killAround(t, "stdio", fmt.Sprintf(`[%q, "program", "record", "$F"]`, self), victims...)
	})
	t.Run("exec", func(t *testing.T) {
		victims := []string{"plugin"}
		if proof.IsLong() {
			victims = []string{"plugin", "caddy", "plugin"}
		}
		killAround(t, "exec", `["sh", "-c", "echo {\\\"event_id\\\":\\\"$SMARTCAR_EVENT_ID\\\"} >> $F"]`, victims...)
	})
}

// killAround kills the victims, one after the other, while events come: "caddy", "plugin", or the user's programs by name.
func killAround(t *testing.T, plugin, command string, victims ...string) {
	s := newSite(t)
	s.write(t, "handlers.hcl", fmt.Sprintf(`handler "own" {
  plugin      = %q
  concurrency = 4
  env         = { GORACE = "atexit_sleep_ms=0" }

  retry {
    min_delay = "10ms"
    max_delay = "100ms"
  }
  breaker {
    failures = 1000
  }
  config {
    command = %s
  }
}
`, plugin, strings.ReplaceAll(command, "$F", s.events)))
	p := s.spawn(t)
	t.Cleanup(func() { p.kill(t) })
	p.awaitTLS(t, s)

	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var mu sync.Mutex
	acked := map[string]bool{}
	var senders sync.WaitGroup
	for n := range 4 {
		senders.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("e-%d-%d", n, i)
				s.sendUntilStored(t, id, fmt.Sprintf("car-%d", i%10))
				mu.Lock()
				acked[id] = true
				mu.Unlock()
			}
		})
	}
	for _, victim := range victims {
		before := len(s.received(t))
		waitFor(t, "events come to the program", time.Minute, func() bool { return len(s.received(t)) > before+20 })
		switch victim {
		case "caddy":
			p.kill(t)
			waitFor(t, "no process is left of Caddy", 20*time.Second, func() bool { return len(s.programs(t, "")) == 0 })
			p = s.spawn(t)
			p.awaitTLS(t, s)
		case "plugin":
			old := s.programs(t, "")
			for _, pid := range p.children(t) {
				mustKill(t, pid)
			}
			waitFor(t, "no process is left of the plugin", 20*time.Second, func() bool {
				for _, pid := range old {
					if alive(pid) {
						return false
					}
				}
				return true
			})
		default:
			for _, pid := range s.programs(t, victim) {
				mustKill(t, pid)
			}
		}
	}
	enough()
	senders.Wait()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log())
		}
	})
	waitFor(t, "each event is there", time.Minute, func() bool {
		got := map[string]bool{}
		for _, id := range s.received(t) {
			got[id] = true
		}
		for id := range acked {
			if !got[id] {
				return false
			}
		}
		return true
	})
	t.Logf("%d events, %d lines", len(acked), len(s.received(t)))
	p.terminate(t)
	if left := s.programs(t, ""); len(left) > 0 {
		t.Errorf("left behind: %v\n%s", left, s.log())
	}
}

// The program that the README and the protocol's page show holds to the protocol.
func TestProgramOfPages(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		proof.Missing(t, "python3", err)
	}
	var shown []string
	for _, page := range []string{"README.md", "plugins/stdio/PROTOCOL.md"} {
		text, err := os.ReadFile(filepath.Join(repository, page))
		if err != nil {
			t.Fatal(err)
		}
		_, program, _ := strings.Cut(string(text), "```python\n")
		program, _, _ = strings.Cut(program, "```")
		shown = append(shown, program)
	}
	if shown[0] != shown[1] {
		t.Errorf("the pages differ:\n%s\n%s", shown[0], shown[1])
	}
	file := filepath.Join(t.TempDir(), "handler.py")
	if err := os.WriteFile(file, []byte(shown[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.Subject{Command: []string{"python3", file}})
}

// The examples hold to the protocol, and do in a whole Caddy what their page says.
func TestExamplesOfStdio(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	for _, program := range []string{"python3", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			proof.Missing(t, program, err)
		}
	}
	t.Chdir(filepath.Join(repository, "examples", "stdio"))
	for name, command := range map[string][]string{"Python": {"python3", "handler.py"}, "Node": {"node", "handler.mjs"}} {
		t.Run(name, func(t *testing.T) { conformance.Run(t, conformance.Subject{Command: command}) })
	}
	e := startEdge(t, edgeConfig{App: "handlers handlers.hcl"})
	percent := regexp.MustCompile(`"body":\{"value":\d+,"unit":"percent"\}`)
	low := percent.ReplaceAll(smartcar.Sample{EventID: "low"}.VehicleState(), []byte(`"body":{"value":12,"unit":"percent"}`))
	good(string(low)).send(t, e)
	good(string(smartcar.Sample{EventID: "broken"}.VehicleError())).send(t, e)
	e.awaitLog(t, "battery is low, event low")
	e.awaitLog(t, "error, event broken")
	e.awaitLog(t, `"program":"errors"`)
}

// sendUntilStored sends an event again and again until it gets 200.
func (s *site) sendUntilStored(t *testing.T, id, vehicle string) {
	t.Helper()
	body := smartcar.Sample{EventID: id, VehicleID: vehicle}.VehicleState()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(time.Minute); time.Now().Before(late); <-tick.C {
		r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("SC-Signature", smartcar.Sign(testToken, body))
		resp, err := s.client.Do(r)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Errorf("%s was never stored", id)
}

// programs are the processes of the site's programs that have this argument, "": all, and so none of Caddy's own.
func (s *site) programs(t *testing.T, name string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range files {
		cmdline, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(cmdline, []byte(s.dir)) || bytes.Contains(cmdline, []byte("\x00run\x00")) ||
			name != "" && !bytes.Contains(cmdline, []byte("\x00"+name+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func mustKill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
}
