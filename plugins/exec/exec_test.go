package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

// journal takes what commands print.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// sh is a config that runs a script, with more of the config after it.
func sh(t *testing.T, script string, more ...any) sdktest.Config {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	c := sdktest.Config{"command": []string{"sh", "-c", script}}
	for i := 0; i < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return c
}

func start(t *testing.T, c sdktest.Config) (*sdktest.Host, *journal) {
	t.Helper()
	log := &journal{}
	return sdktest.Start(t, newPlugin(log), c), log
}

func TestExitCodes(t *testing.T) {
	own := map[string]string{"3": "reject", "75": "unavailable", "other": "done"}
	tests := map[string]struct {
		script string
		codes  any
		want   sdk.Result
	}{
		"done":               {"exit 0", nil, sdk.Result{Status: sdk.StatusDone}},
		"data":               {"exit 65", nil, sdk.Result{Status: sdk.StatusReject, Reason: "exit_65", Error: "sh ended with exit status 65"}},
		"unavailable":        {"exit 69", nil, sdk.Result{Status: sdk.StatusUnavailable, Error: "sh ended with exit status 69"}},
		"try again":          {"exit 75", nil, sdk.Result{Status: sdk.StatusRetry, Error: "sh ended with exit status 75"}},
		"any other":          {"exit 1", nil, sdk.Result{Status: sdk.StatusRetry, Error: "sh ended with exit status 1"}},
		"not executable":     {"/dev/null 2>/dev/null", nil, sdk.Result{Status: sdk.StatusUnavailable, Error: "sh ended with exit status 126"}},
		"not found":          {"no-such-command-here 2>/dev/null", nil, sdk.Result{Status: sdk.StatusUnavailable, Error: "sh ended with exit status 127"}},
		"a signal":           {"kill -TERM $$", own, sdk.Result{Status: sdk.StatusRetry, Error: "sh ended with signal: terminated"}},
		"last words":         {"echo out; for i in 1 2 3 4 5; do echo line $i >&2; done; exit 1", nil, sdk.Result{Status: sdk.StatusRetry, Error: "sh ended with exit status 1: line 3 | line 4 | line 5"}},
		"own reject":         {"exit 3", own, sdk.Result{Status: sdk.StatusReject, Reason: "exit_3", Error: "sh ended with exit status 3"}},
		"own unavailable":    {"exit 75", own, sdk.Result{Status: sdk.StatusUnavailable, Error: "sh ended with exit status 75"}},
		"own other":          {"exit 1", own, sdk.Result{Status: sdk.StatusDone}},
		"own other, not all": {"exit 65", own, sdk.Result{Status: sdk.StatusReject, Reason: "exit_65", Error: "sh ended with exit status 65"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			host, _ := start(t, sh(t, tt.script, "exit_codes", tt.codes))
			if got := host.Handle(t.Context(), sdktest.VehicleState("1", "v"))[0]; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWhatACommandGets(t *testing.T) {
	t.Setenv("PLUGIN_SECRET", "not for commands")
	for _, variable := range os.Environ() {
		// Caddy gives plugins none of its own; here they have those of the test.
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SMARTCAR_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	folder := t.TempDir()
	e := sdktest.VehicleState("e-\x00 $(x)", "v-1")
	e.Attempt, e.Position, e.Replay, e.StaleSignals = 3, 41, true, []string{"a-b", "c-d"}
	host, _ := start(t, sh(t, `cat > body; env | grep -e ^SMARTCAR_ -e ^PLUGIN_ | sort > vars`, "dir", folder))
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusDone {
		t.Fatalf("%+v", got)
	}
	body, err := os.ReadFile(filepath.Join(folder, "body"))
	if err != nil || !bytes.Equal(body, e.Payload) {
		t.Errorf("%s, %v", body, err)
	}
	vars, err := os.ReadFile(filepath.Join(folder, "vars"))
	want := strings.Join([]string{
		"SMARTCAR_ATTEMPT=3", "SMARTCAR_CONTENT_TYPE=application/json", "SMARTCAR_EVENTS=1", "SMARTCAR_EVENT_ID=e-\uFFFD $(x)",
		"SMARTCAR_EVENT_TYPE=VEHICLE_STATE", "SMARTCAR_HANDLER=sdktest", "SMARTCAR_MODE=TEST", "SMARTCAR_POSITION=41",
		"SMARTCAR_RECEIVED_AT=2026-01-01T12:00:00Z", "SMARTCAR_REPLAY=true", "SMARTCAR_SIGNATURE=" + e.Signature,
		"SMARTCAR_SOURCE=sdktest", "SMARTCAR_STALE_SIGNALS=a-b c-d", "SMARTCAR_USER_ID=" + e.UserID, "SMARTCAR_VEHICLE_ID=v-1",
		"SMARTCAR_WEBHOOK_ID=" + e.WebhookID, "",
	}, "\n")
	if err != nil || string(vars) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, vars, want)
	}
}

func TestScriptOfTheREADME(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	_, text, _ := strings.Cut(string(page), "```sh\n")
	text, _, found := strings.Cut(text, "```")
	script := filepath.Join(folder, "on-event.sh")
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(text, "/srv/events", folder)), 0o700); err != nil || !found {
		t.Fatal(found, err)
	}
	host, _ := start(t, sdktest.Config{"command": []string{script}})
	e := sdktest.VehicleState("1", "v")
	e.Position = 41
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusDone || read(t, folder, "41.json") != string(e.Payload) {
		t.Errorf("%+v", got)
	}
}

func TestInputs(t *testing.T) {
	tests := map[string]struct {
		more []any
		// runs are the number of events and the event's id that each run was told.
		runs string
	}{
		"an event a run": {[]any{"input", "event"}, "1 1\n1 2\n1 3\n"},
		"a batch":        {[]any{"batch", 2}, "2 \n1 3\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			host, _ := start(t, sh(t, `cat >> lines; echo "$SMARTCAR_EVENTS $SMARTCAR_EVENT_ID" >> runs`, append(tt.more, "dir", folder)...))
			for i, r := range host.Handle(t.Context(), sdktest.VehicleState("1", "v"), sdktest.VehicleState("2", "v"), sdktest.VehicleState("3", "v")) {
				if r.Status != sdk.StatusDone {
					t.Errorf("event %d: %+v", i+1, r)
				}
			}
			got := strings.Split(strings.TrimSpace(read(t, folder, "lines")), "\n")
			for i, line := range got {
				var e struct {
					ID      string `json:"event_id"`
					Payload map[string]any
				}
				if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID != string(rune('1'+i)) || e.Payload["eventId"] != e.ID {
					t.Errorf("line %d: %v, %s", i+1, err, line)
				}
			}
			if runs := read(t, folder, "runs"); len(got) != 3 || runs != tt.runs {
				t.Errorf("%d lines, runs %q, want %q", len(got), runs, tt.runs)
			}
		})
	}
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run that takes too long is ended with what it started, and the error says so.
func TestTimeout(t *testing.T) {
	r, log := newRunner(t, config{Command: []string{"sh", "-c", "sleep 1000 & echo waiting >&2; sleep 1000"}, Batch: 1})
	ctx, timeout := context.WithCancel(t.Context())
	defer timeout()
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, []*sdk.Event{{ID: "1"}}) }()
	await(t, "the command runs", func() bool { return strings.Contains(log.String(), "waiting") })
	timeout()
	got := sdk.ResultOf(<-ended)
	if got.Status != sdk.StatusRetry || got.Error != "sh took longer than the handler's timeout and was killed: waiting" {
		t.Errorf("%+v", got)
	}
}

