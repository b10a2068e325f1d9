package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable has the number of the last migration.
const versionTable = "schema_version"

// setupError is what only the operator can mend.
type setupError struct{ attribute, summary, detail string }

func (e *setupError) Error() string     { return e.summary + ": " + e.detail }
func (e *setupError) diagnostic() error { return sdk.ConfigError(e.attribute, e.summary, e.detail) }

// migrator has the migrations for a schema. Where conn is not nil, it makes the table of versions.
func migrator(ctx context.Context, conn *pgx.Conn, schema string) (*migrate.Migrator, error) {
	m, err := migrate.NewMigrator(ctx, conn, schema+"."+versionTable)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	m.Data = map[string]any{"schema": schema}
	return m, m.LoadMigrations(files)
}

// setupSQL is what migrate = true would run in an empty database, for who runs it by hand: all of it or nothing.
func setupSQL(schema string) string {
	m, err := migrator(context.Background(), nil, schema)
	if err != nil {
		return "" // the migrations are part of the binary, and tests read them
	}
	text := "begin;\ncreate schema if not exists " + schema + ";\n"
	for _, step := range m.Migrations {
		text += "\n" + step.UpSQL + "\n"
	}
	// Later, migrate = true goes on from there. Where it has failed before, the table of the version is there.
	return text + fmt.Sprintf("\ncreate table if not exists %[1]s.%[2]s (version int4 not null);\n"+
		"delete from %[1]s.%[2]s;\ninsert into %[1]s.%[2]s values (%[3]d);\ncommit;\n",
		schema, versionTable, len(m.Migrations))
}

// SetupSQL is the SQL that makes the schema and its tables, as psql runs it. The error is of a name that is refused, see
// checkSchema.
func SetupSQL(schema string) (string, error) {
	if err := checkSchema(schema); err != nil {
		return "", fmt.Errorf("not a schema's name: %w", err)
	}
	return setupSQL(schema), nil
}

// printSQL is the command that prints the SQL for a schema. An error has no room for the SQL itself.
func printSQL(schema string) string {
	if schema == DefaultSchema {
		return "caddy smartcar postgres sql"
	}
	return "caddy smartcar postgres sql --schema " + schema
}

// migrateTables brings the schema to the version of this binary. Several at once wait for each other.
func migrateTables(ctx context.Context, conn *pgx.Conn, c config) error {
	err := createSchema(ctx, conn, c.Schema)
	if err != nil {
		return err
	}
	m, err := migrator(ctx, conn, c.Schema)
	if err != nil {
		return err
	}
	err = m.Migrate(ctx)
	var newer migrate.BadVersionError
	if errors.As(err, &newer) {
		// A later version was here. Whether its tables will do is found by looking at them.
		return nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == duplicateTable {
		return adopt(ctx, conn, c.Schema, len(m.Migrations), refused)
	}
	return err
}

// duplicateTable is the SQLSTATE of a table, an index or a view that is there already.
const duplicateTable = "42P07"

// adopt takes tables for those of a version where nobody has written down that they are, as when they were made by hand
// of the files alone: if all that the version has is there and does for every statement, the version is recorded.
func adopt(ctx context.Context, conn *pgx.Conn, schema string, version int, duplicate *pgconn.PgError) error {
	all := &tables{config: config{Schema: schema, Events: true, Signals: true, Errors: true}}
	needed := append(all.statements(), "select opened_at, resolved_at from "+schema+".open_errors")
	for _, sql := range needed {
		refused, err := plan(ctx, conn, sql)
		if err != nil {
			return err
		}
		if refused != nil {
			return &setupError{"migrate", "Other tables are in the way", "migrate was about to make them: " +
				duplicate.Message + "; but they are not all as they are needed: " + refused.Message +
				". Rename or drop those that are there, choose another schema, or change them to what \"" +
				printSQL(schema) + "\" prints."}
		}
	}
	_, err := conn.Exec(ctx, fmt.Sprintf("update %s.%s set version = %d", schema, versionTable, version))
	return err
}

// createSchema asks first: to create what is there takes a right that a user of the schema may not have.
func createSchema(ctx context.Context, conn *pgx.Conn, schema string) error {
	var there bool
	err := conn.QueryRow(ctx, "select exists (select from pg_namespace where nspname = $1)", schema).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "create schema if not exists "+schema)
	return err
}

