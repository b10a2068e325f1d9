create table {{.schema}}.events (
  source       text        not null,
  event_id     text        not null,
  event_type   text        not null,
  mode         text        not null,
  vehicle_id   text,
  user_id      text,
  webhook_id   text,
  received_at  timestamptz not null,
  stored_at    timestamptz not null default now(),
  position     bigint      not null,
  content_type text,
  signature    text,
  payload      bytea       not null,
  body         jsonb,
  primary key (source, event_id)
);
create index events_vehicle on {{.schema}}.events (vehicle_id, received_at);
create index events_received on {{.schema}}.events using brin (received_at);

create table {{.schema}}.signals (
  source         text        not null,
  vehicle_id     text        not null,
  mode           text        not null,
  code           text        not null,
  body           jsonb       not null,
  oem_updated_at timestamptz,
  retrieved_at   timestamptz,
  sequence       bigint      not null,
  event_id       text        not null,
  received_at    timestamptz not null,
  position       bigint      not null,
  stored_at      timestamptz not null default now(),
  primary key (source, vehicle_id, mode, code)
);

create table {{.schema}}.errors (
  source                 text        not null,
  event_id               text        not null,
  n                      integer     not null,
  vehicle_id             text        not null,
  mode                   text        not null,
  user_id                text,
  type                   text        not null,
  code                   text        not null,
  state                  text        not null,
  told_at                timestamptz not null,
  signals                text[]      not null,
  description            text,
  suggested_user_message text,
  doc_url                text,
  resolution             text,
  resolution_url         text,
  received_at            timestamptz not null,
  stored_at              timestamptz not null default now(),
  primary key (source, event_id, n)
);
create index errors_vehicle on {{.schema}}.errors (source, vehicle_id, mode, type, code, told_at);

-- Each error of a vehicle from when it was first told to when it was resolved, in whatever order the events came.
create view {{.schema}}.error_periods as
with numbered as (
  select *, count(*) filter (where state = 'RESOLVED') over (
    partition by source, vehicle_id, mode, type, code order by told_at, event_id, n
    rows between unbounded preceding and 1 preceding) as period
  from {{.schema}}.errors
)
select distinct on (source, vehicle_id, mode, type, code, period) source, vehicle_id, mode, type, code,
  min(told_at) filter (where state <> 'RESOLVED') over one as opened_at,
  max(told_at) filter (where state = 'RESOLVED') over one as resolved_at,
  signals, suggested_user_message, doc_url, resolution
from numbered
window one as (partition by source, vehicle_id, mode, type, code, period)
order by source, vehicle_id, mode, type, code, period, state = 'RESOLVED', told_at desc, event_id desc, n desc;

create view {{.schema}}.open_errors as
select * from {{.schema}}.error_periods where resolved_at is null;
