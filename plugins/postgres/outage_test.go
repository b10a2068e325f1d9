package postgres

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// down delivers an event, which must have to wait, for a reason in these words.
func down(t *testing.T, host *sdktest.Host, e *sdk.Event, why string) {
	t.Helper()
	downWithin(t, host, 5*time.Second, e, why)
}

// downWithin is down for a call that has only so much time.
func downWithin(t *testing.T, host *sdktest.Host, limit time.Duration, e *sdk.Event, why string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r := host.Handle(ctx, e)[0]
	if r.Status != sdk.StatusUnavailable || !strings.Contains(r.Error, why) || strings.Contains(r.Error, postgrestest.User) {
		t.Errorf("%+v, want %s", r, why)
	}
}

// A database that is killed, starts, or hangs takes events later. The config is not to blame for it.
func TestOutages(t *testing.T) {
	s := server(t)
	dsn := s.Database(t)
	s.Kill()
	config := everything(dsn)
	config["pool_size"] = 1 // an older connection would tell of an older outage
	host := sdktest.Start(t, Plugin(), config)
	e := sdktest.VehicleState("e1", "v1")
	down(t, host, e, "cannot be reached: ")
	up(t, s)
	until(t, host, e, func(r sdk.Result) bool { return r.Status == sdk.StatusDone })
	s.Kill()
	down(t, host, e, "cannot be reached: ")
	up(t, s)
	s.Freeze()
	downWithin(t, host, 200*time.Millisecond, e, "no answer in time")
	s.Thaw()
	// Connections that had no answer are closed, and the next is another.
	until(t, host, e, func(r sdk.Result) bool { return r.Status == sdk.StatusDone })
}

func up(t *testing.T, s *postgrestest.Server) {
	t.Helper()
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
}

// What an operator has done to the database, an operator can undo: events wait for it.
func TestOperatorsMistakesAreOutages(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	config := everything(dsn)
	config["pool_size"] = 1
	host := sdktest.Start(t, Plugin(), config)
	allDone(t, host.Handle(t.Context(), sdktest.VehicleState("e1", "v1")))
	e := sdktest.VehicleState("e2", "v1")
	exec(t, conn, "alter table smartcar.events rename to elsewhere")
	down(t, host, e, "42P01 undefined_table")
	exec(t, conn, "alter table smartcar.elsewhere rename to events")
	exec(t, conn, "alter database "+one(t, conn, "select current_database()::text")+" set default_transaction_read_only = on")
	exec(t, conn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'caddy-smartcar' and datname = current_database()")
	// The connection that was ended says so first.
	until(t, host, e, func(r sdk.Result) bool { return strings.Contains(r.Error, "25006 read_only_sql_transaction") })
	down(t, host, e, "25006 read_only_sql_transaction")
}

// until delivers an event until its result is as it should be.
func until(t *testing.T, host *sdktest.Host, e *sdk.Event, right func(sdk.Result) bool) {
	t.Helper()
	var last sdk.Result
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		last = host.Handle(ctx, e)[0]
		cancel()
		if right(last) {
			return
		}
	}
	t.Fatalf("%+v", last)
}

