package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestWrongSchemas(t *testing.T) {
	for name, want := range map[string]string{
		"": "use lower-case letters", "a; drop table x": "use lower-case letters", "Fleet": "use lower-case letters",
		"1fleet": "use lower-case letters", "my fleet": "use lower-case letters", `"fleet"`: "use lower-case letters",
		strings.Repeat("x", 64): "use lower-case letters", "pg_fleet": "begin with pg_", "order": "order is a word of SQL", "user": "a word of SQL",
	} {
		t.Run(name, func(t *testing.T) {
			if text, err := SetupSQL(name); text != "" || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("SQL %q, %v; want %s", text, err, want)
			}
			_, err := sdktest.Open(t, Plugin(), sdktest.Config{"schema": name})
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "schema: Not a schema's name") || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// What the server would not take without quotes is refused, and each other word of SQL does for a schema as it stands.
func TestWordsOfSQL(t *testing.T) {
	t.Parallel()
	_, conn := database(t)
	reserved := ask(t, conn, "select word from pg_get_keywords() where catcode in ('R', 'T')")
	if len(reserved) < 90 {
		t.Errorf("the server reserves only %d words", len(reserved))
	}
	for _, word := range reserved {
		if checkSchema(word) == nil {
			t.Errorf("%s is taken", word)
		}
	}
	exec(t, conn, `do $$
		declare name text;
		begin
			for name in select word from pg_get_keywords() where catcode = 'C' loop
				execute 'create schema ' || name;
				execute 'create table ' || name || '.events (a int)';
				execute 'insert into ' || name || '.events as old (a) select a from ' || name || '.events';
				execute 'drop schema ' || name || ' cascade';
			end loop;
		end $$`)
}
