package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// tables write events into the plugin's own tables: one statement a table and batch, each with an array for a column.
type tables struct {
	config config
	// now is time.Now except in tests.
	now func() time.Time
}

// insertEvents leaves out what is stored already. Here, and in the other statements, the rows are in order of the key:
// of two batches that have the same events, as of a replay and of live ones, one waits for the other, and no deadlock
// comes of it.
const insertEvents = `
insert into %s.events (source, event_id, event_type, mode, vehicle_id, user_id, webhook_id, received_at, position,
  content_type, signature, payload, body)
select source, event_id, event_type, mode, vehicle_id, user_id, webhook_id, received_at, position,
  content_type, signature, payload, body::jsonb
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
  $9::bigint[], $10::text[], $11::text[], $12::bytea[], $13::text[]) as e (source, event_id, event_type, mode,
  vehicle_id, user_id, webhook_id, received_at, position, content_type, signature, payload, body)
order by source, event_id
on conflict do nothing`

// upsertSignals takes of each signal the newest reading of the batch, and stores it where it is newer than the stored
// one. Readings with a time go by oemUpdatedAt, retrievedAt, sequence; those without lose to them, and go among
// themselves by when they were received. Equal is not newer. A stored time after $12 has not come yet and counts as
// none.
const upsertSignals = `
insert into %s.signals as old (source, vehicle_id, mode, code, body, oem_updated_at, retrieved_at, sequence, event_id,
  received_at, position)
select distinct on (source, vehicle_id, mode, code) source, vehicle_id, mode, code, body::jsonb, oem_updated_at,
  retrieved_at, sequence, event_id, received_at, position
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
  $8::bigint[], $9::text[], $10::timestamptz[], $11::bigint[]) with ordinality as s (source, vehicle_id, mode, code,
  body, oem_updated_at, retrieved_at, sequence, event_id, received_at, position, place)
order by source, vehicle_id, mode, code, oem_updated_at desc nulls last, retrieved_at desc nulls last, sequence desc,
  case when oem_updated_at is null then received_at end desc nulls last,
  case when oem_updated_at is null then position end desc nulls last, place
on conflict (source, vehicle_id, mode, code) do update set body = excluded.body,
  oem_updated_at = excluded.oem_updated_at, retrieved_at = excluded.retrieved_at, sequence = excluded.sequence,
  event_id = excluded.event_id, received_at = excluded.received_at, position = excluded.position, stored_at = now()
where case
  when old.oem_updated_at is null or greatest(old.oem_updated_at, old.retrieved_at) > $12::timestamptz then
    excluded.oem_updated_at is not null
    or (excluded.received_at, excluded.position) > (old.received_at, old.position)
  when excluded.oem_updated_at is null then false
  else (excluded.oem_updated_at, coalesce(excluded.retrieved_at, '-infinity'), excluded.sequence)
    > (old.oem_updated_at, coalesce(old.retrieved_at, '-infinity'), old.sequence)
end`

// insertErrors leaves out what is stored already.
const insertErrors = `
insert into %s.errors (source, event_id, n, vehicle_id, mode, user_id, type, code, state, told_at, signals, description,
  suggested_user_message, doc_url, resolution, resolution_url, received_at)
select source, event_id, n, vehicle_id, mode, user_id, type, code, state, told_at,
  array(select jsonb_array_elements_text(signals::jsonb)), description, suggested_user_message, doc_url, resolution,
  resolution_url, received_at
from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
  $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
  $17::timestamptz[]) as e (source, event_id, n, vehicle_id, mode, user_id, type, code, state, told_at, signals,
  description, suggested_user_message, doc_url, resolution, resolution_url, received_at)
order by source, event_id, n
on conflict do nothing`

// queue adds the statements that write events.
func (t *tables) queue(batch *pgx.Batch, events []*sdk.Event) {
	r := rowsOf(t.config, events)
	if len(r.events) > 0 {
		batch.Queue(t.sql(insertEvents), eventColumns(r.events)...)
	}
	if len(r.signals) > 0 {
		batch.Queue(t.sql(upsertSignals), append(signalColumns(r.signals), latest(t.now(), r.signals))...)
	}
	if len(r.errors) > 0 {
		batch.Queue(t.sql(insertErrors), errorColumns(r.errors)...)
	}
}

