package stdio

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// TestMain lets the test binary be the user's program: with "as" and what it does as arguments.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" {
		programs[os.Args[2]](os.Args[3:])
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// rig is what a test sees of the plugin beside its answers.
type rig struct {
	*sdktest.Host

	exits chan int

	mu     sync.Mutex
	stderr bytes.Buffer
}

func (r *rig) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(b)
}

func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

func (r *rig) awaitLog(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(r.log(), text) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%q is not in the log:\n%s", text, r.log())
		}
	}
}

// as is the config that runs the test binary as a program.
func as(program ...string) sdktest.Config {
	return sdktest.Config{"command": append([]string{os.Args[0], "as"}, program...), "start_timeout": "10s"}
}

func with(c sdktest.Config, name string, value any) sdktest.Config {
	c[name] = value
	return c
}

func openRig(t *testing.T, c sdktest.Config) (*rig, error) {
	t.Helper()
	// A program built for the race detector would wait a second at its end.
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	r := &rig{exits: make(chan int, 1)}
	host, err := sdktest.Open(t, newPlugin(process{exit: func(code int) { r.exits <- code }, stderr: r}), c)
	r.Host = host
	return r, err
}

func start(t *testing.T, c sdktest.Config) *rig {
	t.Helper()
	r, err := openRig(t, c)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.log())
	}
	return r
}

func (r *rig) awaitExit(t *testing.T) {
	t.Helper()
	select {
	case code := <-r.exits:
		if code == 0 {
			t.Error("the plugin ended with 0")
		}
	case <-time.After(patience):
		t.Fatalf("the plugin did not end\n%s", r.log())
	}
}

// say makes an event of vehicle v that tells the program what to answer.
func say(id, vehicle, answer string) *sdk.Event {
	return &sdk.Event{ID: id, Type: "VEHICLE_STATE", VehicleID: vehicle, Payload: []byte(`{"say":` + answer + `}`)}
}

