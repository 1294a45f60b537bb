-- A hold names every model that may answer, and covers the dearest of them, with sound, images and
-- searches.

-- The models that may answer, each at its dearest: USD per 1,000 tokens of prompt and of answer, and
-- what is paid once, whatever the tokens.
create function billing.candidates_of(p_hold billing.reservations)
returns table (
  price_version bigint,
  hides_reasoning boolean,
  dearest_input numeric,
  dearest_output numeric,
  fixed numeric
)
language plpgsql
stable
rows 1
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select
    h.price_version,
    h.hides_reasoning,
    greatest(
      h.input_per_1k, h.cache_read_per_1k, h.cache_write_5m_per_1k, h.cache_write_1h_per_1k,
      case when p_hold.input_tokens_max > h.long_context_threshold_tokens
        and h.long_context_threshold_tokens < coalesce(h.max_input_tokens, 2147483647)
      then greatest(
        h.long_input_per_1k, h.long_cache_read_per_1k, h.long_cache_write_5m_per_1k,
        h.long_cache_write_1h_per_1k
      ) end,
      case when p_hold.with_media then greatest(
        h.input_audio_per_1k, h.input_image_per_1k, h.cache_read_audio_per_1k
      ) end
    ),
    greatest(
      h.output_per_1k,
      case when p_hold.input_tokens_max > h.long_context_threshold_tokens
        and h.long_context_threshold_tokens < coalesce(h.max_input_tokens, 2147483647)
      then h.long_output_per_1k end,
      case when p_hold.with_media then greatest(h.output_audio_per_1k, h.output_image_per_1k) end
    ),
    h.request_fee + p_hold.web_searches_max * coalesce(h.web_search_fee, 0)
  from billing.model_pricing_history h
  where h.price_version = any (p_hold.price_version || p_hold.fallback_versions);
end
$$;

-- The most that a request can cost with so much output: every token of the prompt at the dearest
-- class and tier that it can fall into, of the dearest model that may answer.
create function billing.ceiling_of(p_hold billing.reservations, p_output integer) returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return billing.marked_up(
    (
      select max(
        (p_hold.input_tokens_max * c.dearest_input + p_output * c.dearest_output) * 0.001 + c.fixed
      )
      from billing.candidates_of(p_hold) c
    ),
    p_hold.markup_basis_points
  );
end
$$;

-- The most output tokens that an amount can pay for after the prompt, whoever answers; null where
-- output is free.
create function billing.affordable_output_tokens(
  p_hold billing.reservations,
  p_available numeric
) returns integer
language plpgsql
stable
set search_path = ''
as $$
declare
  marked_up_by constant integer := 10000 + p_hold.markup_basis_points;
  tokens numeric;
begin
  if billing.ceiling_of(p_hold, 0) > p_available then
    return 0;
  end if;
  select min(div(
    (p_available * 10000
      - (p_hold.input_tokens_max * c.dearest_input * 0.001 + c.fixed) * marked_up_by) * 1000,
    c.dearest_output * marked_up_by
  ))
  into tokens
  from billing.candidates_of(p_hold) c
  where c.dearest_output > 0;
  if tokens is null then
    return null;
  end if;
  tokens := least(greatest(tokens, 0), 100000000);
  -- The markup rounds up, by less than one unit of the last decimal: one token may be too many.
  while tokens > 0 and billing.ceiling_of(p_hold, tokens::integer) > p_available loop
    tokens := tokens - 1;
  end loop;
  return tokens;
end
$$;

-- The current price of a model, or a refusal.
create function billing.current_price(p_provider_id text, p_model_id text)
returns public.model_pricing
language plpgsql
stable
set search_path = ''
as $$
declare
  price public.model_pricing;
begin
  select * into price from public.model_pricing m
  where m.provider_id = p_provider_id and m.model_id = p_model_id;
  if not found then
    perform billing.refuse(
      404, 'MODEL_NOT_FOUND', format('There is no price for %s:%s.', p_provider_id, p_model_id),
      'GET /v1/models lists what can be used.',
      jsonb_build_object('model', p_provider_id || ':' || p_model_id)
    );
  end if;
  return price;
end
$$;

-- The names of the models that may answer instead, `provider:model`, in order; null for none.
create function billing.fallbacks_of(p_hold billing.reservations) returns text[]
language sql
stable
set search_path = ''
as $$
  select array_agg(h.provider_id || ':' || h.model_id order by v.ordinality)
  from unnest(p_hold.fallback_versions) with ordinality v (version, ordinality)
  join billing.model_pricing_history h on h.price_version = v.version;
$$;

-- Fills in what the prices of its models say of a new reservation: their versions, its output limit,
-- which is what is wanted, whether or not the balance affords it. The bound of the prompt is the
-- caller's word: a prompt that the provider reads again after each search passes the context window.
create function billing.price_hold(
  p_hold billing.reservations,
  p_output_tokens_max integer,
  p_fallback_models text[]
) returns billing.reservations
language plpgsql
stable
set search_path = ''
as $$
declare
  price public.model_pricing := billing.current_price(p_hold.provider_id, p_hold.model_id);
  name text;
begin
  p_hold.price_version := price.price_version;
  -- Where nobody publishes an output limit, an answer still fits the model's context.
  p_hold.output_tokens_limit := least(
    p_output_tokens_max, coalesce(price.max_output_tokens, price.max_input_tokens, 131072)
  );
  foreach name in array coalesce(p_fallback_models, '{}') loop
    price := billing.current_price(
      split_part(name, ':', 1), substr(name, strpos(name, ':') + 1)
    );
    p_hold.fallback_versions := p_hold.fallback_versions || price.price_version;
  end loop;
  return p_hold;
end
$$;
