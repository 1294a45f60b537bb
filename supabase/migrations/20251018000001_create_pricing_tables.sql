-- What a model costs, what a user has, and what was charged: the three tables that everything
-- else stands on, and the version history that makes an old charge explainable.
--
-- Money is numeric(20,10) in USD. A price is USD per 1,000 tokens with at most 7 decimals, so
-- tokens * price * 0.001 is exact at 10 decimals and no charge is ever rounded.

create schema if not exists billing;
comment on schema billing is
  'Farebox internals. Not exposed by the Data API; public holds what clients may see.';

revoke all on schema billing from public;

-- ── Prices ──────────────────────────────────────────────────────────────────────────────────

create sequence billing.price_version_seq as bigint;

create table public.model_pricing (
  provider_id text not null,
  model_id text not null,
  display_name text not null,
  input_per_1k numeric(14,7) not null,
  output_per_1k numeric(14,7) not null,
  cache_read_per_1k numeric(14,7),
  cache_write_5m_per_1k numeric(14,7),
  cache_write_1h_per_1k numeric(14,7),
  request_fee numeric(20,10) not null default 0,
  long_context_threshold_tokens integer,
  long_input_per_1k numeric(14,7),
  long_output_per_1k numeric(14,7),
  long_cache_read_per_1k numeric(14,7),
  long_cache_write_5m_per_1k numeric(14,7),
  long_cache_write_1h_per_1k numeric(14,7),
  max_input_tokens integer,
  max_output_tokens integer,
  image_tokens_max integer,
  -- Part of the output is not shown in the stream, so it cannot be counted as it comes
  -- (docs/adr/0008).
  hides_reasoning boolean not null default false,
  source text not null,
  price_version bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint model_pricing_pkey primary key (provider_id, model_id),
  constraint provider_id_is_a_slug check (provider_id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  constraint model_id_is_not_empty check (length(model_id) between 1 and 200),
  constraint prices_are_not_negative check (
    least(
      input_per_1k, output_per_1k, cache_read_per_1k, cache_write_5m_per_1k,
      cache_write_1h_per_1k, request_fee, long_input_per_1k, long_output_per_1k,
      long_cache_read_per_1k, long_cache_write_5m_per_1k, long_cache_write_1h_per_1k
    ) >= 0
  ),
  -- The dearest model on the market costs 0.6 USD per 1k output tokens. Ten USD per 1k means that
  -- somebody forgot to divide a price per million by 1,000.
  constraint prices_are_per_1k_not_per_million check (
    greatest(
      input_per_1k, output_per_1k, cache_read_per_1k, cache_write_5m_per_1k,
      cache_write_1h_per_1k, long_input_per_1k, long_output_per_1k,
      long_cache_read_per_1k, long_cache_write_5m_per_1k, long_cache_write_1h_per_1k
    ) < 10
  ),
  -- numeric has a NaN, which is above every number: an upper bound is what refuses it.
  constraint request_fee_is_plausible check (request_fee <= 100),
  constraint limits_are_positive check (
    least(max_input_tokens, max_output_tokens, image_tokens_max, long_context_threshold_tokens) > 0
  )
);
comment on table public.model_pricing is
  'Current price of each model, USD per 1,000 tokens. Absent classes fall back: cache_read and cache_write_5m to input, cache_write_1h to cache_write_5m.';

create index model_pricing_model_id_idx on public.model_pricing (model_id);

create table billing.model_pricing_history (
  price_version bigint primary key,
  provider_id text not null,
  model_id text not null,
  input_per_1k numeric(14,7) not null,
  output_per_1k numeric(14,7) not null,
  cache_read_per_1k numeric(14,7),
  cache_write_5m_per_1k numeric(14,7),
  cache_write_1h_per_1k numeric(14,7),
  request_fee numeric(20,10) not null,
  long_context_threshold_tokens integer,
  long_input_per_1k numeric(14,7),
  long_output_per_1k numeric(14,7),
  long_cache_read_per_1k numeric(14,7),
  long_cache_write_5m_per_1k numeric(14,7),
  long_cache_write_1h_per_1k numeric(14,7),
  max_input_tokens integer,
  max_output_tokens integer,
  image_tokens_max integer,
  hides_reasoning boolean not null,
  source text not null,
  effective_from timestamptz not null,
  effective_to timestamptz,
  constraint a_version_ends_after_it_starts check (effective_to >= effective_from)
);
comment on table billing.model_pricing_history is
  'Every version of every price. A charge names its version, so a receipt never changes when a price does.';

create index model_pricing_history_model_idx
  on billing.model_pricing_history (provider_id, model_id, effective_from);

-- A version is taken before the row is written, so that the row itself names it.
create function billing.take_price_version() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  -- What does not change the price does not make a version.
  unpriced constant text[] := array['price_version', 'updated_at', 'display_name'];
begin
  if tg_op = 'UPDATE' then
    if (to_jsonb(new) - unpriced) = (to_jsonb(old) - unpriced) then
      new.price_version := old.price_version;
      return new;
    end if;
  end if;
  new.price_version := nextval('billing.price_version_seq');
  new.updated_at := clock_timestamp();
  return new;
end
$$;

create function billing.keep_price_history() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  at constant timestamptz := clock_timestamp();
begin
  if tg_op = 'UPDATE' then
    if new.price_version = old.price_version then
      return null;
    end if;
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    update billing.model_pricing_history
    set effective_to = at
    where price_version = old.price_version;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into billing.model_pricing_history (
      price_version, provider_id, model_id,
      input_per_1k, output_per_1k, cache_read_per_1k, cache_write_5m_per_1k, cache_write_1h_per_1k,
      request_fee, long_context_threshold_tokens, long_input_per_1k, long_output_per_1k,
      long_cache_read_per_1k, long_cache_write_5m_per_1k, long_cache_write_1h_per_1k,
      max_input_tokens, max_output_tokens, image_tokens_max, hides_reasoning, source,
      effective_from
    ) values (
      new.price_version, new.provider_id, new.model_id,
      new.input_per_1k, new.output_per_1k, new.cache_read_per_1k, new.cache_write_5m_per_1k,
      new.cache_write_1h_per_1k, new.request_fee, new.long_context_threshold_tokens,
      new.long_input_per_1k, new.long_output_per_1k, new.long_cache_read_per_1k,
      new.long_cache_write_5m_per_1k, new.long_cache_write_1h_per_1k,
      new.max_input_tokens, new.max_output_tokens, new.image_tokens_max, new.hides_reasoning,
      new.source, at
    );
  end if;
  return null;
end
$$;

create trigger take_price_version
  before insert or update on public.model_pricing
  for each row execute function billing.take_price_version();

create trigger keep_price_history
  after insert or update or delete on public.model_pricing
  for each row execute function billing.keep_price_history();

-- A receipt is explained by its version years later: a version ends, once, and nothing else about
-- it changes, for its owner neither.
create function billing.refuse_history_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT409',
    message = format('Cannot %s %I as price versions are immutable.', lower(tg_op), tg_table_name),
    hint = 'Change the price in public.model_pricing: that ends its version and begins the next.',
    detail = jsonb_build_object('code', 'LEDGER_IS_IMMUTABLE')::text;
end
$$;

create trigger price_versions_are_kept
  before delete or truncate on billing.model_pricing_history
  for each statement execute function billing.refuse_history_change();

create trigger price_versions_only_end
  before update on billing.model_pricing_history
  for each row
  when (
    old.effective_to is not null
    or to_jsonb(new) - 'effective_to' <> to_jsonb(old) - 'effective_to'
  )
  execute function billing.refuse_history_change();

-- ── Balances ────────────────────────────────────────────────────────────────────────────────

-- user_id names a row of auth.users without a foreign key: deleting a user must not delete, or be
-- blocked by, the record of what was sold (docs/adr/0002).
create table public.user_balances (
  user_id uuid primary key,
  balance numeric(20,10) not null default 0,
  reserved numeric(20,10) not null default 0,
  currency text not null default 'USD',
  welcomed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint balance_is_a_number check (balance <> 'NaN'),
  constraint balance_is_not_negative check (balance >= 0),
  constraint reserved_is_not_negative check (reserved >= 0),
  constraint reserved_is_within_balance check (reserved <= balance),
  constraint currency_is_usd check (currency = 'USD')
) with (fillfactor = 70);
comment on table public.user_balances is
  'One account a user. reserved is the sum of the open reservations; what may be spent is balance - reserved. Only the functions of schema billing write it.';

create index user_balances_awaiting_welcome_idx
  on public.user_balances (user_id) where welcomed_at is null;

-- ── Charges ─────────────────────────────────────────────────────────────────────────────────

create table public.usage_records (
  request_id uuid not null,
  -- 0 is the charge. 1 is its correction, when a dead worker's charge was made at a checkpoint and
  -- the true usage came later: the same columns then hold differences, and may be negative.
  sequence smallint not null default 0,
  user_id uuid,
  chat_id text,
  provider_id text not null,
  model_id text not null,
  price_version bigint not null,
  markup_basis_points integer not null default 0,
  input_tokens integer not null,
  cache_read_tokens integer not null default 0,
  cache_write_5m_tokens integer not null default 0,
  cache_write_1h_tokens integer not null default 0,
  output_tokens integer not null,
  cost numeric(20,10) not null,
  collected numeric(20,10) not null,
  uncollected numeric(20,10) not null,
  balance_before numeric(20,10),
  balance_after numeric(20,10),
  basis text not null,
  provider_request_id text,
  finish text,
  first_token_ms integer,
  duration_ms integer,
  created_at timestamptz not null default clock_timestamp(),
  constraint usage_records_pkey primary key (request_id, sequence),
  constraint sequence_is_charge_or_correction check (sequence in (0, 1)),
  constraint amounts_are_numbers check ('NaN' not in (cost, collected, uncollected)),
  constraint basis_is_known check (basis in ('reported', 'estimated', 'checkpoint')),
  -- With its correction: uncollected is what the cost exceeds the collected by. The collected may
  -- exceed the cost there, by what was refunded before the correction.
  constraint a_charge_is_collected_or_not check (
    sequence = 1 or cost = collected + uncollected
  ),
  constraint a_charge_is_not_negative check (
    sequence = 1
    or least(
      input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
      output_tokens, collected, uncollected
    ) >= 0
  ),
  constraint a_guest_pays_nothing check (user_id is not null or collected = 0),
  constraint balances_explain_the_charge check (balance_before - collected = balance_after),
  constraint chat_id_is_short check (length(chat_id) <= 128)
);
comment on table public.usage_records is
  'One row a charge, append-only. user_id is null for a guest, whose cost the house bears.';

create index usage_records_user_idx on public.usage_records (user_id, created_at desc);
create index usage_records_chat_idx
  on public.usage_records (user_id, chat_id) where chat_id is not null;

-- ── Who may read ────────────────────────────────────────────────────────────────────────────
-- New projects grant nothing by default and old ones everything: say it all, whichever it is.

alter table public.model_pricing enable row level security;
alter table public.user_balances enable row level security;
alter table public.usage_records enable row level security;
alter table billing.model_pricing_history enable row level security;

revoke all on public.model_pricing, public.user_balances, public.usage_records
  from public, anon, authenticated, service_role;
grant select on public.model_pricing to anon, authenticated, service_role;
grant select on public.user_balances, public.usage_records to authenticated, service_role;

create policy "prices are public" on public.model_pricing
  for select to anon, authenticated using (true);
create policy "users read their own balance" on public.user_balances
  for select to authenticated using ((select auth.uid()) = user_id);
create policy "users read their own charges" on public.usage_records
  for select to authenticated using ((select auth.uid()) = user_id);
create policy "no client reads the history" on billing.model_pricing_history
  for all to anon, authenticated using (false);

revoke all on function billing.take_price_version() from public;
revoke all on function billing.keep_price_history() from public;
revoke all on function billing.refuse_history_change() from public;
