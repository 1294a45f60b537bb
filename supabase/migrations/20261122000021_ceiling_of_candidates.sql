-- The ceiling of a hold, over every model that may answer, with sound, images and searches: one hold
-- covers the dearest of them.

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
language sql
stable
set search_path = ''
as $$
  select
    h.price_version,
    h.hides_reasoning,
    greatest(
      h.input_per_1k, h.cache_read_per_1k, h.cache_write_5m_per_1k, h.cache_write_1h_per_1k,
      case when p_hold.input_tokens_max > h.long_context_threshold_tokens then greatest(
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
        then h.long_output_per_1k end,
      case when p_hold.with_media then greatest(h.output_audio_per_1k, h.output_image_per_1k) end
    ),
    h.request_fee + p_hold.web_searches_max * coalesce(h.web_search_fee, 0)
  from billing.model_pricing_history h
  where h.price_version = any (p_hold.price_version || p_hold.fallback_versions);
$$;

-- The most that a request can cost with so much output: every token of the prompt at the dearest
-- class and tier that it can fall into, of the dearest model that may answer.
create function billing.ceiling_of(p_hold billing.reservations, p_output integer) returns numeric
language sql
stable
set search_path = ''
as $$
  select billing.marked_up(
    max(
      (p_hold.input_tokens_max * c.dearest_input + p_output * c.dearest_output) * 0.001 + c.fixed
    ),
    p_hold.markup_basis_points
  )
  from billing.candidates_of(p_hold) c;
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