// awaitOne waits until a query gives what is wanted.
func awaitOne(t *testing.T, conn *pgx.Conn, sql, want string) {
	t.Helper()
	last := ""
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		if last = one(t, conn, sql); last == want {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("%q, want %q", last, want)
}

// A call that ran out of time leaves no transaction behind, which would hold its locks.
func TestNoTransactionStaysOpen(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	exec(t, conn, "begin; lock table smartcar.signals in exclusive mode")
	e := sdktest.VehicleState("e1", "v1")
	downWithin(t, host, 500*time.Millisecond, e, "no answer in time")
	const open = `select count(*)::text from pg_stat_activity where application_name = 'caddy-smartcar'
		and datname = current_database() and (xact_start is not null or wait_event_type = 'Lock')`
	awaitOne(t, dial(t, dsn), open, "0")
	exec(t, conn, "rollback")
	allDone(t, host.Handle(t.Context(), e))
}

// Two edges, or a replay and live events, may bring the same events in another order: one waits for the other. Here
// both have to wait for a third, each at another place, so that without a fixed order each would have what the other
// wants.
func TestBatchesOfTheSameEventsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config sdktest.Config
		event  func(id, vehicle string) *sdk.Event
		held   config
	}{
		"events":  {sdktest.Config{}, sdktest.VehicleError, config{Events: true}},
		"signals": {sdktest.Config{"events": false, "signals": true}, sdktest.VehicleState, config{Signals: true}},
		"errors":  {sdktest.Config{"events": false, "errors": true}, sdktest.VehicleError, config{Errors: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, conn := database(t)
			tt.config["url"], tt.config["migrate"] = dsn, true
			host := sdktest.Start(t, Plugin(), tt.config)
			a, b, d, e := tt.event("a", "a"), tt.event("b", "b"), tt.event("d", "d"), tt.event("e", "e")
			third := dial(t, dsn)
			exec(t, third, "begin")
			tt.held.Schema = "smartcar"
			var rows pgx.Batch
			(&tables{config: tt.held, now: time.Now}).queue(&rows, []*sdk.Event{b, d})
			if err := third.SendBatch(t.Context(), &rows).Close(); err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			for i, batch := range [][]*sdk.Event{{e, d, a}, {a, b, e}} {
				both.Go(func() { allDone(t, host.Handle(t.Context(), batch...)) })
				awaitOne(t, conn, `select count(*)::text from pg_stat_activity
					where wait_event_type = 'Lock' and datname = current_database()`, []string{"1", "2"}[i])
			}
			exec(t, third, "rollback")
			both.Wait()
			if strings.Contains(server(t).Log(), "deadlock detected") {
				t.Error("they were in a deadlock")
			}
		})
	}
}

// proxy takes connections on TCP, and gives each to talk.
func proxy(t *testing.T, talk func(net.Conn)) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				talk(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// through passes all of a connection to the cluster's socket and back.
func through(t *testing.T) func(net.Conn) {
	socket := filepath.Join(server(t).Dir(), ".s.PGSQL.5432")
	return func(c net.Conn) {
		s, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		var back sync.WaitGroup
		back.Go(func() {
			_, _ = io.Copy(c, s)
			c.Close()
		})
		_, _ = io.Copy(s, c)
		s.Close()
		back.Wait()
	}
}

// stranger answers that it has TLS, and shows a certificate that nobody knows.
func stranger(t *testing.T) func(net.Conn) {
	lender := httptest.NewTLSServer(nil)
	t.Cleanup(lender.Close)
	return func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 8)); err != nil { // an SSLRequest
			return
		}
		_, _ = c.Write([]byte("S"))
		_ = tls.Server(c, &tls.Config{Certificates: lender.TLS.Certificates}).Handshake()
	}
}

// A password or a certificate that is wrong is for an operator to mend: events wait. No error tells who wanted in, to
// what, or with which password.
func TestNotLetIn(t *testing.T) {
	t.Parallel()
	_, conn := database(t)
	exec(t, conn, "drop role if exists "+postgrestest.Login+"; drop role if exists nologin; create role nologin; create role "+
		postgrestest.Login+" login password 'right-hunter1'")
	database := one(t, conn, "select current_database()::text")
	tests := map[string]struct {
		talk            func(net.Conn)
		user, mode, why string
	}{
		"a wrong password":      {through(t), postgrestest.Login, "disable", "28P01 invalid_password"},
		"it, with a second try": {through(t), postgrestest.Login, "prefer", "28P01 invalid_password"},
		"a role without login":  {through(t), "nologin", "disable", "28000 invalid_authorization_specification"},
		"no TLS":                {through(t), postgrestest.Login, "require", "the server has no TLS, and sslmode asks for it"},
		"a certificate":         {stranger(t), postgrestest.Login, "verify-full", "its certificate is not accepted"},
		"hangs up":              {func(net.Conn) {}, postgrestest.Login, "disable", "cannot be reached: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			address, port := proxy(t, tt.talk)
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": fmt.Sprintf("postgres://%s:hunter2@%s:%s/%s?sslmode=%s",
				tt.user, address, port, database, tt.mode)})
			r := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			if r.Status != sdk.StatusUnavailable || !strings.Contains(r.Error, tt.why) {
				t.Errorf("%+v, want %s", r, tt.why)
			}
			for _, secret := range []string{tt.user, "hunter", database} {
				if strings.Contains(r.Error, secret) {
					t.Errorf("%q has %q", r.Error, secret)
				}
			}
		})
	}
	// The password is what was wrong.
	address, port := proxy(t, through(t))
	dial(t, fmt.Sprintf("postgres://%s:right-hunter1@%s:%s/%s?sslmode=disable", postgrestest.Login, address, port, database))
}
