package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// cluster is one server for all tests. Those that stop it are not parallel, and so run before those that are.
var cluster = sync.OnceValues(func() (*postgrestest.Server, error) {
	return postgrestest.New(postgrestest.Quick...)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if s, err := cluster(); err == nil {
		s.Close()
	}
	if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan")); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// server is the cluster, in which each test makes databases of its own.
func server(t testing.TB) *postgrestest.Server {
	t.Helper()
	s, err := cluster()
	if errors.Is(err, postgrestest.ErrMissing) {
		postgrestest.Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database is a new database and a connection to it.
func database(t testing.TB) (dsn string, conn *pgx.Conn) {
	t.Helper()
	dsn = server(t).Database(t)
	return dsn, dial(t, dsn)
}

func dial(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns the rows of a query, one string for each.
func ask(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func one(t testing.TB, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	got := ask(t, conn, sql, args...)
	if len(got) != 1 {
		t.Fatalf("%s: %d rows", sql, len(got))
	}
	return got[0]
}

func allDone(t testing.TB, results []sdk.Result) {
	t.Helper()
	for i, r := range results {
		if r.Status != sdk.StatusDone {
			t.Errorf("event %d: %+v", i, r)
		}
	}
}

// everything is a config with all tables.
func everything(dsn string) sdktest.Config {
	return sdktest.Config{"url": dsn, "migrate": true, "signals": true, "errors": true}
}
