-- settle, for whichever model answered, with sound and images, searches, other models, and what the
-- provider itself says. As before: once a request, whatever is repeated.

drop function billing.settle(
  uuid, integer, integer, integer, integer, integer, text, text, text, integer, integer
);
drop function billing.write_charge(
  billing.reservations, public.user_balances, public.usage_records
);
drop function billing.repeat_settle(
  billing.reservations, public.user_balances, public.usage_records, public.usage_records
);

-- Charges the actual usage and closes the reservation, in one transaction. p_charge: what was used,
-- its basis, and what is known of the answer; the rest of it is found out here.
-- Estimates are capped at what was reserved. A cost above the balance is collected up to the balance
-- and the rest recorded: usage is never rolled back for lack of funds.
-- After an expiry at a checkpoint, the first settle corrects the charge to the true cost, once.
create function billing.settle(
  p_charge public.usage_records,
  p_model text,
  p_other_models jsonb,
  p_provider_cost text
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  hold billing.reservations;
  account public.user_balances;
  price billing.model_pricing_history;
  others billing.usage_of_other_models[];
  prior public.usage_records;
begin
  perform billing.refuse_bad_usage(p_charge);
  account := billing.lock_caller_of(p_charge.request_id);
  select * into strict hold from billing.reservations r
  where r.request_id = p_charge.request_id for no key update;

  price := billing.price_of_answer(hold, p_model);
  p_charge.sequence := 0;
  p_charge.user_id := hold.user_id;
  p_charge.chat_id := hold.chat_id;
  p_charge.provider_id := price.provider_id;
  p_charge.model_id := price.model_id;
  p_charge.price_version := price.price_version;
  p_charge.markup_basis_points := hold.markup_basis_points;
  p_charge.provider_cost := billing.parse_provider_cost(p_provider_cost);
  p_charge.provider_request_id := left(p_charge.provider_request_id, 200);
  p_charge.finish := left(p_charge.finish, 60);
  p_charge.service_tier := nullif(left(p_charge.service_tier, 60), '');
  if p_charge.basis <> 'reported' then
    p_charge := billing.as_estimate(p_charge, hold);
  elsif p_other_models <> '[]' then
    others := billing.other_models_of(p_charge, p_other_models, hold.created_at);
    p_charge.other_models_cost := (select nullif(sum(o.cost), 0) from unnest(others) o);
  end if;
  p_charge.flags := billing.flags_of(p_charge, price);
  p_charge.cost := billing.marked_up(
    billing.cost_of_charge(p_charge), p_charge.markup_basis_points
  );

  select * into prior from public.usage_records u
  where u.request_id = p_charge.request_id order by u.sequence desc limit 1;
  if not found then
    if hold.state = 'released' then
      perform billing.refuse(
        409, 'RESERVATION_CLOSED', format('Request %s was released.', p_charge.request_id),
        'A released reservation cannot be charged: nothing was delivered for it.'
      );
    end if;
    return billing.write_charge(hold, account, p_charge, others);
  end if;
  return billing.repeat_settle(hold, account, p_charge, others, prior);
end
$$;

-- What was odd about a usage, in order, each once; null for nothing.
create function billing.flags_of(
  p_charge public.usage_records,
  p_price billing.model_pricing_history
) returns text[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  flags text[] := p_charge.flags;
begin
  if p_charge.web_searches > 0 and p_price.web_search_fee is null then
    flags := flags || 'unpriced_tool'::text;
  end if;
  if flags is null then
    return null;
  end if;
  return (
    select array_agg(f.flag order by f.flag)
    from (
      select distinct left(given.flag, 60) collate "C" as flag
      from unnest(flags) given (flag)
      where given.flag <> ''
      order by 1
      limit 40
    ) f
  );
end
$$;

-- The first charge of a request, whether its reservation is still open or was swept without one.
create function billing.write_charge(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_charge public.usage_records,
  p_others billing.usage_of_other_models[]
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
  insert into billing.usage_of_other_models select o.* from unnest(p_others) o;
  update billing.reservations
  set
    state = case when p_charge.basis = 'checkpoint' then 'expired' else 'settled' end,
    amount = 0, ceiling = 0, closed_at = clock_timestamp()
  where request_id = p_charge.request_id;
  perform billing.report_charge(p_hold, p_charge, p_others, 0);
  return billing.charge_as_json('settled', p_charge);
end
$$;

-- What two settles of a request must have in common to be the same.
create function billing.settled_usage(p_charge public.usage_records) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_strip_nulls(
    to_jsonb(p_charge) - array[
      'sequence', 'cost', 'collected', 'uncollected', 'balance_before', 'balance_after',
      'provider_request_id', 'finish', 'first_token_ms', 'duration_ms', 'created_at'
    ]
  );
$$;

-- A settle of a request that has a charge: the same again, a correction, or a refusal.
create function billing.repeat_settle(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_charge public.usage_records,
  p_others billing.usage_of_other_models[],
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
  if billing.settled_usage(p_prior) = billing.settled_usage(p_charge)
    and coalesce(p_others, '{}') = array(
      select o from billing.usage_of_other_models o
      where o.request_id = p_charge.request_id order by o.model_id collate "C"
    )
  then
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
  p_charge := billing.add_usage(p_charge, first, -1);
  p_charge.created_at := clock_timestamp();
  insert into public.usage_records select (p_charge).*;
  insert into billing.usage_of_other_models select o.* from unnest(p_others) o;
  update billing.reservations set state = 'settled' where request_id = p_charge.request_id;
  p_charge := billing.as_one(first, p_charge);
  perform billing.report_charge(p_hold, p_charge, p_others, first.uncollected);
  return billing.charge_as_json('corrected', p_charge);
end
$$;

-- What an operator should know of a new charge, or of a charge as it was corrected.
create function billing.report_charge(
  p_hold billing.reservations,
  p_charge public.usage_records,
  p_others billing.usage_of_other_models[],
  p_uncollected_before numeric
) returns void
language plpgsql
set search_path = ''
as $$
declare
  cost numeric;
begin
  if p_charge.uncollected > p_uncollected_before and p_hold.enforced
    and p_charge.user_id is not null
  then
    perform billing.record_incident(
      'uncollected', p_charge.user_id, p_charge.request_id,
      jsonb_build_object(
        'cost', billing.usd(p_charge.cost), 'uncollected', billing.usd(p_charge.uncollected)
      )
    );
  end if;
  -- An estimate differs anyhow.
  if p_charge.basis = 'reported' and p_charge.provider_cost is not null then
    cost := billing.cost_of_charge(p_charge);
    if abs(p_charge.provider_cost - cost) * 100 > cost then
      perform billing.record_incident(
        'provider_cost_difference', p_charge.user_id, p_charge.request_id,
        jsonb_build_object(
          'model', p_charge.provider_id || ':' || p_charge.model_id,
          'cost', billing.usd(cost), 'provider_cost', billing.usd(p_charge.provider_cost)
        )
      );
    end if;
  end if;
  perform billing.record_incident(
    'other_model_without_price', p_charge.user_id, p_charge.request_id,
    jsonb_build_object('model', p_charge.provider_id || ':' || o.model_id)
  )
  from unnest(p_others) o
  join billing.model_pricing_history h on h.price_version = o.price_version
  where h.model_id not in (o.model_id, billing.undated(o.model_id));
end
$$;

create or replace function billing.charge_as_json(p_state text, p_charge public.usage_records)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'state', p_state,
    'model', p_charge.provider_id || ':' || p_charge.model_id,
    'cost', billing.usd(p_charge.cost),
    'collected', billing.usd(p_charge.collected),
    'uncollected', billing.usd(p_charge.uncollected),
    'balance_before', billing.usd(p_charge.balance_before),
    'balance', billing.usd(p_charge.balance_after),
    'basis', p_charge.basis,
    'provider_cost', billing.usd(p_charge.provider_cost),
    -- What was charged for: of an estimate, perhaps less than was asked to be.
    'tokens', billing.tokens_as_json(
      p_charge.input_tokens, p_charge.cache_read_tokens, p_charge.cache_write_5m_tokens,
      p_charge.cache_write_1h_tokens, p_charge.output_tokens
    )
  );
end
$$;

drop function billing.cost_of(bigint, integer, integer, integer, integer, integer);
