-- When an operator must be told: rules with thresholds, and what each of them sees now.

create table billing.alert_rules (
  rule text primary key,
  -- Fires above it: a threshold of 0 is for what must not happen at all.
  threshold integer not null,
  -- What is counted: incidents of these kinds, as far back as the window; null where the rule looks
  -- at a state, which has no window.
  incident_kinds text[],
  window_minutes integer,
  -- For how long a rule that was told is not told again.
  cooldown_minutes integer not null,
  enabled boolean not null default true,
  constraint rule_is_snake_case check (rule ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint threshold_is_not_negative check (threshold >= 0),
  constraint incidents_have_a_window
    check ((incident_kinds is null) = (window_minutes is null)),
  constraint window_is_a_month_at_most check (window_minutes between 1 and 43200),
  constraint cooldown_is_a_month_at_most check (cooldown_minutes between 1 and 43200)
);
comment on table billing.alert_rules is 'When an operator must be told. Changed by farebox alerts set.';

insert into billing.alert_rules (rule, threshold, incident_kinds, window_minutes, cooldown_minutes)
values
  -- The three of the original deployment guide.
  ('failed_deductions', 10, '{uncollected,settle_refused,deduction_failed}', 60, 60),
  ('missing_price', 0, '{missing_price,other_model_without_price}', 60, 60),
  ('database_errors', 5, '{database_error}', 60, 60),
  ('stuck_reservations', 0, null, null, 60),
  -- Violations that the proof of the ledger found.
  ('drift', 0, null, null, 360),
  -- Days since anybody changed a price, or compared them with the catalogue.
  ('price_age', 45, null, null, 1440),
  ('provider_cost_difference', 5, '{provider_cost_difference}', 1440, 1440),
  ('provider_refused_credentials', 0, '{provider_refused_credentials}', 60, 60);

create table billing.alert_states (
  rule text primary key references billing.alert_rules (rule) on delete cascade,
  last_value bigint,
  evaluated_at timestamptz,
  -- Somebody is telling it until then; what was not told by then is told by the next.
  claimed_until timestamptz,
  delivered_at timestamptz,
  -- How often it was told. It is part of a message's id, so that a message that is sent again,
  -- because nobody knows that it arrived, has the id it had.
  deliveries integer not null default 0
);
comment on table billing.alert_states is 'What each alert rule saw last, and when it was told.';

-- What is looked at less often than the rules are evaluated.
create table billing.alert_checks (
  name text primary key,
  checked_at timestamptz not null,
  -- How much was found wrong; null where nobody could tell.
  found bigint,
  constraint name_is_known check (name in ('ledger', 'prices'))
);
comment on table billing.alert_checks is
  'When the ledger was last proven, and the prices last compared with a catalogue.';

alter table billing.alert_rules enable row level security;
alter table billing.alert_states enable row level security;
alter table billing.alert_checks enable row level security;
create policy "no client reads the alert rules" on billing.alert_rules
  for all to anon, authenticated using (false);
create policy "no client reads the alert states" on billing.alert_states
  for all to anon, authenticated using (false);
create policy "no client reads the alert checks" on billing.alert_checks
  for all to anon, authenticated using (false);
revoke all on billing.alert_rules, billing.alert_states, billing.alert_checks
  from public, anon, authenticated, service_role;

-- What each rule sees now, with evidence that names no person; null where nobody can tell.
create function billing.alert_values()
returns table (rule text, value bigint, evidence jsonb)
language sql
stable
set search_path = ''
as $$
  select
    r.rule,
    -- An incident may stand for several: an outage is one row.
    coalesce(sum(case
      when i.id is null then 0
      when i.details ->> 'count' ~ '^[0-9]{1,9}$' then (i.details ->> 'count')::bigint
      else 1
    end), 0)::bigint,
    jsonb_strip_nulls(jsonb_build_object(
      'kinds', array_to_json(array_agg(distinct i.kind) filter (where i.kind is not null)),
      'models', array_to_json(
        (array_agg(distinct i.details ->> 'model') filter (where i.details ? 'model'))[1:5]
      ),
      'newest_at', max(i.created_at)
    ))
  from billing.alert_rules r
  left join billing.incidents i
    on i.kind = any (r.incident_kinds)
    and i.created_at > now() - make_interval(mins => r.window_minutes)
  where r.incident_kinds is not null
  group by r.rule
  union all
  -- Past its expiry for longer than a sweep takes. Where closing fails the sweeper puts the expiry
  -- off, and leaves an incident.
  select 'stuck_reservations', count(*),
    jsonb_strip_nulls(jsonb_build_object('oldest_at', min(r.created_at)))
  from billing.reservations r
  where r.state = 'open' and (
    r.expires_at < now() - interval '5 minutes'
    or r.request_id in (
      select i.request_id from billing.incidents i
      where i.kind = 'expire_failed'
        and i.created_at between now() - interval '1 day' and now() - interval '5 minutes'
    )
  )
  union all
  select 'drift', c.found, jsonb_build_object('checked_at', c.checked_at)
  from (select 1) one
  left join billing.alert_checks c on c.name = 'ledger'
  union all
  select 'price_age', floor(extract(epoch from now() - seen.at) / 86400)::bigint,
    jsonb_strip_nulls(jsonb_build_object('newest_at', seen.at))
  from (
    select greatest(
      (select max(m.updated_at) from public.model_pricing m),
      (select c.checked_at from billing.alert_checks c where c.name = 'prices')
    ) as at
  ) seen;
$$;

-- Somebody compared the prices with a catalogue just now.
create function billing.note_prices_checked() returns timestamptz
language sql
security definer
set search_path = ''
as $$
  insert into billing.alert_checks (name, checked_at)
  values ('prices', clock_timestamp())
  on conflict (name) do update set checked_at = excluded.checked_at
  returning checked_at;
$$;

-- Proves the ledger, where that was not done within the hour: it reads all of it. Answers whether it
-- was done now.
create function billing.check_drift() returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  violations bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('farebox:check_drift', 0)) or exists (
    select from billing.alert_checks c
    where c.name = 'ledger' and c.checked_at > clock_timestamp() - interval '1 hour'
  ) then
    return false;
  end if;
  -- A proof that takes too long must not be begun again every minute.
  begin
    violations := jsonb_array_length(billing.reconcile() -> 'violations');
  exception when query_canceled or others then
    perform billing.record_incident(
      'drift_check_failed', null, null, jsonb_build_object('sqlstate', sqlstate, 'error', sqlerrm)
    );
  end;
  insert into billing.alert_checks (name, checked_at, found)
  values ('ledger', clock_timestamp(), violations)
  on conflict (name) do update
  set checked_at = excluded.checked_at, found = excluded.found;
  return true;
end
$$;

create function public.note_prices_checked() returns timestamptz
language sql
volatile
set search_path = ''
as $$
  select billing.note_prices_checked();
$$;

-- The Data API takes this as the call's own limit, as service_role's 8 s would end a large proof.
create function public.check_drift() returns boolean
language sql
volatile
set search_path = ''
set statement_timeout = '60s'
as $$
  select billing.check_drift();
$$;

revoke all on function billing.alert_values() from public;
select billing.only_for_service_role(array['note_prices_checked', 'check_drift']);
