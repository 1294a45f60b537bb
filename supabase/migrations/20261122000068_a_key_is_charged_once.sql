-- An Idempotency-Key is charged at most once, whatever is settled late.
--
-- A hold that was closed without a charge gave its key back: it had delivered nothing, as far as the
-- ledger knew. Its worker may have been well, and only cut off from the ledger: its late settle was
-- charged, and so was a repeat of the request. So such a hold keeps its key, and a repeat takes it over:
-- from then on the repeat is what is charged for the key, and the first hold never is.

alter table billing.reservations add column key_taken_over_at timestamptz;
comment on column billing.reservations.key_taken_over_at is
  'When another request took its Idempotency-Key over, as it was closed without a charge: it cannot be charged any more.';

create or replace function billing.close_without_charge(
  p_hold billing.reservations,
  p_state text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_hold.user_id is null then
    perform billing.close_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, true, false
    );
  else
    update public.user_balances
    set reserved = reserved - p_hold.amount, updated_at = clock_timestamp()
    where user_id = p_hold.user_id;
  end if;
  update billing.reservations
  set state = p_state, amount = 0, ceiling = 0, closed_at = clock_timestamp()
  where request_id = p_hold.request_id;
end
$$;

-- Under the caller's lock. A key whose request was closed without a charge is free again, for any body.
create or replace function billing.refuse_repeated_key(
  p_caller text,
  p_key text,
  p_request_hash text
) returns void
language plpgsql
set search_path = ''
as $$
declare
  prior billing.reservations;
begin
  select * into prior from billing.reservations r
  where coalesce(r.user_id::text, r.guest_token_id) = p_caller and r.idempotency_key = p_key;
  if not found then
    return;
  end if;
  if prior.state = 'released'
    or (
      prior.state = 'expired'
      and not exists (
        select from public.usage_records u where u.request_id = prior.request_id
      )
    )
  then
    -- Released: nothing that is settled late is charged. The key goes to the caller's new request.
    update billing.reservations
    set state = 'released', idempotency_key = null, key_taken_over_at = clock_timestamp()
    where request_id = prior.request_id;
    return;
  end if;
  if prior.request_hash is distinct from p_request_hash then
    perform billing.refuse(
      422, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.',
      'Use a new key for a new request; repeat a key only with the same body.'
    );
  end if;
  perform billing.refuse(
    409, 'DUPLICATE_REQUEST',
    case
      when prior.state = 'open' then 'A request with this Idempotency-Key is still running.'
      when prior.user_id is null then 'A request with this Idempotency-Key has already been answered.'
      else 'A request with this Idempotency-Key has already been answered and charged once.'
    end,
    case prior.state
      when 'open' then 'Send it again in a few seconds.'
      else 'Use a new key to ask again.'
    end,
    jsonb_build_object('request_id', prior.request_id, 'state', prior.state)
  );
end
$$;

-- As before, but for a request whose key was taken over.
create or replace function billing.backfill_usage(
  p_charge public.usage_records,
  p_model text,
  p_other_models jsonb,
  p_provider_cost text,
  p_expected_cost text
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  ended_at constant timestamptz := least(coalesce(p_charge.created_at, now()), now());
  known record;
  is_known boolean;
  result jsonb;
begin
  perform billing.refuse_bad_usage(p_charge);
  select r.user_id into known from billing.reservations r
  where r.request_id = p_charge.request_id;
  is_known := found;
  p_charge.created_at := null;
  if is_known then
    if known.user_id is distinct from p_charge.user_id then
      perform billing.refuse_other_usage(p_charge.request_id, 'user');
    end if;
    perform billing.lock_caller_of(p_charge.request_id);
    -- One that was released was delivered after all, or there were no such line: where the ledger's
    -- answer was lost, the request was served as without one, and the hold given back. Not where a
    -- repeat has taken its key over: that is what is charged for the key, and `settle` refuses this.
    update billing.reservations r
    set state = 'expired'
    where r.request_id = p_charge.request_id and r.state = 'released'
      and r.key_taken_over_at is null;
  else
    if p_charge.user_id is not null then
      perform billing.lock_account(p_charge.user_id);
    end if;
    result := billing.charged_before(p_charge, p_model);
    if result is not null then
      return result;
    end if;
    perform billing.make_hold(
      p_charge, p_model, p_other_models,
      -- A request is priced as of its beginning.
      ended_at - make_interval(secs => coalesce(p_charge.duration_ms, 0) * 0.001)
    );
    -- Older than any report looks back: it counts as of now rather than change what is closed.
    if ended_at > now() - interval '90 days' then
      p_charge.created_at := ended_at;
    end if;
  end if;
  result := billing.settle(p_charge, p_model, p_other_models, p_provider_cost);
  if result ->> 'state' = 'settled' and result ->> 'cost' <> p_expected_cost then
    -- All of it is undone with this.
    perform billing.refuse(
      409, 'KEY_CONFLICT',
      format('It was recorded at $%s, and would cost $%s.', p_expected_cost, result ->> 'cost'),
      'The prices or the markup of then are not known here, or the line was altered.'
    );
  end if;
  return result;
end
$$;
