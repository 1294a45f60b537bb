-- Tokens times price. The same arithmetic stands in shared/pricing/charge.ts, which estimates; this
-- one charges. A property test holds them equal to the last decimal.
--
-- Multiplied by 0.001 and never divided by 1,000: numeric division may round, this cannot.

-- The unit price of each token class for a prompt of so many tokens, USD per 1,000. Past the
-- long-context threshold the whole request is priced at the long tier; a class without a price of
-- its own falls back: cache_read and cache_write_5m to input, cache_write_1h to cache_write_5m.
create function billing.unit_prices(
  p_price billing.model_pricing_history,
  p_prompt_tokens bigint,
  out is_long boolean,
  out input numeric,
  out cache_read numeric,
  out cache_write_5m numeric,
  out cache_write_1h numeric,
  out output numeric
)
language plpgsql
immutable
set search_path = ''
as $$
begin
  is_long := coalesce(p_prompt_tokens > p_price.long_context_threshold_tokens, false);
  input := p_price.input_per_1k;
  cache_read := p_price.cache_read_per_1k;
  cache_write_5m := p_price.cache_write_5m_per_1k;
  cache_write_1h := p_price.cache_write_1h_per_1k;
  output := p_price.output_per_1k;
  if is_long then
    input := coalesce(p_price.long_input_per_1k, input);
    cache_read := coalesce(p_price.long_cache_read_per_1k, cache_read);
    cache_write_5m := coalesce(p_price.long_cache_write_5m_per_1k, cache_write_5m);
    cache_write_1h := coalesce(p_price.long_cache_write_1h_per_1k, cache_write_1h);
    output := coalesce(p_price.long_output_per_1k, output);
  end if;
  cache_read := coalesce(cache_read, input);
  cache_write_5m := coalesce(cache_write_5m, input);
  cache_write_1h := coalesce(cache_write_1h, cache_write_5m);
end
$$;

-- The exact cost of disjoint token classes at a price version, before markup.
create function billing.cost_of(
  p_version bigint,
  p_input integer,
  p_cache_read integer,
  p_cache_write_5m integer,
  p_cache_write_1h integer,
  p_output integer
) returns numeric
language plpgsql
stable
set search_path = ''
as $$
declare
  price billing.model_pricing_history;
  unit record;
begin
  select * into strict price from billing.model_pricing_history h where h.price_version = p_version;
  unit := billing.unit_prices(
    price, p_input::bigint + p_cache_read + p_cache_write_5m + p_cache_write_1h
  );
  return (
    p_input * unit.input
    + p_cache_read * unit.cache_read
    + p_cache_write_5m * unit.cache_write_5m
    + p_cache_write_1h * unit.cache_write_1h
    + p_output * unit.output
  ) * 0.001 + price.request_fee;
end
$$;

-- The only rounding that there is: a marked-up cost, upward, at ten decimals.
create function billing.marked_up(p_cost numeric, p_basis_points integer) returns numeric
language sql
immutable
set search_path = ''
as $$
  select case p_basis_points
    when 0 then p_cost
    else ceil(p_cost * (10000 + p_basis_points) * 1000000) * 0.0000000001
  end;
$$;

-- The dearest prices that a prompt of up to p_input_max tokens can meet, USD per 1,000 tokens.
create function billing.dearest_prices(
  p_version bigint,
  p_input_max integer,
  out dearest_input numeric,
  out dearest_output numeric,
  out request_fee numeric
)
language sql
stable
set search_path = ''
as $$
  select
    greatest(
      h.input_per_1k, h.cache_read_per_1k, h.cache_write_5m_per_1k, h.cache_write_1h_per_1k,
      case when p_input_max > h.long_context_threshold_tokens then greatest(
        h.long_input_per_1k, h.long_cache_read_per_1k, h.long_cache_write_5m_per_1k,
        h.long_cache_write_1h_per_1k
      ) end
    ),
    greatest(
      h.output_per_1k,
      case when p_input_max > h.long_context_threshold_tokens then h.long_output_per_1k end
    ),
    h.request_fee
  from billing.model_pricing_history h
  where h.price_version = p_version;
