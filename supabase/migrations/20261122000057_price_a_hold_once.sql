-- The same answers from fewer statements: a hold is priced once and not five times, a charge is added
-- up without a query for each of its parts, and what there is nothing of is not written.
--
-- What every request calls is plpgsql, whose plans and expressions a connection keeps.

create or replace function billing.usd(p_amount numeric) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return trim_scale(p_amount)::text;
end
$$;

create or replace function billing.marked_up(p_cost numeric, p_basis_points integer) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case p_basis_points
    when 0 then p_cost
    else ceil(p_cost * (10000 + p_basis_points) * 1000000) * 0.0000000001
  end;
end
$$;

create or replace function billing.tokens_as_json(
  p_input bigint,
  p_cache_read bigint,
  p_cache_write_5m bigint,
  p_cache_write_1h bigint,
  p_output bigint
) returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'input', coalesce(p_input, 0),
    'cache_read', coalesce(p_cache_read, 0),
    'cache_write_5m', coalesce(p_cache_write_5m, 0),
    'cache_write_1h', coalesce(p_cache_write_1h, 0),
    'output', coalesce(p_output, 0)
  );
end
$$;

-- Column by column, for it is asked for at every request: a test holds it to have every column.
create or replace function billing.price_as_json(p_version bigint) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  price billing.model_pricing_history;
begin
  select * into price from billing.model_pricing_history h where h.price_version = p_version;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'price_version', price.price_version,
    'provider_id', price.provider_id,
    'model_id', price.model_id,
    'input_per_1k', trim_scale(price.input_per_1k)::text,
    'output_per_1k', trim_scale(price.output_per_1k)::text,
    'cache_read_per_1k', trim_scale(price.cache_read_per_1k)::text,
    'cache_write_5m_per_1k', trim_scale(price.cache_write_5m_per_1k)::text,
    'cache_write_1h_per_1k', trim_scale(price.cache_write_1h_per_1k)::text,
    'request_fee', trim_scale(price.request_fee)::text,
    'long_context_threshold_tokens', price.long_context_threshold_tokens,
    'long_input_per_1k', trim_scale(price.long_input_per_1k)::text,
    'long_output_per_1k', trim_scale(price.long_output_per_1k)::text,
    'long_cache_read_per_1k', trim_scale(price.long_cache_read_per_1k)::text,
    'long_cache_write_5m_per_1k', trim_scale(price.long_cache_write_5m_per_1k)::text,
    'long_cache_write_1h_per_1k', trim_scale(price.long_cache_write_1h_per_1k)::text,
    'max_input_tokens', price.max_input_tokens,
    'max_output_tokens', price.max_output_tokens,
    'image_tokens_max', price.image_tokens_max,
    'hides_reasoning', price.hides_reasoning,
    'input_audio_per_1k', trim_scale(price.input_audio_per_1k)::text,
    'input_image_per_1k', trim_scale(price.input_image_per_1k)::text,
    'cache_read_audio_per_1k', trim_scale(price.cache_read_audio_per_1k)::text,
    'output_audio_per_1k', trim_scale(price.output_audio_per_1k)::text,
    'output_image_per_1k', trim_scale(price.output_image_per_1k)::text,
    'web_search_fee', trim_scale(price.web_search_fee)::text
  );
end
$$;

create or replace function billing.reservation_as_json(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_limited_by text,
  p_would_refuse text,
  p_guest_exchanges_left integer
) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'request_id', p_hold.request_id,
    'amount', billing.usd(p_hold.amount),
    'output_tokens_reserved', p_hold.output_tokens_reserved,
    'output_tokens_limit', p_hold.output_tokens_limit,
    'output_limited_by', p_limited_by,
    'balance', billing.usd(p_account.balance),
    'available', billing.usd(p_account.balance - p_account.reserved),
    'price_version', p_hold.price_version,
    'price', billing.price_as_json(p_hold.price_version),
    'fallbacks', case when p_hold.fallback_versions is not null then (
      select jsonb_agg(billing.price_as_json(v.version) order by v.ordinality)
      from unnest(p_hold.fallback_versions) with ordinality v (version, ordinality)
    ) end,
    'markup_basis_points', p_hold.markup_basis_points,
    'expires_at', p_hold.expires_at,
    'would_refuse', p_would_refuse,
    'guest_exchanges_left', p_guest_exchanges_left
  );
