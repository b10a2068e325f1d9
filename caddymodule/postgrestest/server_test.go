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

func TestDataOutlivesAKill(t *testing.T) {
	s := postgrestest.Start(t)
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

func TestAFrozenServerAnswersLater(t *testing.T) {
	s := postgrestest.Start(t, "fsync=off")
	conn := connect(t, s.Database(t))
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

func TestNothingStays(t *testing.T) {
	s, err := postgrestest.New("fsync=off")
	if err != nil {
		t.Skip(err) // the tests above say whether that is allowed
	}
	s.Close()
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("the folder stays: %v", err)
	}
}
