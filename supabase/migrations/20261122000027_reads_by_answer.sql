-- What users read tells of all that a charge is made of, sound and images apart from their class,
-- searches, other models, and counts it under the model that answered.

-- The lines of a charge, its own and those of other models within it; null where it used nothing.
create function billing.receipt_lines(p_charge public.usage_records) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_agg(
    jsonb_build_object('class', line.class, 'cost', billing.usd(line.cost))
    || case line.class
      when 'web_search'
        then jsonb_build_object('count', line.amount, 'fee', billing.usd(line.price))
      else jsonb_build_object('tokens', line.amount, 'price_per_1k', billing.usd(line.price))
    end
    || case when line.model is null then '{}' else jsonb_build_object('model', line.model) end
    order by line.model collate "C" nulls first, line.ordinal
  )
  from (
    select null as model, own.* from billing.lines_of(p_charge) own
    union all
    select p_charge.provider_id || ':' || o.model_id, l.*
    from billing.usage_of_other_models o
    cross join lateral billing.lines_of(billing.as_usage(o)) l
    where o.request_id = p_charge.request_id
  ) line;
$$;

-- Why this price: token classes, unit prices, price version, basis, and the balance before and
-- after. p_user_id null reads as the operator; otherwise another user's receipt does not exist.
create or replace function billing.receipt(p_user_id uuid, p_request_id uuid) returns jsonb
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
  whole := case when correction.request_id is null then charge
    else billing.as_one(charge, correction) end;
  select * into strict price from billing.model_pricing_history h
  where h.price_version = whole.price_version;
  return jsonb_build_object(
    'request_id', charge.request_id,
    'user_id', charge.user_id,
    'chat_id', charge.chat_id,
    'provider', whole.provider_id,
    'model', whole.provider_id || ':' || whole.model_id,
    'basis', whole.basis,
    'finish', coalesce(correction.finish, charge.finish),
    'provider_request_id', coalesce(correction.provider_request_id, charge.provider_request_id),
    'price_version', whole.price_version,
    'price_effective_from', price.effective_from,
    'tier', case
      when (
        select u.is_long from billing.unit_prices(
          price,
          whole.input_tokens::bigint + whole.cache_read_tokens + whole.cache_write_5m_tokens
            + whole.cache_write_1h_tokens
        ) u
      ) then 'long_context'
      else 'standard'
    end,
    'service_tier', whole.service_tier,
    'flags', whole.flags,
    'markup_basis_points', charge.markup_basis_points,
    'lines', billing.receipt_lines(whole),
    'request_fee', billing.usd(price.request_fee),
    'cost', billing.usd(whole.cost),
    'provider_cost', billing.usd(whole.provider_cost),
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

-- By model, a request counts under the one that answered: where a charge was made at a checkpoint, its
-- correction knows which one that was.
create or replace function billing.usage_summary(
  p_user_id uuid,
  p_by text,
  p_from timestamptz,
  p_to timestamptz
) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with rows as (
    select
      case p_by
        when 'day' then to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD')
        else coalesce(c.provider_id || ':' || c.model_id, u.provider_id || ':' || u.model_id)
      end as key,
      u.*
    from public.usage_records u
    left join public.usage_records c
      on c.request_id = u.request_id and c.sequence = 1 and u.sequence = 0
    where u.user_id = p_user_id
      and u.created_at >= coalesce(p_from, '-infinity')
      and u.created_at < coalesce(p_to, 'infinity')
  ),
  sums as (
    select
      r.key,
      grouping(r.key) as is_total,
      count(*) filter (where r.sequence = 0) as requests,
      billing.tokens_as_json(
        sum(r.input_tokens), sum(r.cache_read_tokens), sum(r.cache_write_5m_tokens),
        sum(r.cache_write_1h_tokens), sum(r.output_tokens)
      ) as tokens,
      billing.usd(coalesce(sum(r.cost), 0)) as cost
    from rows r
    group by grouping sets ((r.key), ())
  )
  select jsonb_build_object(
    'by', p_by,
    'groups', coalesce(jsonb_agg(
      jsonb_build_object('key', s.key, 'requests', s.requests, 'tokens', s.tokens, 'cost', s.cost)
      order by s.key
    ) filter (where s.is_total = 0), '[]'),
    'total', (jsonb_agg(
      jsonb_build_object('requests', s.requests, 'tokens', s.tokens, 'cost', s.cost)
    ) filter (where s.is_total = 1)) -> 0
  )
  from sums s;
$$;
