-- The receipt: why a request cost what it cost.

-- The unit price of each token class, by the rules of billing.cost_of.
create function billing.price_lines(
  p_price billing.model_pricing_history,
  p_charge public.usage_records,
  p_long boolean
) returns table (ordinal integer, class text, tokens integer, per_1k numeric)
language sql
immutable
set search_path = ''
as $$
  with tier as (
    select
      case when p_long then coalesce(p_price.long_input_per_1k, p_price.input_per_1k)
        else p_price.input_per_1k end as input,
      case when p_long then coalesce(p_price.long_cache_read_per_1k, p_price.cache_read_per_1k)
        else p_price.cache_read_per_1k end as cache_read,
      case when p_long
        then coalesce(p_price.long_cache_write_5m_per_1k, p_price.cache_write_5m_per_1k)
        else p_price.cache_write_5m_per_1k end as cache_write_5m,
      case when p_long
        then coalesce(p_price.long_cache_write_1h_per_1k, p_price.cache_write_1h_per_1k)
        else p_price.cache_write_1h_per_1k end as cache_write_1h,
      case when p_long then coalesce(p_price.long_output_per_1k, p_price.output_per_1k)
        else p_price.output_per_1k end as output
  )
  select line.*
  from tier t
  cross join lateral (values
    (1, 'input', p_charge.input_tokens, t.input),
    (2, 'cache_read', p_charge.cache_read_tokens, coalesce(t.cache_read, t.input)),
    (3, 'cache_write_5m', p_charge.cache_write_5m_tokens, coalesce(t.cache_write_5m, t.input)),
    (4, 'cache_write_1h', p_charge.cache_write_1h_tokens,
      coalesce(t.cache_write_1h, t.cache_write_5m, t.input)),
    (5, 'output', p_charge.output_tokens, t.output)
  ) line (ordinal, class, tokens, per_1k);
$$;

-- Why this price: token classes, unit prices, price version, basis, and the balance before and
-- after. p_user_id null reads as the operator; otherwise another user's receipt does not exist.
create function billing.receipt(p_user_id uuid, p_request_id uuid) returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  charge public.usage_records;
  correction public.usage_records;
  price billing.model_pricing_history;
  long boolean;
begin
  select * into charge from public.usage_records u
  where u.request_id = p_request_id
    and u.sequence = 0
    and (p_user_id is null or u.user_id = p_user_id);
  if not found then
    return null;
  end if;
  select * into correction from public.usage_records u
  where u.request_id = p_request_id and u.sequence = 1;
  select * into strict price from billing.model_pricing_history h
  where h.price_version = charge.price_version;
  -- The lines explain the true usage: the charge and its correction together.
  charge.input_tokens := charge.input_tokens + coalesce(correction.input_tokens, 0);
  charge.cache_read_tokens := charge.cache_read_tokens + coalesce(correction.cache_read_tokens, 0);
  charge.cache_write_5m_tokens :=
    charge.cache_write_5m_tokens + coalesce(correction.cache_write_5m_tokens, 0);
  charge.cache_write_1h_tokens :=
    charge.cache_write_1h_tokens + coalesce(correction.cache_write_1h_tokens, 0);
  charge.output_tokens := charge.output_tokens + coalesce(correction.output_tokens, 0);
  long := coalesce(
    charge.input_tokens::bigint + charge.cache_read_tokens + charge.cache_write_5m_tokens
      + charge.cache_write_1h_tokens > price.long_context_threshold_tokens,
    false
  );
  return jsonb_build_object(
    'request_id', charge.request_id,
    'user_id', charge.user_id,
    'chat_id', charge.chat_id,
    'provider', charge.provider_id,
    'model', charge.provider_id || ':' || charge.model_id,
    'basis', coalesce(correction.basis, charge.basis),
    'finish', coalesce(correction.finish, charge.finish),
    'provider_request_id', coalesce(correction.provider_request_id, charge.provider_request_id),
    'price_version', charge.price_version,
    'price_effective_from', price.effective_from,
    'tier', case when long then 'long_context' else 'standard' end,
    'markup_basis_points', charge.markup_basis_points,
    'lines', (
      select jsonb_agg(
        jsonb_build_object(
          'class', line.class,
          'tokens', line.tokens,
          'price_per_1k', billing.usd(line.per_1k),
          'cost', billing.usd(line.tokens * line.per_1k * 0.001)
        )
        order by line.ordinal
      )
      from billing.price_lines(price, charge, long) line
      where line.tokens <> 0
    ),
    'request_fee', billing.usd(price.request_fee),
    'cost', billing.usd(charge.cost + coalesce(correction.cost, 0)),
    'collected', billing.usd(charge.collected + coalesce(correction.collected, 0)),
    'uncollected', billing.usd(charge.uncollected + coalesce(correction.uncollected, 0)),
    'balance_before', billing.usd(charge.balance_before),
    'balance_after', billing.usd(charge.balance_after),
    'created_at', charge.created_at,
    'correction', case when correction.request_id is not null then jsonb_build_object(
      'cost', billing.usd(correction.cost),
      'collected', billing.usd(correction.collected),
      'uncollected', billing.usd(correction.uncollected),
      'balance_before', billing.usd(correction.balance_before),
      'balance_after', billing.usd(correction.balance_after),
      'created_at', correction.created_at
    ) end,
    'refunds', coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'amount', billing.usd(t.amount), 'reason', t.note, 'created_at', t.created_at
        )
        order by t.created_at
      )
      from public.balance_transactions t
      where t.request_id = p_request_id
    ), '[]')
  );
end
$$;
