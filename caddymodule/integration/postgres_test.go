package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
)

const (
	postgresPassword = "hunter2-of-the-database"
	// postgresTries is how often a database that is down is tried in the long form: once in a minute by default, so these
	// are an hour.
	postgresTries = 60
)

// postgresHandler has two attempts for each event, so that an outage which counted would make dead letters.
func postgresHandler(dsn string) string {
	return fmt.Sprintf(`handler "db" {
  plugin      = "postgres"
  concurrency = 4
  env         = { PGPASSWORD = %q }

  batch {
    max_events = 20
  }
  retry {
    max_attempts = 2
    min_delay    = "10ms"
    max_delay    = "20ms"
  }
  breaker {
    failures = 1
    cooldown = "100ms"
  }
  config {
    url             = %q
    migrate         = true
    signals         = true
    connect_timeout = "2s"
  }
}
`, postgresPassword, dsn)
}

// storedTimes counts, for each event in the database, how often it is there.
func storedTimes(ctx context.Context, dsn string) (map[string]int, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select event_id from smartcar.events")
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	times := map[string]int{}
	for _, id := range ids {
		times[id]++
	}
	return times, err
}

// Whatever is killed under load, the plugin or the database, each acknowledged event is in the database once. While the
// database is down, however often it is tried, no event uses up an attempt.
func TestPostgresKeepsEachEventOnce(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	db := postgrestest.Start(t)
	dsn := db.Database(t)
	s := newSite(t)
	s.write(t, "handlers.hcl", postgresHandler(dsn))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log())
		}
	})
	s.stages = "signature.failed"
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	p, f := s.start(t), newFleet(s, 8)
	var times map[string]int
	stored := func(n int) {
		t.Helper()
		waitFor(t, fmt.Sprintf("%d events are stored", n), 60*time.Second, func() bool {
			var err error
			times, err = storedTimes(t.Context(), dsn)
			return err == nil && len(times) >= n
		})
	}
	killPlugin := func() {
		for _, pid := range p.children(t) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Error(err)
			}
		}
	}
	killDatabase := func() {
		db.Kill()
		if err := db.Up(); err != nil {
			t.Fatal(err)
		}
	}
	rounds, tries := 1, 5
	if proof.IsLong() {
		rounds, tries = 3, postgresTries
	}
	for range rounds {
		for _, kill := range []func(){killPlugin, killDatabase} {
			before := f.total()
			sent := f.sendMore(t, 200)
			stored(before + 20)
			kill()
			<-sent
			stored(f.total())
		}
	}

	// An outage of more tries than an event has attempts.
	db.Kill()
	<-f.sendMore(t, 200)
	tried := strings.Count(s.wholeLog(), "cannot be reached")
	waitFor(t, "the database is tried again and again", 60*time.Second, func() bool {
		return strings.Count(s.wholeLog(), "cannot be reached") >= tried+tries
	})
	secretsOf(t, s, p)
	if err := db.Up(); err != nil {
		t.Fatal(err)
	}
	stored(f.total())
	for _, v := range f.vehicles {
		for _, id := range v.acked {
			if times[id] != 1 {
				t.Errorf("%s is there %d times", id, times[id])
			}
		}
	}
	if len(f.refused) > 0 {
		t.Errorf("answers other than 200: %v", f.refused)
	}
	p.terminate(t)
	if letters, reasons := s.deadLetters(t); len(letters) > 0 {
		t.Errorf("dead letters: %v", reasons)
	}
	t.Logf("%d events", f.total())
}

// sendMore has a fleet send so many events more, and closes the channel when all are acknowledged.
func (f *fleet) sendMore(t *testing.T, n int) (sent <-chan struct{}) {
	ctx, cancel := context.WithCancel(t.Context())
	goal, done := f.total()+n, make(chan struct{})
	f.onAck = func(total int) {
		if total >= goal {
			cancel()
		}
	}
	go func() {
		defer close(done)
		f.run(ctx)
	}()
	return done
}

// secretsOf looks for the database's password in the log, in what status says, and in the processes' arguments.
func secretsOf(t *testing.T, s *site, p *process) {
	t.Helper()
	resp, err := s.adminClient().Get("http://localhost/smartcar/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status strings.Builder
	if err := resp.Write(&status); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the log": s.wholeLog(), "the status": status.String()}
	for _, pid := range append(p.children(t), p.cmd.Process.Pid) {
		if text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "cmdline")); err == nil {
			places["the arguments of a process"] += string(text)
		}
	}
	for where, text := range places {
		if text == "" || strings.Contains(text, postgresPassword) {
			t.Errorf("%s: %d bytes, with the password: %v", where, len(text), strings.Contains(text, postgresPassword))
		}
	}
}