$$;

-- The most that a request can cost: every input token at the dearest input class, every output
-- token at the output price, at the dearer tier where the prompt may pass its threshold.
create function billing.ceiling_of(
  p_version bigint,
  p_input_max integer,
  p_output integer,
  p_markup_basis_points integer
) returns numeric
language sql
stable
set search_path = ''
as $$
  select billing.marked_up(
    (p_input_max * r.dearest_input + p_output * r.dearest_output) * 0.001 + r.request_fee,
    p_markup_basis_points
  )
  from billing.dearest_prices(p_version, p_input_max) r;
$$;

-- The most output tokens that an amount can pay for after the input, or null where output is free.
create function billing.affordable_output_tokens(
  p_version bigint,
  p_input_max integer,
  p_markup_basis_points integer,
  p_available numeric
) returns integer
language plpgsql
stable
set search_path = ''
as $$
declare
  price record;
  tokens numeric;
begin
  select * into price from billing.dearest_prices(p_version, p_input_max);
  if billing.ceiling_of(p_version, p_input_max, 0, p_markup_basis_points) > p_available then
    return 0;
  end if;
  if price.dearest_output = 0 then
    return null;
  end if;
  tokens := div(
    (p_available * 10000 - (p_input_max * price.dearest_input * 0.001 + price.request_fee)
      * (10000 + p_markup_basis_points)) * 1000,
    price.dearest_output * (10000 + p_markup_basis_points)
  );
  tokens := least(greatest(tokens, 0), 100000000);
  -- The markup rounds up, by less than one unit of the last decimal: one token may be too many.
  while tokens > 0
    and billing.ceiling_of(p_version, p_input_max, tokens::integer, p_markup_basis_points)
      > p_available
  loop
    tokens := tokens - 1;
  end loop;
  return tokens;
end
$$;

-- A price version as it travels: decimal strings, USD per 1,000 tokens.
create function billing.price_as_json(p_version bigint) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'provider_id', h.provider_id,
    'model_id', h.model_id,
    'input_per_1k', billing.usd(h.input_per_1k),
    'output_per_1k', billing.usd(h.output_per_1k),
    'cache_read_per_1k', billing.usd(h.cache_read_per_1k),
    'cache_write_5m_per_1k', billing.usd(h.cache_write_5m_per_1k),
    'cache_write_1h_per_1k', billing.usd(h.cache_write_1h_per_1k),
    'request_fee', billing.usd(h.request_fee),
    'long_context_threshold_tokens', h.long_context_threshold_tokens,
    'long_input_per_1k', billing.usd(h.long_input_per_1k),
    'long_output_per_1k', billing.usd(h.long_output_per_1k),
    'long_cache_read_per_1k', billing.usd(h.long_cache_read_per_1k),
    'long_cache_write_5m_per_1k', billing.usd(h.long_cache_write_5m_per_1k),
    'long_cache_write_1h_per_1k', billing.usd(h.long_cache_write_1h_per_1k),
    'max_input_tokens', h.max_input_tokens,
    'max_output_tokens', h.max_output_tokens,
    'image_tokens_max', h.image_tokens_max,
    'hides_reasoning', h.hides_reasoning
  )
  from billing.model_pricing_history h
  where h.price_version = p_version;
$$;

-- Token classes as they travel.
create function billing.tokens_as_json(
  p_input bigint,
  p_cache_read bigint,
  p_cache_write_5m bigint,
  p_cache_write_1h bigint,
  p_output bigint
) returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'input', coalesce(p_input, 0),
    'cache_read', coalesce(p_cache_read, 0),
    'cache_write_5m', coalesce(p_cache_write_5m, 0),
    'cache_write_1h', coalesce(p_cache_write_1h, 0),
    'output', coalesce(p_output, 0)
  );
$$;