// checkTables asks the database to plan every statement, which it refuses when a table, a column, a unique index or a
// right is missing or a type is another.
func checkTables(ctx context.Context, conn *pgx.Conn, c config, statements []string) error {
	for _, sql := range statements {
		refused, err := plan(ctx, conn, sql)
		if err != nil {
			return err
		}
		if refused == nil {
			continue
		}
		if refused.Code == "42501" {
			return &setupError{"url", "A right is missing", refused.Message + ". Run as the owner of the tables: " +
				grants(c.Schema, conn.Config().User)}
		}
		return &setupError{"schema", "The tables are not there as they are needed", refused.Message +
			". Write migrate = true, or run as the user who shall own them: " + printSQL(c.Schema) + " | psql DATABASE"}
	}
	return nil
}

func grants(schema, user string) string {
	who := pgx.Identifier{user}.Sanitize()
	return fmt.Sprintf("grant usage on schema %[1]s to %[2]s; grant select, insert, update on all tables in schema %[1]s to %[2]s;",
		schema, who)
}

// plan has the database parse and plan a statement without running it. refused is what it has against it.
func plan(ctx context.Context, conn *pgx.Conn, sql string) (refused *pgconn.PgError, err error) {
	described, err := conn.PgConn().Prepare(ctx, "", sql, nil)
	if err != nil {
		return refusal(err)
	}
	nulls := make([][]byte, len(described.ParamOIDs))
	result := conn.PgConn().ExecParams(ctx, "explain "+sql, nulls, described.ParamOIDs, nil, nil).Read()
	return refusal(result.Err)
}

// refusal tells what a statement cannot do from all other errors.
func refusal(err error) (*pgconn.PgError, error) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "42") || refused.Code == "3F000") {
		return refused, nil
	}
	return nil, err
}

// checkStatement has the database parse the user's statement, and plan it where it can be planned, and tries whether
// the arguments can be given in the types that it asks for.
func checkStatement(ctx context.Context, conn *pgx.Conn, sql string) error {
	text, values, err := positional(sql, sample())
	if err != nil {
		return err
	}
	described, err := conn.PgConn().Prepare(ctx, "", text, nil)
	refused, err := refusal(err)
	if err != nil {
		return err
	}
	if refused != nil {
		return &setupError{"statement", "The database refuses the statement", refused.Code + " " +
			conditionName(refused.Code) + ": " + refused.Message + place(text, refused.Position)}
	}
	for i, oid := range described.ParamOIDs {
		format := conn.TypeMap().FormatCodeForOID(oid)
		if _, isText := values[i].(*string); isText {
			format = pgx.TextFormatCode
		}
		if _, isText := values[i].(string); isText {
			format = pgx.TextFormatCode
		}
		if _, err := conn.TypeMap().Encode(oid, format, values[i], nil); err != nil {
			return &setupError{"statement", "An argument does not fit", fmt.Sprintf(
				"The database takes it as $%d, of a type in which it cannot be given. Cast it, such as @replay::boolean.", i+1)}
		}
	}
	if refused := explain(ctx, conn, text, described.ParamOIDs); refused != nil {
		return &setupError{"statement", "The database refuses the statement", refused.Code + " " +
			conditionName(refused.Code) + ": " + refused.Message}
	}
	return nil
}

// explain finds what is only found in planning, such as a right that is missing. Not every statement can be planned:
// what else goes wrong is no reason to refuse it.
func explain(ctx context.Context, conn *pgx.Conn, sql string, types []uint32) *pgconn.PgError {
	err := conn.PgConn().ExecParams(ctx, "explain "+sql, make([][]byte, len(types)), types, nil, nil).Read().Err
	refused, _ := refusal(err)
	if refused == nil || refused.Code == "42601" {
		return nil
	}
	return refused
}

// place shows where in a statement something is wrong; position counts characters from 1, 0 is unknown.
func place(sql string, position int32) string {
	if position < 1 || int(position) > utf8.RuneCountInString(sql) {
		return ""
	}
	begin := string([]rune(sql)[:position-1])
	line := strings.Count(begin, "\n")
	column := utf8.RuneCountInString(begin[strings.LastIndexByte(begin, '\n')+1:])
	shown := strings.Split(sql, "\n")[line]
	return fmt.Sprintf("\n\nline %d: %s\n%s^", line+1, shown, strings.Repeat(" ", len(fmt.Sprintf("line %d: ", line+1))+column))
}
