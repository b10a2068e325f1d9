package sdktest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// What follows is the quick start of the README, word for word.

type Config struct {
	DSN string `config:"dsn,sensitive" doc:"How to reach the database."`
}

func plugin() *sdk.Plugin { return sdk.New("fleet-db", open) }

func open(ctx context.Context, c Config) (sdk.Handler, error) {
	db, err := sql.Open("pgx", c.DSN)
	if err != nil {
		return nil, sdk.ConfigError("dsn", "Not a data source", "Write it like postgres://user@host/name.")
	}
	sdk.OnClose(ctx, func(context.Context) error { return db.Close() })
	return func(ctx context.Context, e *sdk.Event) error {
		_, err := db.ExecContext(ctx,
			`INSERT INTO events (id, vehicle, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
			e.ID, e.VehicleID, e.Payload)
		if err != nil && db.PingContext(ctx) != nil {
			return sdk.Unavailable(err) // the database is down: deliveries pause, no attempt is counted
		}
		return err // nil: done. Else the event is at fault: after some attempts it is a dead letter
	}, nil
}

func TestQuickStartIsThatOfTheREADME(t *testing.T) {
	own, err := os.ReadFile("quickstart_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, begin := range []string{"type Config struct {", "func plugin()", "func open("} {
		_, text, _ := strings.Cut(string(own), begin)
		text, _, _ = strings.Cut(text, "\n\n")
		if !strings.Contains(string(page), begin+text+"\n") {
			t.Errorf("the README has another %s", begin)
		}
	}
}

func TestQuickStart(t *testing.T) {
	sql.Register("pgx", fakeDriver{})
	for name, want := range map[string]sdk.Status{
		"works":     sdk.StatusDone,
		"refuses":   sdk.StatusRetry,
		"down":      sdk.StatusUnavailable,
		"goes down": sdk.StatusUnavailable,
	} {
		t.Run(name, func(t *testing.T) {
			host := sdktest.Start(t, plugin(), sdktest.Config{"dsn": name})
			if got := host.Handle(t.Context(), sdktest.VehicleState("event-1", "vehicle-1"))[0]; got.Status != want {
				t.Errorf("%+v, want %s", got, want)
			}
		})
	}
}

// fakeDriver stands for the driver of the README, which needs a database.
type fakeDriver struct{}

var errRefused = errors.New("refused")

func (fakeDriver) Open(dsn string) (driver.Conn, error) {
	if dsn == "works" || dsn == "refuses" || dsn == "goes down" {
		return fakeConn(dsn), nil
	}
	return nil, errors.New("connection refused")
}

// fakeConn is a connection to a database that does what its name says.
type fakeConn string

func (c fakeConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	if c == "works" {
		return driver.RowsAffected(1), nil
	}
	return nil, errRefused
}

func (c fakeConn) Ping(context.Context) error {
	if c == "goes down" {
		return driver.ErrBadConn
	}
	return nil
}

func (fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errRefused }
func (fakeConn) Begin() (driver.Tx, error)           { return nil, errRefused }
func (fakeConn) Close() error                        { return nil }
