package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestStoresEventsOnce(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	state, fault := sdktest.VehicleState("e1", "v1"), sdktest.VehicleError("e2", "v2")
	allDone(t, host.Handle(t.Context(), state, fault, state))
	const all = "select t::text from (select * from smartcar.events order by event_id) t"
	before := ask(t, conn, all)
	if len(before) != 2 {
		t.Fatalf("%d rows", len(before))
	}
	kept := one(t, conn, "select encode(payload, 'hex') from smartcar.events where event_id = 'e1' and source = 'sdktest' "+
		"and event_type = 'VEHICLE_STATE' and vehicle_id = 'v1' and mode = 'TEST' and signature = $1 and received_at = $2",
		state.Signature, state.ReceivedAt)
	if kept != hex.EncodeToString(state.Payload) {
		t.Error("the payload is another")
	}
	rest := ask(t, conn, "select t::text from smartcar.signals t order by code")
	// What comes again changes nothing, be it a repetition or a replay.
	again := *state
	again.Replay, again.Attempt = true, 2
	allDone(t, host.Handle(t.Context(), &again, fault))
	if diff := cmp.Diff(before, ask(t, conn, all)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(rest, ask(t, conn, "select t::text from smartcar.signals t order by code")); diff != "" || len(rest) == 0 {
		t.Errorf("%d signals, %s", len(rest), diff)
	}
	// Another receiver may have an event of the same id.
	other := *state
	other.Source = "other"
	allDone(t, host.Handle(t.Context(), &other))
	if n := len(ask(t, conn, all)); n != 3 {
		t.Errorf("%d rows", n)
	}
}

func TestReplaysFillTablesThatWereEmptied(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	e := sdktest.VehicleState("e1", "v1")
	allDone(t, host.Handle(t.Context(), e))
	exec(t, conn, "delete from smartcar.signals")
	e.Replay = true
	allDone(t, host.Handle(t.Context(), e))
	if n := one(t, conn, "select count(*)::text from smartcar.signals"); n == "0" {
		t.Error("the replay stored no signal")
	}
}

func TestWhatNoColumnTakes(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	nul, long := sdktest.VehicleState("e", "v"), sdktest.VehicleState("e", "v")
	nul.ID, nul.Payload = "a\x00b", []byte(`{"eventType":"VEHICLE_STATE","x":"\u0000"}`)
	long.ID = strings.Repeat("0123456789", 5_000)
	good := sdktest.VehicleState("good", "v2")
	odd := []*sdk.Event{nul, long, good}
	for i, body := range [][]byte{nil, []byte("not JSON"), {0xff, 0}, []byte(`{"a":1e999999}`), []byte(`"\ud800"`),
		[]byte(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))} {
		odd = append(odd, &sdk.Event{ID: fmt.Sprint("odd", i), Source: "s", Type: "VEHICLE_STATE", VehicleID: "v", Payload: body})
	}
	allDone(t, host.Handle(t.Context(), odd...))
	if n := one(t, conn, "select count(*)::text || ' ' || count(body) from smartcar.events"); n != fmt.Sprintf("%d 2", len(odd)) {
		t.Errorf("%s rows and bodies", n)
	}
	if ids := ask(t, conn, "select event_id from smartcar.events where length(event_id) between 60 and 300"); len(ids) != 2 {
		t.Errorf("ids %q", ids)
	}
}

func TestErrorsOpenAndResolve(t *testing.T) {
	t.Parallel()
	at := func(minute int) int64 { return time.Date(2026, 1, 1, 10, minute, 0, 0, time.UTC).UnixMilli() }
	event := func(id string, minute int, state, more string) *sdk.Event {
		return sdktest.Event(fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_ERROR","data":{"vehicle":{"id":"v"},`+
			`"errors":[{"type":"VEHICLE_STATE","code":"UNREACHABLE","state":%q%s}]},"meta":{"mode":"LIVE","deliveredAt":%d}}`,
			id, state, more, at(minute)))
	}
	events := []*sdk.Event{
		event("1", 1, "ERROR", `,"signals":["Charge.IsCharging",{"code":"odometer-traveleddistance"}],"suggestedUserMessage":"Drive."`),
		event("2", 2, "ERROR", `,"signals":["charge-voltage"]`),
		event("3", 3, "RESOLVED", ""),
		event("4", 5, "ERROR", `,"resolution":{"type":"RETRY_LATER"}`),
	}
	want := []string{
		"10:01 10:03 {charge-voltage}",
		"10:05 open {}",
	}
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	for name, order := range map[string][]int{"in order": {0, 1, 2, 3}, "backwards": {3, 2, 1, 0}, "mixed": {2, 0, 3, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			exec(t, conn, "delete from smartcar.errors")
			for _, i := range order {
				allDone(t, host.Handle(t.Context(), events[i]))
			}
			got := ask(t, conn, `select to_char(opened_at at time zone 'utc', 'HH24:MI') || ' ' ||
				coalesce(to_char(resolved_at at time zone 'utc', 'HH24:MI'), 'open') || ' ' || signals::text
				from smartcar.error_periods order by opened_at`)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if open := ask(t, conn, "select resolution from smartcar.open_errors"); !slices.Equal(open, []string{"RETRY_LATER"}) {
				t.Errorf("open: %q", open)
			}
			if codes := one(t, conn, "select signals::text from smartcar.errors where event_id = '1'"); codes != "{charge-ischarging,odometer-traveleddistance}" {
				t.Error(codes)
			}
		})
	}
}

func TestOneEventDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	exec(t, conn, "create table mine (id text primary key, n int, vehicle text check (vehicle <> 'forbidden'))")
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": dsn, "statement": "insert into mine values (@event_id, @event_type::text::int, @vehicle_id) on conflict do nothing"})
	event := func(id, number, vehicle string) *sdk.Event {
		return &sdk.Event{ID: id, Type: number, VehicleID: vehicle, Source: "s", Payload: []byte("{}")}
	}
	// Before anything was written, the statement may be what is wrong.
	if r := host.Handle(t.Context(), event("0", "secret-value", "a"))[0]; r.Status != sdk.StatusRetry || strings.Contains(r.Error, "secret") {
		t.Errorf("%+v", r)
	}
	results := host.Handle(t.Context(),
		event("1", "1", "a"), event("2", "secret-value", "a"), event("3", "3", "a"),
		event("4", "4", "forbidden"), event("5", "5", "forbidden"), event("6", "6", "b"))
	want := []sdk.Result{
		{Status: sdk.StatusDone},
		{Status: sdk.StatusReject, Reason: "sqlstate_22p02", Error: "writing: the database says 22P02 invalid_text_representation"},
		{Status: sdk.StatusDone},
		{Status: sdk.StatusRetry, Error: "writing: the database says 23514 check_violation, constraint mine_vehicle_check, table mine"},
		{Status: sdk.StatusRetry, Error: "waits for an earlier event of the same vehicle"},
		{Status: sdk.StatusDone},
	}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Error(diff)
	}
	if ids := ask(t, conn, "select id from mine order by id"); !slices.Equal(ids, []string{"1", "3", "6"}) {
		t.Errorf("%q", ids)
	}
}

