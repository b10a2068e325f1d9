package stdio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// launch starts a program without the SDK around it.
func launch(t *testing.T, name string) (*program, *rig) {
	t.Helper()
	r := &rig{exits: make(chan int, 1)}
	p := newProgram(name, slog.New(slog.NewTextHandler(r, nil)), process{exit: func(code int) { r.exits <- code }, stderr: r})
	if err := p.start(child.Spec{Program: os.Args[0], Args: []string{"as", name}, Env: os.Environ()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(t.Context()) })
	return p, r
}

// direct makes a handler of a program that gets ready, for calls that fail.
func direct(t *testing.T, name string) (*handler, *rig) {
	t.Helper()
	p, r := launch(t, name)
	h, err := p.greet(t.Context(), newFirstLine("direct", nil), patience)
	if err != nil {
		t.Fatal(err)
	}
	p.ready()
	return &handler{program: p, hello: h}, r
}

// clock is a context whose time is over when the test says so.
type clock struct {
	context.Context

	over chan struct{}
}

func (c clock) Done() <-chan struct{} { return c.over }

func (c clock) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// A program that writes anything but its answer does not get ready, and the error says what it does instead.
func TestAProgramThatDoesNotGetReady(t *testing.T) {
	tests := map[string]struct{ program, awaited, want string }{
		"prints":             {"prints", `line="starting up"`, "it wrote 1 lines on stdout that are no answers"},
		"writes null":        {"null", "line=null", "it wrote 1 lines on stdout that are no answers"},
		"ends no line":       {"flood", "flooded", "it did not answer its first line"},
		"answers not at all": {"deaf-at-once", "deaf", "flush it; its last lines were:\n    deaf"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, r := launch(t, tt.program)
			ctx := clock{t.Context(), make(chan struct{})}
			failed := make(chan error, 1)
			go func() {
				_, err := p.greet(ctx, newFirstLine("direct", nil), patience)
				failed <- err
			}()
			r.awaitLog(t, tt.awaited)
			close(ctx.over)
			if err := <-failed; err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if len(r.log()) > 4<<10 {
				t.Errorf("the log has %d bytes", len(r.log()))
			}
		})
	}
}

// The answer of a batch is the first one. A second one counts for nothing, also not for the next batch.
func TestASecondAnswerIsIgnored(t *testing.T) {
	h, r := direct(t, "twice")
	for _, want := range []string{"one", "two"} {
		errs := h.handle(t.Context(), []*sdk.Event{say("1", "v", `{"result":"reject","reason":"`+want+`"}`)})
		if got := sdk.ResultOf(errs[0]); got.Reason != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	r.awaitLog(t, "too late or twice; ignored")
}

// The host takes the events of unanswered calls for the possible cause of a crash, so the plugin ends before it answers.
func TestACrashAnswersNoCall(t *testing.T) {
	h, r := direct(t, "crash")
	p := h.program
	unanswered := make(chan int, 1)
	p.self.exit = func(code int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		unanswered <- len(p.pending)
		r.exits <- code
	}
	h.handle(t.Context(), []*sdk.Event{say("1", "v", `{"result":"done"}`)})
	r.awaitExit(t)
	if n := <-unanswered; n != 1 {
		t.Errorf("%d calls had no answer, want 1", n)
	}
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
	for _, want := range []string{"the program hangs", "deaf hung and was killed: it answered no batch"} {
		if !strings.Contains(r.log(), want) {
			t.Errorf("%q is not in the log:\n%s", want, r.log())
		}
	}
}

// What it answered instead is said, also where it is ended.
func TestAProgramThatAnswersWrongIDs(t *testing.T) {
	h, r := direct(t, "wrong-ids")
	for range 2 {
		errs := h.handle(soon(t), []*sdk.Event{say("1", "v", `{"result":"done"}`)})
		if want := "answers with an id that no batch has"; !strings.Contains(errs[0].Error(), want) {
			t.Fatalf("%v, want %s", errs, want)
		}
	}
	r.awaitExit(t)
	// All is said by now, so a word that is missing will not come.
	if !strings.Contains(r.log(), "killed; it gave 2 answers with an id that no batch has") {
		t.Errorf("the log does not say why: %s", r.log())
	}
	if strings.Contains(r.log(), "print on stderr") {
		t.Errorf("an answer is taken for a print: %s", r.log())
	}
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
	for _, want := range []string{"a line that is no answer", "a line of more than 1048576 bytes", "an id that no batch has", "waiting=[1]",
		"print on stderr", `line="got 1"`} {
		// All of it came before the answer, so it will not come later.
		if !strings.Contains(r.log(), want) {
			t.Errorf("%q is not in the log:\n%s", want, r.log())
		}
	}
	if len(r.log()) > 20<<10 {
		t.Errorf("the log has %d bytes", len(r.log()))
	}
}

func TestACrashEndsThePlugin(t *testing.T) {
	tests := map[string]struct{ program, end string }{
		"exit": {"crash", "exit status 3"}, "exit 0": {"quit", "exit status 0"},
		"a grandchild holds its pipes": {"crash-with-child", "exit status 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := start(t, as(tt.program))
			got := r.Handle(t.Context(), say("1", "v", `{"result":"done"}`))[0]
			if got.Status != sdk.StatusRetry || got.Error != errEnded.Error() {
				t.Errorf("%+v", got)
			}
			r.awaitExit(t)
			// The host takes the last line for why the plugin has ended.
			want := fmt.Sprintf("last words\n{\"level\":\"error\",\"msg\":\"%s ended by itself: %s: last words\",\"smartcar_ending\":true}\n",
				os.Args[0], tt.end)
			if !strings.HasSuffix(r.log(), want) {
				t.Errorf("log %s, want at its end %s", r.log(), want)
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