func TestResults(t *testing.T) {
	r := start(t, as("says"))
	long := strings.Repeat("x", 5000)
	tests := map[string]struct {
		answer string
		want   sdk.Result
	}{
		"done":               {`{"result":"done"}`, sdk.Result{Status: sdk.StatusDone}},
		"unknown fields":     {`{"result":"done","later":[1]}`, sdk.Result{Status: sdk.StatusDone}},
		"retry":              {`{"result":"retry","error":"busy"}`, sdk.Result{Status: sdk.StatusRetry, Error: "busy"}},
		"retry after":        {`{"result":"retry","after":"30s","error":"busy"}`, sdk.Result{Status: sdk.StatusRetry, RetryAfter: 30 * time.Second, Error: "busy"}},
		"retry after years":  {`{"result":"retry","after":"99999h","error":"x"}`, sdk.Result{Status: sdk.StatusRetry, RetryAfter: 24 * time.Hour, Error: "x"}},
		"retry after a word": {`{"result":"retry","after":"soon","error":"x"}`, sdk.Result{Status: sdk.StatusRetry, Error: `x (its after is not a duration such as "30s")`}},
		"reject":             {`{"result":"reject","reason":"No VIN","error":"bad"}`, sdk.Result{Status: sdk.StatusReject, Reason: "no_vin", Error: "bad"}},
		"reject, no words":   {`{"result":"reject"}`, sdk.Result{Status: sdk.StatusReject, Reason: "rejected", Error: `the program answered "reject" and no error`}},
		"unavailable":        {`{"result":"unavailable","error":"db"}`, sdk.Result{Status: sdk.StatusUnavailable, Error: "db"}},
		"a long error":       {`{"result":"unavailable","error":"` + long + `"}`, sdk.Result{Status: sdk.StatusUnavailable, Error: long[:2048] + "..."}},
		"an unknown result":  {`{"result":"ok"}`, sdk.Result{Status: sdk.StatusRetry, Error: `the program answered with the unknown result "ok"; there are done, retry, reject and unavailable`}},
		"no result":          {`{}`, sdk.Result{Status: sdk.StatusRetry, Error: "the program answered without a result"}},
		"a word":             {`"done"`, sdk.Result{Status: sdk.StatusRetry, Error: "the program's answer has results that are not of the protocol's form"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := r.Handle(t.Context(), say("1", "v", tt.answer))[0]; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// A wrong line costs nothing but a repetition: the batch comes again, with an error that says what is wrong.
func TestWrongLines(t *testing.T) {
	tests := map[string]struct {
		program, text, log string
	}{
		"too few results": {program: "too-few", text: "the program answered 0 of 1 events"},
		"print debugging": {program: "chatty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := start(t, as(tt.program))
			got := r.Handle(t.Context(), say("1", "v", `{"result":"done"}`))[0]
			if tt.text == "" && got.Status != sdk.StatusDone || tt.text != "" && (got.Status != sdk.StatusRetry || !strings.Contains(got.Error, tt.text)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What the program prints on stdout beside its answers does not count, whatever it is.
func TestUnreadLinesAreNoAnswers(t *testing.T) {
	for _, line := range []string{"", "got event 1", "{", "[]", "null", `{"results":[{"result":"done"}]}`, `{"id":-1}`, `{"id":"7"}`} {
		if _, ok, _ := parseAnswer([]byte(line)); ok {
			t.Errorf("%q is taken for an answer", line)
		}
	}
}

func TestOrderAfterAFailure(t *testing.T) {
	r := start(t, as("batches"))
	got := r.Handle(t.Context(),
		say("1", "a", `{"result":"done"}`), say("2", "a", `{"result":"retry","error":"x"}`), say("3", "a", `{"result":"done"}`),
		say("4", "b", `{"result":"reject"}`), say("5", "b", `{"result":"done"}`),
		say("6", "c", `{"result":"unavailable"}`), say("7", "c", `{"result":"reject"}`))
	var statuses []sdk.Status
	for _, r := range got {
		statuses = append(statuses, r.Status)
	}
	want := []sdk.Status{sdk.StatusDone, sdk.StatusRetry, sdk.StatusRetry, sdk.StatusReject, sdk.StatusDone, sdk.StatusUnavailable, sdk.StatusRetry}
	if !slices.Equal(statuses, want) || got[2].Error != errHeld.Error() {
		t.Errorf("%+v", got)
	}
}

// Answers come in any order, and each belongs to its batch.
func TestAnswersInAnyOrder(t *testing.T) {
	r := start(t, as("backwards", "10"))
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			word := strings.Repeat("x", i+1)
			got := r.Handle(t.Context(), say("1", "v", `{"result":"retry","error":"`+word+`"}`))[0]
			if got.Error != word {
				t.Errorf("%+v, want %s", got, word)
			}
		})
	}
	wg.Wait()
}

// direct runs a program without the SDK around it, for calls that fail.
func direct(t *testing.T, program string) (*handler, *rig) {
	t.Helper()
	r := &rig{exits: make(chan int, 1)}
	p := newProgram(program, slog.New(slog.NewTextHandler(r, nil)), process{exit: func(code int) { r.exits <- code }, stderr: r})
	spec := child.Spec{Program: os.Args[0], Args: []string{"as", program}, Env: append(os.Environ(), "GORACE=atexit_sleep_ms=0")}
	if err := p.start(spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(t.Context()) })
	h, err := p.greet(t.Context(), newFirstLine("direct", nil), patience)
	if err != nil {
		t.Fatal(err)
	}
	p.ready()
	return &handler{program: p, hello: h}, r
}

// soon is a time that runs out.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestALateAnswerIsIgnored(t *testing.T) {
	h, r := direct(t, "late")
	if errs := h.handle(soon(t), []*sdk.Event{say("1", "v", `{"result":"done"}`)}); !errors.Is(errs[0], context.DeadlineExceeded) {
		t.Errorf("%v", errs)
	}
	// The program answers the first batch only when it has read the second, and before that one.
	errs := h.handle(t.Context(), []*sdk.Event{say("2", "v", `{"result":"reject","reason":"second"}`)})
	if got := sdk.ResultOf(errs[0]); got.Reason != "second" {
		t.Errorf("%+v", got)
	}
	r.awaitLog(t, "too late or twice; ignored")
}

// A program that answers nothing while batches run out of time one after the other is ended, which is a crash.
func TestAProgramThatHangs(t *testing.T) {
	h, r := direct(t, "deaf")
	for range 2 {
		errs := h.handle(soon(t), []*sdk.Event{say("1", "v", `{"result":"done"}`)})
		if !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Fatalf("%v", errs)
		}
	}
	r.awaitExit(t)
	r.awaitLog(t, "the program hangs")
}

// One batch that runs out of time, or several at once, are slowness: a program is not ended for that.
func TestASlowProgramIsNotEnded(t *testing.T) {
	h, r := direct(t, "late")
	ctx := soon(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { h.handle(ctx, []*sdk.Event{say("1", "v", `{"result":"done"}`)}) })
	}
	wg.Wait()
	if errs := h.handle(t.Context(), []*sdk.Event{say("2", "v", `{"result":"done"}`)}); errs[0] != nil || len(r.exits) > 0 {
		t.Errorf("%v, %d ends of the plugin", errs, len(r.exits))
	}
}

// What a flood without a line end takes is bounded, and the log says what is wrong.
func TestWhatIsNoAnswerIsToldInTheLog(t *testing.T) {
	h, r := direct(t, "chatty")
	if errs := h.handle(t.Context(), []*sdk.Event{say("1", "v", `{"result":"done"}`)}); errs[0] != nil {
		t.Error(errs[0])
	}
	for _, want := range []string{"a line that is no answer", "a line of more than 1048576 bytes", "an answer with an id that no batch has",
		"print on stderr", `line="got 1"`} {
		r.awaitLog(t, want)
	}
	if len(r.log()) > 20<<10 {
		t.Errorf("the log has %d bytes", len(r.log()))
	}
}

func TestACrashEndsThePlugin(t *testing.T) {
	for name, program := range map[string]string{"exit": "crash", "exit 0": "quit", "a grandchild holds its pipes": "crash-with-child"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, as(program))
			got := r.Handle(t.Context(), say("1", "v", `{"result":"done"}`))[0]
			if got.Status != sdk.StatusRetry || got.Error != errEnded.Error() {
				t.Errorf("%+v", got)
			}
			r.awaitExit(t)
			if !strings.Contains(r.log(), "last words\n[ERROR] ") || !strings.Contains(r.log(), "ended by itself: exit status") {
				t.Errorf("log %s", r.log())
			}
		})
	}
}