// Each type that a column may have takes the arguments, also where they are null.
func TestAStatementOfOnesOwn(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]string{"by default": "", "cache_describe": " default_query_exec_mode=cache_describe", "describe_exec": " default_query_exec_mode=describe_exec"} {
		t.Run(name, func(t *testing.T) {
			dsn, conn := database(t)
			exec(t, conn, `create table mine (id text primary key, vehicle uuid, at timestamptz, body jsonb, raw bytea,
				replay boolean, attempt int, stale text[], position bigint)`)
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": dsn + mode, "statement": `insert into mine values (@event_id, @vehicle_id,
				@received_at, @body, @payload, @replay, @attempt, @stale_signals, @position) on conflict do nothing`})
			e := sdktest.VehicleState("e1", "3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f")
			e.Replay, e.StaleSignals = true, []string{"a-b"}
			none := *e
			none.ID, none.VehicleID, none.StaleSignals = "e2", "", nil
			allDone(t, host.Handle(t.Context(), e, &none))
			got := ask(t, conn, "select id || ' ' || coalesce(vehicle::text, 'null') || ' ' || replay || ' ' || stale::text || ' ' || (body ->> 'eventId') from mine order by id")
			want := []string{"e1 3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f true {a-b} e1", "e2 null true {} e1"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if raw := one(t, conn, "select encode(raw, 'hex') from mine where id = 'e1'"); raw != hex.EncodeToString(e.Payload) {
				t.Error("the payload is another")
			}
		})
	}
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config sdktest.Config
		want   string
	}{
		"not a URL":        {sdktest.Config{"url": "postgres://u:hunter2@h:port/x"}, "url: Not a way to a database"},
		"odd words":        {sdktest.Config{"url": "password=hunter2 nonsense"}, "url: Not a way to a database"},
		"no certificate":   {sdktest.Config{"url": "postgres://u:hunter2@h/x?sslmode=verify-full&sslrootcert=/no/such"}, "url: Not a way to a database"},
		"pool":             {sdktest.Config{"pool_size": 0}, "pool_size: Not a number of connections"},
		"wait":             {sdktest.Config{"connect_timeout": "0s"}, "connect_timeout: Too short"},
		"nothing":          {sdktest.Config{"events": false}, "events: Nothing to store"},
		"unknown argument": {sdktest.Config{"statement": "insert into x values (@eventid)"}, "statement: Unknown argument"},
		"no argument":      {sdktest.Config{"statement": "select 1"}, "statement: No argument"},
		"both":             {sdktest.Config{"statement": "select @event_id", "signals": true}, "signals: Does not go with statement"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestTheDatabaseIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	exec(t, conn, "create table mine (id int primary key, at timestamptz)")
	exec(t, conn, "do $$ begin if not exists (select from pg_roles where rolname = 'weak') then create role weak login; end if; end $$")
	weak := strings.Replace(dsn, "user="+postgrestest.User, "user=weak", 1)
	exec(t, conn, setupSQL("bare"))
	exec(t, conn, setupSQL("unfinished")+"alter table unfinished.events drop column signature")
	exec(t, conn, setupSQL("unindexed")+"alter table unindexed.signals drop constraint signals_pkey")
	exec(t, conn, "grant usage on schema bare to weak")
	tests := map[string]struct {
		config sdktest.Config
		want   []string
	}{
		"no tables":     {sdktest.Config{"url": dsn}, []string{"schema: The tables", `relation "smartcar.events" does not exist`, "caddy smartcar postgres sql | psql"}},
		"a column":      {sdktest.Config{"url": dsn, "schema": "unfinished"}, []string{`column "signature"`, "caddy smartcar postgres sql --schema unfinished | psql"}},
		"no key":        {sdktest.Config{"url": dsn, "schema": "unindexed", "signals": true}, []string{"no unique or exclusion constraint"}},
		"no right":      {sdktest.Config{"url": weak, "schema": "bare"}, []string{"url: A right is missing", `grant usage on schema bare to "weak"`}},
		"a word":        {sdktest.Config{"url": dsn, "statement": "insert into mine\n  valuse (@event_id)"}, []string{"statement: The database refuses", "42601 syntax_error", "line 2:   valuse ($1)\n          ^"}},
		"another table": {sdktest.Config{"url": dsn, "statement": "insert into yours values (@event_id)"}, []string{`42P01 undefined_table: relation "yours" does not exist`}},
		"a type":        {sdktest.Config{"url": dsn, "statement": "insert into mine values (1, @replay)"}, []string{"statement: An argument does not fit", "$1"}},
		"their right":   {sdktest.Config{"url": weak, "statement": "insert into mine values (@position)"}, []string{"42501 insufficient_privilege"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			var refused *sdktest.ConfigError
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
		})
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	// Several handlers, and the processes of a reload, may start at once.
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			_, err := sdktest.Open(t, Plugin(), everything(dsn))
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	// What is set up by hand is the same, and migrate goes on from there.
	exec(t, conn, setupSQL("other"))
	for name, config := range map[string]sdktest.Config{
		"by hand":       {"url": dsn, "schema": "other", "signals": true, "errors": true},
		"then migrated": {"url": dsn, "schema": "other", "migrate": true},
	} {
		if _, err := sdktest.Open(t, Plugin(), config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const columns = `select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
		where table_schema = $1 order by 1`
	if diff := cmp.Diff(ask(t, conn, columns, "smartcar"), ask(t, conn, columns, "other")); diff != "" {
		t.Error(diff)
	}
	// A binary that is older than the tables goes on with them.
	exec(t, conn, "update smartcar.schema_version set version = 99")
	if _, err := sdktest.Open(t, Plugin(), everything(dsn)); err != nil {
		t.Error(err)
	}
}

// What the README shows is what the plugin has: tables, columns, arguments, options.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dsn, conn := database(t)
	sdktest.Start(t, Plugin(), everything(dsn))
	var words []string
	words = append(words, ask(t, conn, "select distinct '`' || column_name || '`' from information_schema.columns where table_schema = 'smartcar' and table_name <> 'schema_version'")...)
	words = append(words, ask(t, conn, "select '`' || relname || '`' from pg_class where relnamespace = 'smartcar'::regnamespace and relkind in ('r', 'v')")...)
	for name := range sample() {
		words = append(words, "`@"+name+"`")
	}
	for _, a := range Plugin().Schema().Attributes {
		words = append(words, "| `"+a.Name+"` |")
	}
	for _, word := range words {
		if !bytes.Contains(text, []byte(word)) {
			t.Errorf("the README lacks %s", word)
		}
	}
	// Its queries run.
	queries := strings.Split(string(text), "```sql\n")[1:]
	if len(queries) < 3 {
		t.Errorf("%d queries", len(queries))
	}
	for _, q := range queries {
		q, _, _ = strings.Cut(q, "```")
		exec(t, conn, q)
	}
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Error("no migrations", err)
	}
}