end
$$;

-- ── What a hold may cost ────────────────────────────────────────────────────────────────────

-- What billing.candidates_of says of one model that may answer.
create type billing.candidate as (
  price_version bigint,
  hides_reasoning boolean,
  dearest_input numeric,
  dearest_output numeric,
  fixed numeric
);

-- The most that a prompt and so much output can cost, whichever of the candidates answers.
create function billing.ceiling_of(
  p_candidates billing.candidate[],
  p_input_tokens_max integer,
  p_output integer,
  p_markup_basis_points integer
) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
declare
  c billing.candidate;
  dearest numeric;
begin
  foreach c in array p_candidates loop
    dearest := greatest(
      dearest,
      (p_input_tokens_max * c.dearest_input + p_output * c.dearest_output) * 0.001 + c.fixed
    );
  end loop;
  return billing.marked_up(dearest, p_markup_basis_points);
end
$$;

-- The most output tokens that an amount can pay for after the prompt, whoever answers; null where
-- output is free.
create function billing.affordable_output_tokens(
  p_candidates billing.candidate[],
  p_input_tokens_max integer,
  p_markup_basis_points integer,
  p_available numeric
) returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
  marked_up_by constant integer := 10000 + p_markup_basis_points;
  c billing.candidate;
  tokens numeric;
begin
  if billing.ceiling_of(p_candidates, p_input_tokens_max, 0, p_markup_basis_points) > p_available
  then
    return 0;
  end if;
  foreach c in array p_candidates loop
    if c.dearest_output > 0 then
      tokens := least(
        tokens,
        div(
          (p_available * 10000
            - (p_input_tokens_max * c.dearest_input * 0.001 + c.fixed) * marked_up_by) * 1000,
          c.dearest_output * marked_up_by
        )
      );
    end if;
  end loop;
  if tokens is null then
    return null;
  end if;
  tokens := least(greatest(tokens, 0), 100000000);
  -- The markup rounds up, by less than one unit of the last decimal: one token may be too many.
  while tokens > 0
    and billing.ceiling_of(
      p_candidates, p_input_tokens_max, tokens::integer, p_markup_basis_points
    ) > p_available
  loop
    tokens := tokens - 1;
  end loop;
  return tokens;
end
$$;

create function billing.candidates_as_array(p_hold billing.reservations)
returns billing.candidate[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select (
      c.price_version, c.hides_reasoning, c.dearest_input, c.dearest_output, c.fixed
    )::billing.candidate
    from billing.candidates_of(p_hold) c
  );
end
$$;

create or replace function billing.ceiling_of(p_hold billing.reservations, p_output integer)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return billing.ceiling_of(
    billing.candidates_as_array(p_hold), p_hold.input_tokens_max, p_output,
    p_hold.markup_basis_points
  );
end
$$;

create or replace function billing.affordable_output_tokens(
  p_hold billing.reservations,
  p_available numeric
) returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return billing.affordable_output_tokens(
    billing.candidates_as_array(p_hold), p_hold.input_tokens_max, p_hold.markup_basis_points,
    p_available
  );
end
$$;

-- ── What a charge costs ─────────────────────────────────────────────────────────────────────

