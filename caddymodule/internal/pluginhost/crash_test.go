package pluginhost

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestCrashUnderACall(t *testing.T) {
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log))
	mustStart(t, p)
	p.Supervise()
	before := p.State()
	_, err := p.Handle(testContext(t), deliveries("crash"))
	wantCrash(t, err, "the process ended: exit status 7\n", "\nplugin: fake 1.2.3\n", "\nits last lines were:\n    engine on fire")
	if s := p.State(); s.Crashes != 1 {
		t.Errorf("state %+v, want one crash", s)
	}
	rec := log.await(t, "the end", message("plugin is gone"))
	if text := rec["error"].(string); !strings.Contains(text, "exit status 7") || !strings.Contains(text, "engine on fire") {
		t.Errorf("the log says %q", text)
	}
	if err := p.Ready(testContext(t)); err != nil {
		t.Fatal(err)
	}
	after := p.State()
	if !after.Up || after.PID == before.PID || after.Restarts != 1 || !strings.Contains(after.LastError, "engine on fire") {
		t.Errorf("State = %+v, before %+v", after, before)
	}
	if r := handleOne(t, p, "x"); r.Status != dispatch.Done {
		t.Errorf("result after the restart = %+v", r)
	}
}

// What a process says of its own end stands in the place of its exit status.
func TestAnEndInOwnWords(t *testing.T) {
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log))
	mustStart(t, p)
	_, err := p.Handle(testContext(t), deliveries("end engine ended: exit status 3"))
	wantCrash(t, err, "\nits last lines were:\n    no fuel")
	crash, _ := errors.AsType[*dispatch.CrashError](err)
	if !strings.HasPrefix(crash.Detail, "engine ended: exit status 3\nplugin: ") || strings.Count(crash.Detail, "engine ended") != 1 {
		t.Errorf("%s", crash.Detail)
	}
	if rec := log.await(t, "the record", message("engine ended: exit status 3")); rec["level"] != "ERROR" || rec["plugin"] != nil {
		t.Errorf("record = %v", rec)
	}
}

func TestSupervisionNeverGivesUp(t *testing.T) {
	log := newJournal()
	flag := filepath.Join(t.TempDir(), "database")
	p := newPlugin(t, fakeSpec(t, log, "fail-unless="+flag))
	if err := p.Start(testContext(t)); err == nil {
		t.Fatal("the plugin started without its database")
	}
	p.Supervise()
	p.Supervise()
	log.awaitN(t, 3, "a failed restart", message("plugin did not start; it will be tried again"))
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if s := p.State(); s.Restarts < 4 || !s.Up {
		t.Errorf("State = %+v", s)
	}
}

// Cleaners of temporary directories may remove the socket's directory under us.
func TestRestartWithoutItsDirectory(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	inst := p.current()
	if err := os.RemoveAll(p.dir.path); err != nil {
		t.Fatal(err)
	}
	if r := handleOne(t, p, "x"); r.Status != dispatch.Done {
		t.Errorf("result = %+v", r)
	}
	inst.proc.kill()
	<-inst.watched
	mustStart(t, p)
}

// A frozen process ends no call and no connection; only the health check sees it.
func TestFrozenPluginIsKilled(t *testing.T) {
	t.Parallel()
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log), func(tm *timing) {
		tm.healthEvery, tm.healthTimeout = 100*time.Millisecond, 500*time.Millisecond
	})
	mustStart(t, p)
	pid := p.State().PID
	_, err := p.Handle(testContext(t), deliveries("freeze"))
	wantCrash(t, err, "plugin was killed because it missed 3 health checks in a row: no answer within 500ms\n")
	p.Supervise()
	rec := log.await(t, "the end", message("plugin is gone"))
	if text := rec["error"].(string); !strings.Contains(text, "missed 3 health checks") {
		t.Errorf("the log says %q", text)
	}
	if err := p.Ready(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := p.State().PID; got == pid {
		t.Errorf("pid is still %d", pid)
	}
}

// The handler's timeout holds although the process is frozen.
func TestHandleDeadlineWhileFrozen(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Handle(ctx, deliveries("freeze")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Handle: %v, want context.DeadlineExceeded", err)
	}
	p.current().proc.kill()
}

func TestGrandchildCannotHideAnExit(t *testing.T) {
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	inst := p.current()
	go func() { _, _ = p.Handle(testContext(t), deliveries("fork "+look.path)) }()
	grandchild := look.seen(t)
	select {
	case <-inst.watched:
	case <-time.After(patience):
		t.Fatal("the exit is not noticed while a grandchild holds stderr")
	}
	if p.State().Up {
		t.Error("State says up")
	}
	_ = grandchild.SetReadDeadline(time.Now())
	if _, err := grandchild.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the grandchild is gone too, so this test shows nothing: %v", err)
	}
	// Closing the connection, at the test's end, ends the grandchild.
}

func TestGrandchildInTheGroupEnds(t *testing.T) {
	t.Parallel()
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	inst := p.current()
	_, _ = p.Handle(testContext(t), deliveries("fork-in-group "+look.path))
	<-inst.watched
	// It may have been killed before it connected.
	_ = look.ln.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(time.Second))
	if conn, err := look.ln.Accept(); err == nil {
		awaitEnd(t, conn)
		_ = conn.Close()
	}
}

// The host is killed and has no time to end anything; its plugins end all the same,
// and the next host removes what it left.
func TestKilledHostLeavesNothing(t *testing.T) {
	for _, role := range []string{"fake", "sdk"} {
		t.Run(role, func(t *testing.T) {
			look := newLookout(t)
			run := t.TempDir()
			arg := "tattle=" + look.path
			host := startSelf("host", role, arg, run)
			stdin, err := host.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stdout, err := host.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = host.Process.Kill() }()
			if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "up\n" {
				t.Fatalf("the host says %q", line)
			}
			plugin := look.seen(t)

			if err := host.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = host.Wait()
			awaitEnd(t, plugin)

			left, _ := filepath.Glob(filepath.Join(run, dirPrefix+"*"))
			if len(left) != 1 {
				t.Fatalf("the killed host left %v, want one directory", left)
			}
			next, err := newRuntimeDir([]string{run})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = next.remove() }()
			if _, err := os.Stat(left[0]); !os.IsNotExist(err) {
				t.Errorf("the next host does not remove %s: %v", left[0], err)
			}
		})
	}
}
