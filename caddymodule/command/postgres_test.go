package command

import (
	"strings"
	"testing"
)

func TestPostgresSQL(t *testing.T) {
	out, _, err := runIt("postgres", "sql", "--schema", "cars")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"create table cars.events", "create view cars.open_errors", "insert into cars.schema_version"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.HasPrefix(out, "begin;\n") || !strings.HasSuffix(out, "commit;\n") {
		t.Errorf("not one transaction:\n%s", out)
	}
	out, _, err = runIt("postgres", "sql", "--schema", "Cars")
	if err == nil || !strings.Contains(out, `"Cars" is not a schema's name`) || strings.Contains(out, "create") {
		t.Errorf("%v\n%s", err, out)
	}
}
