-- What is promised but not yet charged, and the free exchanges of guests. Durable rows with an
-- expiry: a worker that dies leaves a row that the sweeper finds.

create table billing.reservations (
  request_id uuid primary key,
  -- A user, or a guest (no account, the house pays).
  user_id uuid,
  guest_token_id text,
  guest_address_hash text,
  chat_id text,
  provider_id text not null,
  model_id text not null,
  price_version bigint not null,
  markup_basis_points integer not null,
  -- What the request may cost at most, and how much of it the account could hold. They differ only
  -- where the balance is not enforced.
  ceiling numeric(20,10) not null,
  amount numeric(20,10) not null,
  input_tokens_max integer not null,
  output_tokens_reserved integer not null,
  output_tokens_limit integer,
  enforced boolean not null,
  -- The checkpoint: what has been delivered so far, by the worker's own fair estimate.
  checkpoint_input_tokens integer not null default 0,
  checkpoint_output_tokens integer not null default 0,
  state text not null default 'open',
  idempotency_key text,
  request_hash text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  closed_at timestamptz,
  constraint state_is_known check (state in ('open', 'settled', 'released', 'expired')),
  constraint a_closed_reservation_has_a_time check ((state = 'open') = (closed_at is null)),
  constraint a_caller_is_a_user_or_a_guest check (
    (user_id is not null) <> (guest_token_id is not null)
  ),
  constraint a_guest_has_an_address check ((guest_token_id is null) = (guest_address_hash is null)),
  constraint chat_id_is_short check (length(chat_id) <= 128),
  constraint amounts_are_numbers check ('NaN' not in (ceiling, amount)),
  constraint amount_is_not_negative check (amount >= 0),
  constraint an_enforced_ceiling_is_held_whole check (
    not enforced or user_id is null or amount = ceiling
  ),
  constraint tokens_are_not_negative check (
    least(
      input_tokens_max, output_tokens_reserved, checkpoint_input_tokens, checkpoint_output_tokens
    ) >= 0
  ),
  constraint reserved_output_is_within_its_limit check (
    output_tokens_reserved <= output_tokens_limit
  )
) with (fillfactor = 70);
comment on table billing.reservations is
  'Open reservations, and closed ones for as long as their idempotency keys are honoured.';

-- One key a caller. A released reservation gives its key back: nothing was delivered or charged.
create unique index reservations_idempotency_idx
  on billing.reservations (coalesce(user_id::text, guest_token_id), idempotency_key)
  where idempotency_key is not null;
create index reservations_open_user_idx
  on billing.reservations (user_id) where state = 'open';
create index reservations_open_expiry_idx
  on billing.reservations (expires_at) where state = 'open';
create index reservations_closed_idx
  on billing.reservations (closed_at) where state <> 'open';

-- A guest is held by two rows, one for the signed token and one for the address: clearing cookies
-- leaves the second, and changing address leaves the first.
create table billing.guest_exchanges (
  holder text primary key,
  window_started_at timestamptz,
  answered integer not null default 0,
  pending integer not null default 0,
  updated_at timestamptz not null default now(),
  constraint holder_is_token_or_address check (holder ~ '^(token|address):.{1,200}$'),
  constraint answered_is_not_negative check (answered >= 0),
  constraint pending_is_not_negative check (pending >= 0)
);
comment on table billing.guest_exchanges is
  'Free exchanges by guest token and by address hash. Only answered ones count; pending ones hold their place.';

alter table billing.reservations enable row level security;
alter table billing.guest_exchanges enable row level security;
create policy "no client reads reservations" on billing.reservations
  for all to anon, authenticated using (false);
create policy "no client reads guest exchanges" on billing.guest_exchanges
  for all to anon, authenticated using (false);