// A run ends a tenth of its time before the host gives up, at most a second.
func TestARunEndsBeforeTheHostGivesUp(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{5 * time.Second: 500 * time.Millisecond, time.Minute: time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		earlier, cancelEarlier := endBefore(ctx)
		late, _ := ctx.Deadline()
		early, _ := earlier.Deadline()
		// A tenth is one of the time that is left, so it may be a little less.
		if before := late.Sub(early); before > want || before < want*8/10 {
			t.Errorf("%v: it ends %v before, want %v", timeout, before, want)
		}
		cancelEarlier()
		cancel()
	}
}

// newRunner is a runner without the SDK around it.
func newRunner(t *testing.T, c config) (*runner, *journal) {
	t.Helper()
	program, err := child.Find(c.Command[0], c.Dir)
	if err != nil && runtime.GOOS == "windows" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	r := &runner{config: c, program: program, log: log}
	r.codes, _ = newCodes(nil)
	return r, log
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); !is(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not in time", what)
		}
	}
}

// A command that has ended is not waited for because of what it left behind, which is ended too.
func TestWhatIsLeftBehindIsEnded(t *testing.T) {
	host, _ := start(t, sh(t, `sleep 1000 & exit 0`))
	if got := host.Handle(t.Context(), sdktest.VehicleState("1", "v"))[0]; got.Status != sdk.StatusDone {
		t.Errorf("%+v", got)
	}
}

