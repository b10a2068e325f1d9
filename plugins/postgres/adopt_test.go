package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// Tables that were made of the files alone have no version. Those that fit are taken over; others are never touched.
func TestTablesWithoutAVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change, version string
		want            []string
	}{
		"as they are needed": {"", "1", nil},
		"a column less": {"alter table smartcar.events drop column signature", "0",
			[]string{"migrate: Other tables are in the way", "already exists", `column "signature"`, "caddy smartcar postgres sql"}},
		"a table less": {"drop table smartcar.signals", "0", []string{`relation "smartcar.signals" does not exist`}},
		"a view less":  {"drop view smartcar.open_errors", "0", []string{`relation "smartcar.open_errors" does not exist`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, conn := database(t)
			exec(t, conn, setupSQL("smartcar")+"drop table smartcar.schema_version;"+tt.change)
			_, err := sdktest.Open(t, Plugin(), everything(dsn))
			var refused *sdktest.ConfigError
			if errors.As(err, &refused) != (tt.want != nil) {
				t.Fatalf("%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			if got := one(t, conn, "select version::text from smartcar.schema_version"); got != tt.version {
				t.Errorf("version %s, want %s", got, tt.version)
			}
		})
	}
}

// The SQL can be run where a first try of migrate has left its table of versions.
func TestSetupSQLAfterMigrateHasFailed(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	exec(t, conn, "create schema smartcar; create table smartcar.events (id int)")
	if _, err := sdktest.Open(t, Plugin(), everything(dsn)); err == nil {
		t.Fatal("another table was taken")
	}
	exec(t, conn, "drop table smartcar.events;"+setupSQL("smartcar"))
	if _, err := sdktest.Open(t, Plugin(), everything(dsn)); err != nil {
		t.Error(err)
	}
}

// A database that is not there is named, unless its name is the user's, whom no error names.
func TestNoSuchDatabase(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	name := one(t, conn, "select current_database()")
	tests := map[string]struct{ database, want string }{
		"named":           {"flet", "3D000 invalid_catalog_name, database flet"},
		"not plain":       {"'fl?t'", "3D000 invalid_catalog_name"},
		"as the password": {"hunter2", "3D000 invalid_catalog_name"},
	}
	for n, tt := range tests {
		t.Run(n, func(t *testing.T) {
			wrong := strings.Replace(dsn, "dbname="+name, "password=hunter2 dbname="+tt.database, 1)
			r := sdktest.Start(t, Plugin(), sdktest.Config{"url": wrong}).Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			if r.Status != sdk.StatusUnavailable || !strings.HasSuffix(r.Error, tt.want) {
				t.Errorf("%+v, want %s", r, tt.want)
			}
		})
	}
}
