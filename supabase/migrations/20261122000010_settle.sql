-- settle: the charge. Once a request, whatever is repeated.

-- Charges the actual usage and closes the reservation, in one transaction.
-- Estimates are capped at what was reserved. A cost above the balance is collected up to the
-- balance and the rest recorded: usage is never rolled back for lack of funds.
-- After an expiry at a checkpoint, the first settle corrects the charge to the true cost, once.
create function billing.settle(
  p_request_id uuid,
  p_input_tokens integer,
  p_cache_read_tokens integer,
  p_cache_write_5m_tokens integer,
  p_cache_write_1h_tokens integer,
  p_output_tokens integer,
  p_basis text,
  p_provider_request_id text,
  p_finish text,
  p_first_token_ms integer,
  p_duration_ms integer
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  hold billing.reservations;
  account public.user_balances;
  charge public.usage_records;
  prior public.usage_records;
begin
  if least(
    p_input_tokens, p_cache_read_tokens, p_cache_write_5m_tokens, p_cache_write_1h_tokens,
    p_output_tokens
  ) < 0 or num_nulls(
    p_input_tokens, p_cache_read_tokens, p_cache_write_5m_tokens, p_cache_write_1h_tokens,
    p_output_tokens
  ) > 0 or p_basis is null or p_basis not in ('reported', 'estimated', 'checkpoint') then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'Usage is five whole numbers from zero up, and a basis.',
      'Clamp what a provider reports below zero, and say reported, estimated or checkpoint.'
    );
  end if;
  account := billing.lock_caller_of(p_request_id);
  select * into strict hold from billing.reservations r
  where r.request_id = p_request_id for no key update;

  charge.request_id := p_request_id;
  charge.sequence := 0;
  charge.user_id := hold.user_id;
  charge.chat_id := hold.chat_id;
  charge.provider_id := hold.provider_id;
  charge.model_id := hold.model_id;
  charge.price_version := hold.price_version;
  charge.markup_basis_points := hold.markup_basis_points;
  charge.input_tokens := p_input_tokens;
  charge.cache_read_tokens := p_cache_read_tokens;
  charge.cache_write_5m_tokens := p_cache_write_5m_tokens;
  charge.cache_write_1h_tokens := p_cache_write_1h_tokens;
  charge.output_tokens := p_output_tokens;
  charge.basis := p_basis;
  charge.provider_request_id := left(p_provider_request_id, 200);
  charge.finish := left(p_finish, 60);
  charge.first_token_ms := p_first_token_ms;
  charge.duration_ms := p_duration_ms;
  if p_basis <> 'reported' then
    -- An estimate has one input class, and never exceeds what was reserved for it.
    charge.input_tokens := least(
      p_input_tokens + p_cache_read_tokens + p_cache_write_5m_tokens + p_cache_write_1h_tokens,
      hold.input_tokens_max
    );
    charge.cache_read_tokens := 0;
    charge.cache_write_5m_tokens := 0;
    charge.cache_write_1h_tokens := 0;
    charge.output_tokens := least(p_output_tokens, hold.output_tokens_reserved);
  end if;
  charge.cost := billing.marked_up(
    billing.cost_of(
      charge.price_version, charge.input_tokens, charge.cache_read_tokens,
      charge.cache_write_5m_tokens, charge.cache_write_1h_tokens, charge.output_tokens
    ),
    charge.markup_basis_points
  );

  select * into prior from public.usage_records u
  where u.request_id = p_request_id order by u.sequence desc limit 1;
  if not found then
    if hold.state = 'released' then
      perform billing.refuse(
        409, 'RESERVATION_CLOSED', format('Request %s was released.', p_request_id),
        'A released reservation cannot be charged: nothing was delivered for it.'
      );
    end if;
    return billing.write_charge(hold, account, charge);
  end if;
  return billing.repeat_settle(hold, account, charge, prior);
end
$$;

-- The first charge of a request, whether its reservation is still open or was swept without one.
create function billing.write_charge(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_charge public.usage_records
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  was_open constant boolean := p_hold.state = 'open';
  held constant numeric := case when was_open then p_hold.amount else 0 end;
begin
  if p_charge.user_id is null then
    p_charge.collected := 0;
    perform billing.close_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, was_open, true
    );
  else
    -- Other open reservations keep what they hold: reserved <= balance must stay true.
    p_charge.collected := least(p_charge.cost, p_account.balance - (p_account.reserved - held));
    p_charge.balance_before := p_account.balance;
    p_charge.balance_after := p_account.balance - p_charge.collected;
    update public.user_balances
    set
      balance = p_charge.balance_after,
      reserved = reserved - held,
      updated_at = clock_timestamp()
    where user_id = p_charge.user_id;
  end if;
  p_charge.uncollected := p_charge.cost - p_charge.collected;
  p_charge.created_at := clock_timestamp();
  insert into public.usage_records select (p_charge).*;
  update billing.reservations
  set
    state = case when p_charge.basis = 'checkpoint' then 'expired' else 'settled' end,
    amount = 0, ceiling = 0, closed_at = clock_timestamp()
  where request_id = p_charge.request_id;
  if p_charge.uncollected > 0 and p_hold.enforced and p_charge.user_id is not null then
    perform billing.record_incident(
      'uncollected', p_charge.user_id, p_charge.request_id,
      jsonb_build_object(
        'cost', billing.usd(p_charge.cost), 'uncollected', billing.usd(p_charge.uncollected)
      )
    );
  end if;
  return billing.charge_as_json('settled', p_charge);
