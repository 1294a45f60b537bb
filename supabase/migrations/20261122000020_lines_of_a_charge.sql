-- What a charge is made of, line by line: its cost is their sum, and its receipt shows them. The
-- same arithmetic stands in shared/pricing/charge.ts, which estimates.
--
-- What every request calls is plpgsql, whose plans a connection keeps: the body of an SQL function
-- is planned anew at each call.

-- As before, but a window that ends at the threshold is never passed by one reading of a prompt: only
-- by the sum of several, which each cost the plain price.
create or replace function billing.unit_prices(
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
  is_long := coalesce(
    p_prompt_tokens > p_price.long_context_threshold_tokens
      and p_price.long_context_threshold_tokens < coalesce(p_price.max_input_tokens, 2147483647),
    false
  );
  input := case when is_long then p_price.long_input_per_1k end;
  cache_read := case when is_long then p_price.long_cache_read_per_1k end;
  cache_write_5m := case when is_long then p_price.long_cache_write_5m_per_1k end;
  cache_write_1h := case when is_long then p_price.long_cache_write_1h_per_1k end;
  output := case when is_long then p_price.long_output_per_1k end;
  input := coalesce(input, p_price.input_per_1k);
  cache_read := coalesce(cache_read, p_price.cache_read_per_1k, input);
  cache_write_5m := coalesce(cache_write_5m, p_price.cache_write_5m_per_1k, input);
  cache_write_1h := coalesce(cache_write_1h, p_price.cache_write_1h_per_1k, cache_write_5m);
  output := coalesce(output, p_price.output_per_1k);
end
$$;

-- The disjoint lines of a usage, in the order in which they are shown. A class is here without its
-- sound and images, which have lines of their own; a search costs nothing where it has no fee.
create function billing.lines_of(p_used public.usage_records)
returns table (ordinal integer, class text, amount bigint, price numeric, cost numeric)
language plpgsql
stable
rows 3
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select
    line.ordinal,
    line.class,
    line.amount,
    line.price,
    line.amount * case line.class
      when 'web_search' then coalesce(line.price, 0)
      else line.price * 0.001
    end
  from billing.model_pricing_history h
  cross join lateral billing.unit_prices(
    h,
    p_used.input_tokens::bigint + p_used.cache_read_tokens + p_used.cache_write_5m_tokens
      + p_used.cache_write_1h_tokens
  ) unit
  cross join lateral (
    select
      coalesce(p_used.input_audio_tokens, 0)::bigint as input_audio,
      coalesce(p_used.input_image_tokens, 0)::bigint as input_image,
      coalesce(p_used.cache_read_audio_tokens, 0)::bigint as cache_read_audio,
      coalesce(p_used.output_audio_tokens, 0)::bigint as output_audio,
      coalesce(p_used.output_image_tokens, 0)::bigint as output_image
  ) media
  cross join lateral (values
    (1, 'input', p_used.input_tokens - media.input_audio - media.input_image, unit.input),
    (2, 'input_audio', media.input_audio, coalesce(h.input_audio_per_1k, unit.input)),
    (3, 'input_image', media.input_image, coalesce(h.input_image_per_1k, unit.input)),
    (4, 'cache_read', p_used.cache_read_tokens - media.cache_read_audio, unit.cache_read),
    (5, 'cache_read_audio', media.cache_read_audio,
      coalesce(h.cache_read_audio_per_1k, unit.cache_read)),
    (6, 'cache_write_5m', p_used.cache_write_5m_tokens, unit.cache_write_5m),
    (7, 'cache_write_1h', p_used.cache_write_1h_tokens, unit.cache_write_1h),
    (8, 'output', p_used.output_tokens - media.output_audio - media.output_image, unit.output),
    (9, 'output_audio', media.output_audio, coalesce(h.output_audio_per_1k, unit.output)),
    (10, 'output_image', media.output_image, coalesce(h.output_image_per_1k, unit.output)),
    (11, 'web_search', p_used.web_searches, h.web_search_fee)
  ) line (ordinal, class, amount, price)
  where h.price_version = p_used.price_version and line.amount <> 0;
end
$$;

-- The exact cost of a usage, before markup: its lines, the fee of its model, and other models.
create function billing.cost_of_charge(p_used public.usage_records) returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select
      coalesce((select sum(line.cost) from billing.lines_of(p_used) line), 0)
      + h.request_fee
      + coalesce(p_used.other_models_cost, 0)
    from billing.model_pricing_history h
    where h.price_version = p_used.price_version
  );