func TestShutdownLetsTheProgramFinish(t *testing.T) {
	r := start(t, as("says", "goodbye"))
	r.Handle(t.Context(), say("1", "v", `{"result":"done"}`))
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if r.awaitLog(t, "goodbye"); len(r.exits) > 0 {
		t.Error("a stop is taken for a crash")
	}
}

func TestAProgramThatDoesNotEndIsKilled(t *testing.T) {
	r := start(t, as("stays"))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := r.Shutdown(ctx); err == nil {
		t.Error("no error")
	}
	if len(r.exits) > 0 {
		t.Error("a stop is taken for a crash")
	}
}

func TestHello(t *testing.T) {
	settings := map[string]any{"limit": 20, "words": []string{"a"}, "deep": map[string]any{"a": true}}
	r := start(t, with(as("hello"), "settings", settings))
	if !strings.Contains(r.log(), `handler=sdktest settings={"deep":{"a":true},"limit":20,"words":["a"]} protocol=1`) {
		t.Errorf("the program got %s", r.log())
	}
	// It wants states only, and would retry all that it gets.
	unwanted := say("1", "v", `{"result":"retry"}`)
	unwanted.Type = "VEHICLE_ERROR"
	got := r.Handle(t.Context(), unwanted, say("2", "w", `{"result":"retry"}`))
	if got[0].Status != sdk.StatusDone || got[1].Status != sdk.StatusRetry {
		t.Errorf("%+v", got)
	}
}

func TestConfigMistakes(t *testing.T) {
	folder := t.TempDir()
	plain := folder + "/plain"
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		config sdktest.Config
		want   []string
	}{
		"nothing":           {sdktest.Config{}, []string{`Missing "command"`}},
		"no program":        {sdktest.Config{"command": []string{}}, []string{"command: No program"}},
		"not there":         {sdktest.Config{"command": []string{folder + "/none"}}, []string{"command.0: Program not found", "there is no file"}},
		"not in the PATH":   {sdktest.Config{"command": []string{"no-such-program-here"}}, []string{"command.0: Program not found", "PATH"}},
		"not executable":    {sdktest.Config{"command": []string{plain}}, []string{"command.0: Program not found", "chmod +x"}},
		"settings":          {with(as("says"), "settings", []int{1}), []string{"settings: Not an object"}},
		"start_timeout":     {with(as("says"), "start_timeout", "1h"), []string{"start_timeout: Out of range"}},
		"ends":              {as("broken"), []string{"command: The program did not get ready", "exit status 3", "no module named fleet"}},
		"does not answer":   {with(as("deaf-at-once"), "start_timeout", "200ms"), []string{"did not answer its first line within 200ms", "flush"}},
		"prints only":       {with(as("prints"), "start_timeout", "200ms"), []string{"it wrote 1 lines on stdout that are no answers"}},
		"another version":   {as("version2"), []string{"speaks version 2 of the protocol, this Caddy version 1"}},
		"a wrong hello":     {as("wrong-hello"), []string{"a field of the wrong type"}},
		"a wrong type":      {as("wrong-type"), []string{"the setting limit with an unknown type"}},
		"unknown setting":   {with(as("hello"), "settings", map[string]any{"limit": 1, "limmit": 1}), []string{"settings.limmit: Unknown setting: The program takes: deep, limit, words."}},
		"wrong setting":     {with(as("hello"), "settings", map[string]any{"limit": "many"}), []string{"settings.limit: Wrong value: The program takes a number here."}},
		"missing setting":   {as("hello"), []string{"settings: Missing setting: limit is required. How low."}},
		"a dot in a name":   {with(as("hello"), "settings", map[string]any{"limit": 1, "a.b": 1}), []string{"settings: Unknown setting"}},
		"flood on stdout":   {with(as("flood"), "start_timeout", "2s"), []string{"did not answer its first line within 2s"}},
		"not a JSON answer": {with(as("cat-noise"), "start_timeout", "200ms"), []string{"no answers"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := openRig(t, tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			if len(r.exits) > 0 {
				t.Error("the plugin ended instead")
			}
		})
	}
}