end
$$;

-- A settle of a request that has a charge: the same again, a correction, or a refusal.
create function billing.repeat_settle(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_charge public.usage_records,
  p_prior public.usage_records
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  first public.usage_records;
  net numeric;
begin
  select * into strict first from public.usage_records u
  where u.request_id = p_charge.request_id and u.sequence = 0;
  if p_prior.sequence = 1 then
    p_prior := billing.as_one(first, p_prior);
  end if;
  if (
    p_prior.basis, p_prior.input_tokens, p_prior.cache_read_tokens, p_prior.cache_write_5m_tokens,
    p_prior.cache_write_1h_tokens, p_prior.output_tokens
  ) = (
    p_charge.basis, p_charge.input_tokens, p_charge.cache_read_tokens,
    p_charge.cache_write_5m_tokens, p_charge.cache_write_1h_tokens, p_charge.output_tokens
  ) then
    return billing.charge_as_json('already_settled', p_prior);
  end if;
  if p_prior.sequence = 1 or first.basis <> 'checkpoint' or p_charge.basis = 'checkpoint' then
    perform billing.refuse(
      409, 'KEY_CONFLICT', format('Request %s was settled with other usage.', p_charge.request_id),
      'A request is settled once. Correct a wrong charge with public.refund.'
    );
  end if;

  -- The difference to the true usage, as its own row.
  p_charge.sequence := 1;
  p_charge.input_tokens := p_charge.input_tokens - first.input_tokens;
  p_charge.cache_read_tokens := p_charge.cache_read_tokens - first.cache_read_tokens;
  p_charge.cache_write_5m_tokens := p_charge.cache_write_5m_tokens - first.cache_write_5m_tokens;
  p_charge.cache_write_1h_tokens := p_charge.cache_write_1h_tokens - first.cache_write_1h_tokens;
  p_charge.output_tokens := p_charge.output_tokens - first.output_tokens;
  if p_charge.user_id is null then
    p_charge.collected := 0;
  else
    -- What was refunded meanwhile stays refunded: it is neither given back twice nor taken back.
    net := first.collected - billing.refunded(p_charge.request_id);
    p_charge.collected := case
      when p_charge.cost > first.collected
        then least(p_charge.cost - first.collected, p_account.balance - p_account.reserved)
      when p_charge.cost < net then p_charge.cost - net
      else 0
    end;
    p_charge.balance_before := p_account.balance;
    p_charge.balance_after := p_account.balance - p_charge.collected;
    update public.user_balances
    set balance = p_charge.balance_after, updated_at = clock_timestamp()
    where user_id = p_charge.user_id;
  end if;
  p_charge.uncollected := greatest(
    p_charge.cost - first.collected - p_charge.collected, 0
  ) - first.uncollected;
  p_charge.cost := p_charge.cost - first.cost;
  p_charge.created_at := clock_timestamp();
  insert into public.usage_records select (p_charge).*;
  update billing.reservations set state = 'settled' where request_id = p_charge.request_id;
  p_charge := billing.as_one(first, p_charge);
  if p_charge.uncollected > first.uncollected and p_hold.enforced and p_charge.user_id is not null
  then
    perform billing.record_incident(
      'uncollected', p_charge.user_id, p_charge.request_id,
      jsonb_build_object(
        'cost', billing.usd(p_charge.cost), 'uncollected', billing.usd(p_charge.uncollected)
      )
    );
  end if;
  return billing.charge_as_json('corrected', p_charge);
end
$$;

-- A charge and its correction add up to the true usage.
create function billing.as_one(
  p_charge public.usage_records,
  p_correction public.usage_records
) returns public.usage_records
language plpgsql
immutable
set search_path = ''
as $$
begin
  p_correction.input_tokens := p_charge.input_tokens + p_correction.input_tokens;
  p_correction.cache_read_tokens := p_charge.cache_read_tokens + p_correction.cache_read_tokens;
  p_correction.cache_write_5m_tokens :=
    p_charge.cache_write_5m_tokens + p_correction.cache_write_5m_tokens;
  p_correction.cache_write_1h_tokens :=
    p_charge.cache_write_1h_tokens + p_correction.cache_write_1h_tokens;
  p_correction.output_tokens := p_charge.output_tokens + p_correction.output_tokens;
  p_correction.cost := p_charge.cost + p_correction.cost;
  p_correction.collected := p_charge.collected + p_correction.collected;
  p_correction.uncollected := p_charge.uncollected + p_correction.uncollected;
  return p_correction;
end
$$;

create function billing.charge_as_json(p_state text, p_charge public.usage_records) returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'state', p_state,
    'cost', billing.usd(p_charge.cost),
    'collected', billing.usd(p_charge.collected),
    'uncollected', billing.usd(p_charge.uncollected),
    'balance_before', billing.usd(p_charge.balance_before),
    'balance', billing.usd(p_charge.balance_after),
    'basis', p_charge.basis,
    -- What was charged for: of an estimate, perhaps less than was asked to be.
    'tokens', billing.tokens_as_json(
      p_charge.input_tokens, p_charge.cache_read_tokens, p_charge.cache_write_5m_tokens,
      p_charge.cache_write_1h_tokens, p_charge.output_tokens
    )
  );
$$;
