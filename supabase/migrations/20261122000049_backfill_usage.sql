-- Usage that could not be settled, charged later from what the functions' log says of it. Once a
-- request, whoever else settles it meanwhile.

-- As before, but a charge may say when it was: a backfilled one is of the day on which it was used.
create or replace function billing.write_charge(
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
  p_charge.created_at := coalesce(p_charge.created_at, clock_timestamp());
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

-- The price of a model for a request that began at a time: the one in force then, or the last before;
-- where its history begins later, as after a database was lost, its oldest. Refuses where it never
-- had one.
create function billing.price_of_then(p_model text, p_at timestamptz)
returns billing.model_pricing_history
language plpgsql
stable
set search_path = ''
as $$
declare
  price billing.model_pricing_history;
begin
  select * into price
  from billing.model_pricing_history h
  where h.provider_id = split_part(p_model, ':', 1)
    and h.model_id = substr(p_model, strpos(p_model, ':') + 1)
  order by
    h.effective_from <= p_at desc,
    case when h.effective_from <= p_at then h.effective_from end desc,
    h.effective_from,
    h.price_version
  limit 1;
  if not found then
    perform billing.refuse(
      404, 'MODEL_NOT_FOUND', format('%L never had a price here.', p_model),
      'Give it one with `farebox prices set`, then backfill again.',
      jsonb_build_object('model', p_model)
    );
  end if;
  return price;
end
$$;

-- Where other models' prices are looked up: when the request began, or, where one of them had no
-- price yet, when all of them had.
create function billing.priced_since(
  p_provider_id text,
  p_other_models jsonb,
  p_at timestamptz
) returns timestamptz
language sql
stable
set search_path = ''
as $$
  select greatest(p_at, max(first.at))
  from jsonb_path_query(coalesce(p_other_models, '[]'), '$[*].model') other (model)
  cross join lateral (
    select min(h.effective_from) as at
    from billing.model_pricing_history h
    where h.provider_id = p_provider_id
      and h.model_id in (other.model #>> '{}', billing.undated(other.model #>> '{}'))
  ) first;
$$;

create function billing.refuse_other_usage(p_request_id uuid, p_what text) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform billing.refuse(
    409, 'KEY_CONFLICT', format('Request %s is known with another %s.', p_request_id, p_what),
    'A request is settled once. Correct a wrong charge with public.refund.'
  );
end
$$;

-- A closed reservation for what has none: it was served while the ledger was away, was pruned, or
-- was lost with the database. What it held is what was used, so that an estimate stays what it is.
-- Where a dead worker was charged at a checkpoint before, at the price of then.
create function billing.make_hold(
  p_charge public.usage_records,
  p_model text,
  p_other_models jsonb,
  p_began_at timestamptz
) returns void
language plpgsql
set search_path = ''
as $$
declare
  price billing.model_pricing_history := billing.price_of_then(p_model, p_began_at);
  at_checkpoint public.usage_records;
begin
  select * into at_checkpoint from public.usage_records u
  where u.request_id = p_charge.request_id and u.sequence = 0;
  insert into billing.reservations (
    request_id, user_id, guest_token_id, guest_address_hash, chat_id, provider_id, model_id,
    price_version, markup_basis_points, ceiling, amount, input_tokens_max,
    output_tokens_reserved, web_searches_max, enforced, state, created_at, expires_at, closed_at
  )
  select
    p_charge.request_id,
    p_charge.user_id,
    -- No guest's window is touched: it is not known whose, and long over.
    case when p_charge.user_id is null then 'backfill' end,
    case when p_charge.user_id is null then 'backfill' end,
    p_charge.chat_id,
    price.provider_id,
    price.model_id,
    case
      when (at_checkpoint.provider_id, at_checkpoint.model_id) = (price.provider_id, price.model_id)
        then at_checkpoint.price_version
      else price.price_version
    end,
    coalesce(at_checkpoint.markup_basis_points, s.markup_basis_points),
    0,
    0,
    least(
      p_charge.input_tokens::bigint + p_charge.cache_read_tokens + p_charge.cache_write_5m_tokens
        + p_charge.cache_write_1h_tokens,
      2147483647
    ),
    p_charge.output_tokens,
    coalesce(p_charge.web_searches, 0),
    false,
    'expired',
    coalesce(billing.priced_since(price.provider_id, p_other_models, p_began_at), p_began_at),
    clock_timestamp(),
    clock_timestamp()
  from billing.settings s
  -- Another backfill may make it at the same moment: this one waits, and finds the request settled.
  on conflict (request_id) do nothing;
end
$$;

-- Whether a request whose reservation is forgotten was charged for good; what it was charged is then
-- the answer, and other usage is refused. Null: it was not, or at a checkpoint only.
create function billing.charged_before(p_charge public.usage_records, p_model text) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  first public.usage_records;
  final public.usage_records;
  hold billing.reservations;
begin
  select * into first from public.usage_records u
  where u.request_id = p_charge.request_id and u.sequence = 0;
  if not found then
    return null;
  end if;
  if first.user_id is distinct from p_charge.user_id then
    perform billing.refuse_other_usage(p_charge.request_id, 'user');
  end if;
  select * into final from public.usage_records u
  where u.request_id = p_charge.request_id and u.sequence = 1;
  if found then
    final := billing.as_one(first, final);
  elsif first.basis = 'checkpoint' then
    return null;
  else
    final := first;
  end if;
  if final.provider_id || ':' || final.model_id <> p_model then
    perform billing.refuse_other_usage(p_charge.request_id, 'model');
  end if;
  -- An estimate was capped at a reservation that nobody knows any more: at least at what was charged.
  if p_charge.basis <> 'reported' then
    hold.input_tokens_max := final.input_tokens + final.cache_read_tokens
      + final.cache_write_5m_tokens + final.cache_write_1h_tokens;
    hold.output_tokens_reserved := final.output_tokens;
    hold.web_searches_max := coalesce(final.web_searches, 0);
    p_charge := billing.as_estimate(p_charge, hold);
  end if;
  -- Prices, what they came to, and what is only told are not what was used.
  if billing.used_tokens(p_charge) <> billing.used_tokens(final) then
    perform billing.refuse_other_usage(p_charge.request_id, 'usage');
  end if;
  return billing.charge_as_json('already_settled', final);
end
$$;

-- What two charges of a request have in common that are for the same.
create function billing.used_tokens(p_charge public.usage_records) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.settled_usage(p_charge) - array[
    'user_id', 'chat_id', 'provider_id', 'model_id', 'price_version', 'markup_basis_points',
    'other_models_cost', 'provider_cost', 'service_tier', 'flags'
  ];
$$;

-- Settles what a line of the log says, once. p_charge: as for settle, with the user and the chat, and
-- created_at, when the answer ended. Where the reservation is there it is an ordinary settle.
-- p_expected_cost: what the charge was recorded at; where it comes to another amount nothing is done.
create function billing.backfill_usage(
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
    -- answer was lost, the request was served as without one, and the hold given back.
    update billing.reservations r
    set state = 'expired'
    where r.request_id = p_charge.request_id and r.state = 'released';
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

revoke all on function billing.price_of_then(text, timestamptz) from public;
revoke all on function billing.priced_since(text, jsonb, timestamptz) from public;
revoke all on function billing.refuse_other_usage(uuid, text) from public;
revoke all on function billing.make_hold(public.usage_records, text, jsonb, timestamptz) from public;
revoke all on function billing.charged_before(public.usage_records, text) from public;
revoke all on function billing.used_tokens(public.usage_records) from public;
revoke all on function billing.backfill_usage(public.usage_records, text, jsonb, text, text) from public;