-- The disjoint lines of a usage at a price, in the order in which they are shown. A class is here
-- without its sound and images, which have lines of their own; a search costs nothing where it has
-- no fee.
create function billing.lines_of(
  p_used public.usage_records,
  p_price billing.model_pricing_history
)
returns table (ordinal integer, class text, amount bigint, price numeric, cost numeric)
language plpgsql
immutable
rows 3
set search_path = ''
as $$
declare
  classes constant text[] := array[
    'input', 'input_audio', 'input_image', 'cache_read', 'cache_read_audio', 'cache_write_5m',
    'cache_write_1h', 'output', 'output_audio', 'output_image', 'web_search'
  ];
  input_audio constant bigint := coalesce(p_used.input_audio_tokens, 0);
  input_image constant bigint := coalesce(p_used.input_image_tokens, 0);
  cache_read_audio constant bigint := coalesce(p_used.cache_read_audio_tokens, 0);
  output_audio constant bigint := coalesce(p_used.output_audio_tokens, 0);
  output_image constant bigint := coalesce(p_used.output_image_tokens, 0);
  unit record;
  amounts bigint[];
  prices numeric[];
begin
  unit := billing.unit_prices(
    p_price,
    p_used.input_tokens::bigint + p_used.cache_read_tokens + p_used.cache_write_5m_tokens
      + p_used.cache_write_1h_tokens
  );
  amounts := array[
    p_used.input_tokens - input_audio - input_image, input_audio, input_image,
    p_used.cache_read_tokens - cache_read_audio, cache_read_audio, p_used.cache_write_5m_tokens,
    p_used.cache_write_1h_tokens, p_used.output_tokens - output_audio - output_image, output_audio,
    output_image, p_used.web_searches
  ];
  prices := array[
    unit.input, coalesce(p_price.input_audio_per_1k, unit.input),
    coalesce(p_price.input_image_per_1k, unit.input), unit.cache_read,
    coalesce(p_price.cache_read_audio_per_1k, unit.cache_read), unit.cache_write_5m,
    unit.cache_write_1h, unit.output, coalesce(p_price.output_audio_per_1k, unit.output),
    coalesce(p_price.output_image_per_1k, unit.output), p_price.web_search_fee
  ];
  for i in 1 .. cardinality(classes) loop
    if amounts[i] <> 0 then
      ordinal := i;
      class := classes[i];
      amount := amounts[i];
      price := prices[i];
      cost := amount * case class when 'web_search' then coalesce(price, 0) else price * 0.001 end;
      return next;
    end if;
  end loop;
end
$$;

create or replace function billing.lines_of(p_used public.usage_records)
returns table (ordinal integer, class text, amount bigint, price numeric, cost numeric)
language plpgsql
stable
rows 3
set search_path = ''
as $$
declare
  version billing.model_pricing_history;
begin
  select * into version from billing.model_pricing_history h
  where h.price_version = p_used.price_version;
  if found then
    return query select * from billing.lines_of(p_used, version);
  end if;
end
$$;

-- The exact cost of a usage at its price, before markup: its lines, the fee of its model, and other
-- models.
create function billing.cost_of_charge(
  p_used public.usage_records,
  p_price billing.model_pricing_history
) returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce((select sum(line.cost) from billing.lines_of(p_used, p_price) line), 0)
    + p_price.request_fee
    + coalesce(p_used.other_models_cost, 0);
end
$$;

create or replace function billing.cost_of_charge(p_used public.usage_records) returns numeric
language plpgsql
stable
set search_path = ''
as $$
declare
  version billing.model_pricing_history;
begin
  select * into version from billing.model_pricing_history h
  where h.price_version = p_used.price_version;
  return case when found then billing.cost_of_charge(p_used, version) end;
end
$$;

revoke all on function billing.ceiling_of(billing.candidate[], integer, integer, integer)
  from public;
revoke all on function billing.affordable_output_tokens(
  billing.candidate[], integer, integer, numeric
) from public;
revoke all on function billing.candidates_as_array(billing.reservations) from public;
revoke all on function billing.lines_of(public.usage_records, billing.model_pricing_history)
  from public;
revoke all on function billing.cost_of_charge(public.usage_records, billing.model_pricing_history)
  from public;
