-- One typed row of settings that SQL needs, and the incidents that alerts are raised from.

create table billing.settings (
  only_row boolean primary key default true,
  welcome_credit numeric(20,10) not null default 10,
  minimum_balance numeric(20,10) not null default 0.01,
  -- Output is reserved in slices: large enough that most answers need one, small enough that one
  -- open answer does not lock up a small balance.
  output_slice_tokens integer not null default 1024,
  -- A live worker renews its reservation every heartbeat (15 s), so one that is 90 s old has
  -- missed five of them: its worker is dead. It must be several heartbeats, or live requests
  -- expire; that is not checked, as SQL does not know the heartbeat and tests use a short one.
  reservation_ttl_seconds integer not null default 90,
  -- How long a closed reservation, and with it its idempotency key, is remembered.
  reservation_retention_hours integer not null default 48,
  markup_basis_points integer not null default 0,
  guest_window_hours integer not null default 24,
  -- The house pays for guests, so their prompts and answers are bounded even where the model's are
  -- not. The prompt's bound is of its upper bound, several times the usual count.
  guest_input_tokens_max integer not null default 16384,
  guest_output_tokens_max integer not null default 4096,
  welcome_per_address_per_day_max integer default 10,
  blocked_email_domains text[] not null default '{}',
  incident_retention_days integer not null default 90,
  constraint there_is_one_row check (only_row),
  -- The upper bounds also refuse NaN, which numeric holds to be above every number.
  constraint welcome_credit_is_plausible check (welcome_credit between 0 and 1000000),
  constraint minimum_balance_is_plausible check (minimum_balance between 0 and 1000000),
  constraint output_slice_is_positive check (output_slice_tokens > 0),
  constraint reservation_ttl_is_positive check (reservation_ttl_seconds > 0),
  constraint retention_is_positive check (reservation_retention_hours > 0),
  constraint markup_is_not_negative check (markup_basis_points between 0 and 100000),
  constraint guest_window_is_positive check (guest_window_hours > 0),
  constraint guest_bounds_are_positive check (
    least(guest_input_tokens_max, guest_output_tokens_max) > 0
  ),
  constraint incident_retention_is_positive check (incident_retention_days > 0)
);
comment on table billing.settings is 'What the ledger needs to know, one row. Changed without a redeploy.';

insert into billing.settings default values;

create table billing.incidents (
  id bigint generated always as identity primary key,
  kind text not null,
  user_id uuid,
  request_id uuid,
  details jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  constraint kind_is_snake_case check (kind ~ '^[a-z][a-z0-9_]{1,62}$')
);
comment on table billing.incidents is
  'What an operator should know: missing prices, uncollected charges, expired reservations, drift.';

create index incidents_kind_idx on billing.incidents (kind, created_at desc);

alter table billing.settings enable row level security;
alter table billing.incidents enable row level security;
create policy "no client reads the settings" on billing.settings
  for all to anon, authenticated using (false);
create policy "no client reads the incidents" on billing.incidents
  for all to anon, authenticated using (false);

-- Anybody can ask for a model that does not exist, so those are kept once a model and hour, and at
-- most 100 an hour.
create function billing.record_incident(
  p_kind text,
  p_user_id uuid,
  p_request_id uuid,
  p_details jsonb
) returns void
language sql
security definer
set search_path = ''
as $$
  insert into billing.incidents (kind, user_id, request_id, details)
  select p_kind, p_user_id, p_request_id, coalesce(p_details, '{}')
  where p_kind <> 'missing_price' or (
    select count(*) < 100 and coalesce(bool_and(i.details <> coalesce(p_details, '{}')), true)
    from billing.incidents i
    where i.kind = 'missing_price' and i.created_at > now() - interval '1 hour'
  );
$$;

-- ── Refusals and amounts ────────────────────────────────────────────────────────────────────

-- Raises a refusal: SQLSTATE PTnnn becomes the HTTP status nnn, DETAIL carries the stable code and
-- its evidence as JSON, HINT says what to do.
create function billing.refuse(
  p_status integer,
  p_code text,
  p_message text,
  p_hint text,
  p_evidence jsonb default '{}'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT' || p_status,
    message = p_message,
    hint = p_hint,
    detail = (jsonb_build_object('code', p_code) || p_evidence)::text;
end
$$;

-- An amount as it travels: a decimal string without trailing zeros. PostgREST would make a
-- numeric a JSON number, which JavaScript reads as a float.
create function billing.usd(p_amount numeric) returns text
language sql
immutable
set search_path = ''
as $$
  select trim_scale(p_amount)::text;
$$;

-- An amount as it arrives. Refuses what numeric(20,10) would round or could not hold.
create function billing.parse_usd(p_amount text) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_amount is null or p_amount !~ '^-?[0-9]{1,10}(\.[0-9]{1,10})?$' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('%L is not an amount in USD.', p_amount),
      'Send a decimal string with at most 10 decimals, such as "10" or "0.0025".'
    );
  end if;
  return p_amount::numeric(20,10);
end
$$;