// sql puts the schema, which needs no quotes, into a statement.
func (t *tables) sql(statement string) string { return fmt.Sprintf(statement, t.config.Schema) }

// statements are those that the config asks for.
func (t *tables) statements() []string {
	var all []string
	for _, s := range []struct {
		wanted bool
		sql    string
	}{{t.config.Events, insertEvents}, {t.config.Signals, upsertSignals}, {t.config.Errors, insertErrors}} {
		if s.wanted {
			all = append(all, t.sql(s.sql))
		}
	}
	return all
}

// column is one field of all rows.
func column[R, V any](rows []R, field func(R) V) []V {
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = field(r)
	}
	return values
}

func eventColumns(events []*sdk.Event) []any {
	text := func(field func(*sdk.Event) string) []string { return column(events, field) }
	nullable := func(field func(*sdk.Event) string) []*string {
		return column(events, func(e *sdk.Event) *string { return orNull(field(e)) })
	}
	return []any{
		text(func(e *sdk.Event) string { return key(e.Source) }),
		text(func(e *sdk.Event) string { return key(e.ID) }),
		text(func(e *sdk.Event) string { return clean(e.Type) }),
		text(func(e *sdk.Event) string { return clean(e.Mode) }),
		nullable(func(e *sdk.Event) string { return key(e.VehicleID) }),
		nullable(func(e *sdk.Event) string { return e.UserID }),
		nullable(func(e *sdk.Event) string { return e.WebhookID }),
		column(events, func(e *sdk.Event) time.Time { return e.ReceivedAt }),
		column(events, func(e *sdk.Event) int64 { return int64(e.Position) }),
		nullable(func(e *sdk.Event) string { return e.ContentType }),
		nullable(func(e *sdk.Event) string { return e.Signature }),
		column(events, func(e *sdk.Event) []byte { return append([]byte{}, e.Payload...) }),
		column(events, func(e *sdk.Event) *string { return jsonText(e.Payload) }),
	}
}

func signalColumns(signals []signalRow) []any {
	text := func(field func(signalRow) string) []string { return column(signals, field) }
	return []any{
		text(func(r signalRow) string { return key(r.event.Source) }),
		text(func(r signalRow) string { return key(r.event.VehicleID) }),
		text(func(r signalRow) string { return key(r.event.Mode) }),
		text(func(r signalRow) string { return key(r.code) }),
		column(signals, func(r signalRow) *string { return r.body }),
		column(signals, func(r signalRow) *time.Time { return r.age.recorded }),
		column(signals, func(r signalRow) *time.Time { return r.age.retrieved }),
		column(signals, func(r signalRow) int64 { return r.age.sequence }),
		text(func(r signalRow) string { return key(r.event.ID) }),
		column(signals, func(r signalRow) time.Time { return r.event.ReceivedAt }),
		column(signals, func(r signalRow) int64 { return int64(r.event.Position) }),
	}
}

func errorColumns(errors []errorRow) []any {
	text := func(field func(errorRow) string) []string { return column(errors, field) }
	nullable := func(field func(errorRow) string) []*string {
		return column(errors, func(r errorRow) *string { return orNull(field(r)) })
	}
	return []any{
		text(func(r errorRow) string { return key(r.event.Source) }),
		text(func(r errorRow) string { return key(r.event.ID) }),
		column(errors, func(r errorRow) int32 { return int32(r.n) }),
		text(func(r errorRow) string { return key(r.event.VehicleID) }),
		text(func(r errorRow) string { return key(r.event.Mode) }),
		nullable(func(r errorRow) string { return r.event.UserID }),
		text(func(r errorRow) string { return key(r.Type) }),
		text(func(r errorRow) string { return key(r.Code) }),
		text(func(r errorRow) string { return key(r.State) }),
		column(errors, func(r errorRow) time.Time { return r.at }),
		text(func(r errorRow) string {
			codes, _ := json.Marshal(r.signalCodes()) // strings always can be
			return string(codes)
		}),
		nullable(func(r errorRow) string { return r.Description }),
		nullable(func(r errorRow) string { return r.SuggestedUserMessage }),
		nullable(func(r errorRow) string { return r.DocURL }),
		nullable(func(r errorRow) string { return r.Resolution }),
		nullable(func(r errorRow) string { return r.ResolutionURL }),
		column(errors, func(r errorRow) time.Time { return r.event.ReceivedAt }),
	}
}