func TestACommandNeedNotReadItsInput(t *testing.T) {
	host, _ := start(t, sh(t, `exit 0`))
	e := sdktest.Event(bytes.Repeat([]byte("x"), 1<<20))
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusDone {
		t.Errorf("%+v", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	host, log := start(t, sh(t, `i=0; while [ $i -lt 250 ]; do echo $i; i=$((i+1)); done; head -c 1000000 /dev/zero | tr '\0' x >&2; exit 1`))
	got := host.Handle(t.Context(), sdktest.VehicleState("1", "v"))[0]
	if got.Status != sdk.StatusRetry || len(got.Error) > 500 {
		t.Errorf("%+v", got)
	}
	if text := log.String(); strings.Count(text, "\n") != maxLines+1 || !strings.Contains(text, "[WARN] the command printed 51 lines more") {
		t.Errorf("%d lines: %.300s", strings.Count(text, "\n"), text)
	}
}

func TestMemoryLimit(t *testing.T) {
	if !child.LimitsMemory {
		_, err := sdktest.Open(t, Plugin(), sh(t, "true", "memory_limit", "64MiB"))
		if err == nil || !strings.Contains(err.Error(), "memory_limit: Not on this system") {
			t.Error(err)
		}
		return
	}
	host, log := start(t, sh(t, `x=$(head -c 40000000 /dev/zero | tr '\0' x); echo ${#x}`, "memory_limit", "16MiB"))
	if got := host.Handle(t.Context(), sdktest.VehicleState("1", "v"))[0]; got.Status == sdk.StatusDone {
		t.Errorf("%+v; it printed %s", got, log)
	}
}

// When the plugin ends, no command goes on.
func TestShutdownEndsWhatRuns(t *testing.T) {
	r, log := newRunner(t, config{Command: []string{"sh", "-c", "echo started; sleep 1000"}, Batch: 1})
	ended := make(chan error, 1)
	go func() { ended <- r.run(t.Context(), []*sdk.Event{{ID: "1"}}) }()
	await(t, "the command runs", func() bool { return strings.Contains(log.String(), "started") })
	r.killAll()
	if err := <-ended; err == nil {
		t.Error("a killed run is done")
	}
	if err := r.run(t.Context(), []*sdk.Event{{ID: "2"}}); !errors.Is(err, errClosed) {
		t.Errorf("%v", err)
	}
}

func TestACommandThatCannotBeStarted(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	host, _ := start(t, sdktest.Config{"command": []string{script}})
	for name, tt := range map[string]struct{ content, want string }{
		"no interpreter": {"#!/no/such/interpreter\n", "is not there"},
		"no first line":  {"exit 0\n", "#!/bin/sh"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(script, []byte(tt.content), 0o700); err != nil {
				t.Fatal(err)
			}
			got := host.Handle(t.Context(), sdktest.VehicleState("1", "v"))[0]
			if got.Status != sdk.StatusUnavailable || !strings.Contains(got.Error, tt.want) {
				t.Errorf("%+v", got)
			}
		})
	}
	// What only this event is at fault for pauses no handler.
	e := sdktest.VehicleState("1", "v")
	e.Signature = strings.Repeat("x", 200_000)
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := host.Handle(t.Context(), e)[0]; got.Status != sdk.StatusRetry {
		t.Errorf("%+v", got)
	}
}

func TestConfigMistakes(t *testing.T) {
	tests := map[string]struct {
		config sdktest.Config
		want   string
	}{
		"nothing":         {sdktest.Config{}, `Missing "command"`},
		"no program":      {sdktest.Config{"command": []string{""}}, "command: No program"},
		"not there":       {sdktest.Config{"command": []string{"/no/such/program"}}, "command.0: Program not found"},
		"input":           {sh(t, "x", "input", "xml"), "input: Unknown input"},
		"payloads":        {sh(t, "x", "input", "payload", "batch", 2), "input: Payloads of a batch"},
		"batch":           {sh(t, "x", "batch", 0), "batch: Out of range"},
		"memory":          {sh(t, "x", "memory_limit", "1KB"), "memory_limit: "},
		"outcome":         {sh(t, "x", "exit_codes", map[string]string{"3": "maybe"}), "exit_codes.3: Unknown outcome"},
		"exit code":       {sh(t, "x", "exit_codes", map[string]string{"300": "done"}), "exit_codes: Not an exit code"},
		"a code twice":    {sh(t, "x", "exit_codes", map[string]string{"3": "done", "03": "retry"}), "exit_codes: Not an exit code"},
		"a name for code": {sh(t, "x", "exit_codes", map[string]string{"fail": "done"}), "exit_codes: Not an exit code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
