-- The receipt: why a request cost what it cost.

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
  -- The charge and its correction together: the true usage, which the lines explain.
  whole public.usage_records;
  price billing.model_pricing_history;
  unit record;
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
  whole := case when correction.request_id is null then charge
    else billing.as_one(charge, correction) end;
  unit := billing.unit_prices(
    price, whole.input_tokens::bigint + whole.cache_read_tokens + whole.cache_write_5m_tokens
      + whole.cache_write_1h_tokens
  );
  return jsonb_build_object(
    'request_id', charge.request_id,
    'user_id', charge.user_id,
    'chat_id', charge.chat_id,
    'provider', charge.provider_id,
    'model', charge.provider_id || ':' || charge.model_id,
    'basis', whole.basis,
    'finish', coalesce(correction.finish, charge.finish),
    'provider_request_id', coalesce(correction.provider_request_id, charge.provider_request_id),
    'price_version', charge.price_version,
    'price_effective_from', price.effective_from,
    'tier', case when unit.is_long then 'long_context' else 'standard' end,
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
      from (values
        (1, 'input', whole.input_tokens, unit.input),
        (2, 'cache_read', whole.cache_read_tokens, unit.cache_read),
        (3, 'cache_write_5m', whole.cache_write_5m_tokens, unit.cache_write_5m),
        (4, 'cache_write_1h', whole.cache_write_1h_tokens, unit.cache_write_1h),
        (5, 'output', whole.output_tokens, unit.output)
      ) line (ordinal, class, tokens, per_1k)
      where line.tokens <> 0
    ),
    'request_fee', billing.usd(price.request_fee),
    'cost', billing.usd(whole.cost),
    'collected', billing.usd(whole.collected),
    'uncollected', billing.usd(whole.uncollected),
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
