package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func wantCrash(t *testing.T, err error, parts ...string) {
	t.Helper()
	crash, ok := errors.AsType[*dispatch.CrashError](err)
	if !ok || !errors.Is(err, dispatch.ErrDown) {
		t.Fatalf("%v, want a *dispatch.CrashError", err)
	}
	for _, part := range parts {
		if !strings.Contains(crash.Detail, part) {
			t.Errorf("the detail lacks %q:\n%s", part, crash.Detail)
		}
	}
}

// wantNoCrash: the handler is down, and no event is to blame.
func wantNoCrash(t *testing.T, err error) {
	t.Helper()
	if crash, ok := errors.AsType[*dispatch.CrashError](err); ok {
		t.Fatalf("taken for a crash: %s", crash.Detail)
	}
	if !errors.Is(err, dispatch.ErrDown) {
		t.Fatalf("%v, want dispatch.ErrDown", err)
	}
}

// Every call that was in flight is told, and finds the process gone afterwards.
func TestCrashUnderManyCalls(t *testing.T) {
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	calls := make(chan error)
	for range 8 {
		go func() {
			_, err := p.Handle(testContext(t), deliveries("wait "+look.path))
			if p.State().Up {
				err = errors.Join(err, errors.New("the dead process counts as up"))
			}
			calls <- err
		}()
		look.seen(t)
	}
	_, err := p.Handle(testContext(t), deliveries("crash"))
	wantCrash(t, err, "exit status 7")
	for range 8 {
		err := <-calls
		wantCrash(t, err, "exit status 7", "engine on fire")
		if strings.Contains(err.Error(), "counts as up") {
			t.Error(err)
		}
	}
}

func TestKilledFromOutside(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows tells no difference between an exit and a kill")
	}
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	call := make(chan error, 1)
	go func() {
		_, err := p.Handle(testContext(t), deliveries("wait "+look.path))
		call <- err
	}()
	look.seen(t)
	process, err := os.FindProcess(p.State().PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	wantCrash(t, <-call, "the process ended: signal: killed, by somebody else; the system does so when memory is short\n")
}

// A batch that the process never had did not end it.
func TestCallAfterTheEndIsNoCrash(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	inst := p.current()
	_, err := p.Handle(testContext(t), deliveries("crash"))
	wantCrash(t, err)
	_, err = p.call(testContext(t), inst, deliveries("x"))
	wantNoCrash(t, err)
}

// A plugin that hangs up and lives on: the call does not wait for an end that does
// not come.
func TestHangUpIsNoCrash(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil, "outlive"), func(tm *timing) {
		tm.crashWait, tm.exit = 50*time.Millisecond, 50*time.Millisecond // it does not end by itself
	})
	mustStart(t, p)
	_, err := p.Handle(testContext(t), deliveries("hang-up"))
	wantNoCrash(t, err)
}

// A call that waits for the process's end holds up neither Stop nor its own
// canceller.
func TestWaitForTheEndIsCutShort(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  func(t *testing.T, p *Plugin, cancel func())
	}{
		{"by Stop", func(t *testing.T, p *Plugin, _ func()) {
			ctx := testContext(t)
			if _ = p.Stop(ctx); ctx.Err() != nil {
				t.Error("Stop used up all of its time")
			}
		}},
		{"by the caller", func(_ *testing.T, _ *Plugin, cancel func()) { cancel() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlugin(t, fakeSpec(t, nil, "outlive"), func(tm *timing) {
				tm.crashWait, tm.healthEvery = time.Hour, time.Hour
				tm.exit = 50 * time.Millisecond // it does not end by itself
			})
			mustStart(t, p)
			ctx, cancel := context.WithCancel(testContext(t))
			defer cancel()
			call := make(chan error, 1)
			go func() {
				_, err := p.Handle(ctx, deliveries("hang-up"))
				call <- err
			}()
			// The connection is gone when a call fails for want of it.
			for {
				short, done := context.WithTimeout(ctx, 50*time.Millisecond)
				_, err := p.current().health.Check(short, &healthpb.HealthCheckRequest{})
				done()
				if err != nil && !errors.Is(short.Err(), context.DeadlineExceeded) {
					break
				}
			}
			tt.cut(t, p, cancel)
			select {
			case err := <-call:
				if !errors.Is(err, context.Canceled) {
					wantNoCrash(t, err)
				}
			case <-time.After(patience):
				t.Fatal("the call still waits")
			}
		})
	}
}

func TestDetail(t *testing.T) {
	numbered := func(n, size int) []string {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf("%02d %s", i, strings.Repeat("é", size/2)))
		}
		return lines
	}
	for _, tt := range []struct {
		name string
		end  exitReport
		want []string // its lines
	}{
		{"no lines", exitReport{err: errors.New("exit status 1")}, []string{"exit status 1", "plugin: x"}},
		{"one fact a line", exitReport{err: errors.New("a\nb"), lines: []string{"one\ntwo\tthree", "\x1b[2J"}},
			[]string{"a b", "plugin: x", "its last lines were:", "    one two three", "    \uFFFD[2J"}},
		{"no UTF-8", exitReport{err: errors.New("a"), lines: []string{"\xff\xfe"}},
			[]string{"a", "plugin: x", "its last lines were:", "    \uFFFD\uFFFD"}},
		{"too many", exitReport{err: errors.New("a"), lines: numbered(20, 400)},
			append([]string{"a", "plugin: x", "its last lines were:", "    …"}, indent(numbered(20, 400)[11:])...)},
		{"too many of a panic", exitReport{err: errors.New("a"), lines: numbered(20, 400), panicked: true},
			append(append([]string{"a", "plugin: x", "its last lines were:"}, indent(numbered(20, 400)[:9])...), "    …")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.end.detail("plugin: x")
			if len(got) > maxDetail || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
			}
			if diff := cmp.Diff(tt.want, strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func indent(lines []string) []string {
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines
}
