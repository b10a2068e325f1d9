package sdk_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

func TestServeEndsWhenTheLifelineIsCut(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	p := startProcess(t)
	p.configure(`{"marker":` + quote(marker) + `}`)
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	p.waitForExit()
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the handler was not closed: %v", err)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A host that was killed has closed the plugin's stderr as well: the first line
// written then must not end the process before the handler is closed.
func TestServeClosesTheHandlerWhenNobodyReadsItsLog(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	p := startProcess(t)
	p.configure(`{"marker":` + quote(marker) + `}`)
	if err := errors.Join(p.stderr.Close(), p.lifeline.Close()); err != nil {
		t.Fatal(err)
	}
	p.waitForExit()
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the handler was not closed: %v", err)
	}
}

// What a program says right before it exits is what an operator needs.
func TestServeKeepsTheLastWords(t *testing.T) {
	p := startProcess(t)
	p.configure(`{}`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := p.client.Handle(ctx, &handlerv1.HandleRequest{Events: []*handlerv1.Event{event("1", "EXIT")}}); err == nil {
		t.Error("the call was answered")
	}
	p.waitForRecord("not JSON: last words")
}

func TestServeLeavesSignalsToTheHost(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send")
	}
	p := startProcess(t)
	p.configure(`{}`)
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		p.waitForRecord("left a signal to the host")
		if got := p.handle(event("1", "OK"))[0].GetStatus(); got != handlerv1.Result_STATUS_DONE {
			t.Errorf("after %v: %v", s, got)
		}
	}
}

func TestServeSurvivesAPanic(t *testing.T) {
	p := startProcess(t)
	p.configure(`{}`)
	got := p.handle(event("1", "PANIC"))[0]
	if got.GetStatus() != handlerv1.Result_STATUS_RETRY || got.GetError() != "panic: no such gear" {
		t.Errorf("result %v", got)
	}
	record := p.waitForRecord("the handler panicked")
	stack, _ := record["stack"].(string)
	if record["@level"] != "error" || !strings.Contains(stack, "processPlugin") {
		t.Errorf("log record %v", record)
	}
	if got := p.handle(event("2", "OK"))[0].GetStatus(); got != handlerv1.Result_STATUS_DONE {
		t.Errorf("the event after the panic: %v", got)
	}
}

func TestServeLogsInHclogForm(t *testing.T) {
	p := startProcess(t)
	p.configure(`{}`)
	p.handle(event("e-1", "LOG"))
	record := p.waitForRecord("hello from the handler")
	want := map[string]any{
		"@level": "info", "@message": "hello from the handler", "attr_msg": "an attribute named msg",
		"event_id": "e-1", "event_type": "LOG", "attempt": 1.0,
	}
	for key, value := range want {
		if record[key] != value {
			t.Errorf("%s = %v, want %v", key, record[key], value)
		}
	}
	at, _ := record["@timestamp"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", at); err != nil {
		t.Error(err)
	}
	if got := p.waitForRecord("hello from slog")["@level"]; got != "warn" {
		t.Errorf("level %v", got)
	}
}

func TestServeTakesLargeMessages(t *testing.T) {
	p := startProcess(t)
	p.configure(`{}`)
	e := event("1", "OK")
	e.Payload = make([]byte, handlerv1.MaxMessageBytes-1024)
	if got := p.handle(e)[0].GetStatus(); got != handlerv1.Result_STATUS_DONE {
		t.Errorf("status %v", got)
	}
}

func TestServeByHandSaysWhatToDo(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{runAsPlugin + "=1"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("ran with %v", err)
	}
	for _, want := range []string{
		"process is a handler for caddy-smartcar (1.2.3)", `handler "process" {`,
		`marker = "..." # string: File to write when the handler is closed.`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func quote(s string) string { return `"` + filepath.ToSlash(s) + `"` }