end
$$;

-- ── Other models ────────────────────────────────────────────────────────────────────────────

-- What another model used, in the form that has lines.
create function billing.as_usage(p_other billing.usage_of_other_models)
returns public.usage_records
language sql
immutable
set search_path = ''
as $$
  select jsonb_populate_record(null::public.usage_records, to_jsonb(p_other));
$$;

-- The name of a model without the day of its release, -YYYYMMDD or -YYYY-MM-DD.
create function billing.undated(p_model_id text) returns text
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(p_model_id, '-(\d{8}|\d{4}-\d{2}-\d{2})$', '');
$$;

-- The price that another model of a provider had at a time: by its own name, else without its date.
create function billing.version_at(p_provider_id text, p_model_id text, p_at timestamptz)
returns bigint
language sql
stable
set search_path = ''
as $$
  select h.price_version
  from billing.model_pricing_history h
  where h.provider_id = p_provider_id
    and h.model_id in (p_model_id, billing.undated(p_model_id))
    and h.effective_from <= p_at
    and coalesce(h.effective_to, 'infinity') > p_at
  order by h.model_id = p_model_id desc, h.price_version desc
  limit 1;
$$;

-- What other models used in a charge, by name, each with its cost at the price that it had when the
-- request was reserved, so that a repeated settle finds the same. One without a price of its own
-- costs what the charge's model does. Refuses what is no such list.
create function billing.other_models_of(
  p_charge public.usage_records,
  p_other_models jsonb,
  p_at timestamptz
) returns billing.usage_of_other_models[]
language plpgsql
stable
set search_path = ''
as $$
declare
  others billing.usage_of_other_models[];
  other billing.usage_of_other_models;
  is_repeated boolean;
begin
  if jsonb_typeof(p_other_models) <> 'array' or jsonb_array_length(p_other_models) > 8 then
    raise data_exception;
  end if;
  select array_agg(
    (
      p_charge.request_id, r.model,
      coalesce(billing.version_at(p_charge.provider_id, r.model, p_at), p_charge.price_version),
      r.input, r.cache_read, r.cache_write_5m, r.cache_write_1h, r.output, 0
    )::billing.usage_of_other_models
    order by r.model collate "C"
  )
  into others
  from jsonb_to_recordset(p_other_models) r (
    model text, input integer, cache_read integer, cache_write_5m integer, cache_write_1h integer,
    output integer
  );
  for i in 1 .. coalesce(cardinality(others), 0) loop
    -- In order, so that the same model twice is seen.
    is_repeated := others[i].model_id = other.model_id;
    other := others[i];
    if is_repeated or coalesce(length(other.model_id), 0) not between 1 and 200
      or num_nulls(
        other.input_tokens, other.cache_read_tokens, other.cache_write_5m_tokens,
        other.cache_write_1h_tokens, other.output_tokens
      ) > 0
      or least(
        other.input_tokens, other.cache_read_tokens, other.cache_write_5m_tokens,
        other.cache_write_1h_tokens, other.output_tokens
      ) < 0
    then
      raise data_exception;
    end if;
    others[i].cost := (
      select coalesce(sum(line.cost), 0) from billing.lines_of(billing.as_usage(other)) line
    );
  end loop;
  return others;
exception when data_exception then
  perform billing.refuse(
    400, 'INVALID_ARGUMENT', 'The usage of other models is a list of at most 8 models, each once.',
    'Send [{"model", "input", "cache_read", "cache_write_5m", "cache_write_1h", "output"}], counts from zero up.'
  );
end
$$;
