package postgrestest_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// All of it is of one cluster: to make one takes longer than the rest.
func TestServer(t *testing.T) {
	var s *postgrestest.Server
	t.Run("starts", func(t *testing.T) { s = started(t) })
	if s == nil {
		return // the machine has none, or it did not start
	}
	defer s.Close()
	t.Run("data outlive a kill", func(t *testing.T) { killed(t, s) })
	t.Run("a frozen one answers later", func(t *testing.T) { frozen(t, s) })
	s.Close()
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("the folder stays: %v", err)
	}
}

func started(t *testing.T) *postgrestest.Server {
	s, err := postgrestest.New()
	if errors.Is(err, postgrestest.ErrMissing) {
		postgrestest.Missing(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func killed(t *testing.T, s *postgrestest.Server) {
	dsn := s.Database(t)
	if _, err := connect(t, dsn).Exec(t.Context(), "create table kept (n int); insert into kept values (7)"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Fatal("it still answers")
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := connect(t, dsn).QueryRow(t.Context(), "select n from kept").Scan(&n); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
}

func frozen(t *testing.T, s *postgrestest.Server) {
	conn := connect(t, s.DSN("postgres"))
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "select 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("answered while frozen: %v", err)
	}
	s.Thaw()
	if _, err := connect(t, s.DSN("postgres")).Exec(t.Context(), "select 1"); err != nil {
		t.Error(err)
	}
}
