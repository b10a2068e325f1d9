package stdio

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// TestMain lets the test binary be the user's program: with "as" and what it does as arguments.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" {
		programs[os.Args[2]](os.Args[3:])
		return
	}
	// A program built for the race detector would wait a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
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

// A program runs in dir, and gets each payload byte for byte where raw asks for it, else where it is no JSON.
func TestDirAndRaw(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		raw           bool
		payload, want string
	}{
		"JSON":     {false, `{"a": 1}`, `payload true, base64 of ""`},
		"raw":      {true, `{"a": 1}`, `payload false, base64 of "{\"a\": 1}"`},
		"not JSON": {false, "\xff", `payload false, base64 of "\xff"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := start(t, with(with(as("shows"), "dir", folder), "raw", tt.raw))
			e := &sdk.Event{ID: "1", VehicleID: "v", Payload: []byte(tt.payload)}
			if got := r.Handle(t.Context(), e)[0]; got.Status != sdk.StatusDone {
				t.Errorf("%+v", got)
			}
			r.awaitLog(t, "in "+folder+", <nil>; "+tt.want)
		})
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
