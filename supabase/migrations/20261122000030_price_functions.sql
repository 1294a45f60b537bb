-- How an operator's tool writes prices: `farebox prices`. A whole sync is one call of set_prices, so it
-- is one transaction: every price is set, or none is. Migration 31 says who may.

-- Refuses a price that could not be kept exactly as it was sent: unknown keys, amounts that are JSON
-- numbers (somebody's floats), or more decimals than a column has, which numeric would round away.
create function billing.check_price(p_price jsonb) returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  known constant jsonb :=
    to_jsonb(jsonb_populate_record(null::public.model_pricing, '{}'))
    - array['price_version', 'updated_at'] || '{"expected_version": null}';
  fault text;
begin
  if p_price is null or jsonb_typeof(p_price) <> 'object' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A price is an object of columns and values.',
      'Send {"provider_id", "model_id", "expected_version", "source", …}.'
    );
  end if;
  select case
    when not known ? f.key then format('%I is no column of a price', f.key)
    when f.key = 'expected_version' then
      case when f.value <> 'null' and f.value #>> '{}' !~ '^[0-9]{1,18}$'
        then 'expected_version must be the version that was read, or null' end
    when f.key in ('provider_id', 'model_id', 'source', 'display_name') then
      case when jsonb_typeof(f.value) <> 'string' or f.value #>> '{}' !~ '^\S(.{0,198}\S)?$'
        then format('%I must be a text of 1 to 200 characters', f.key) end
    when f.key = 'hides_reasoning' then
      case when jsonb_typeof(f.value) <> 'boolean'
        then format('%I must be true or false', f.key) end
    when f.value = 'null' then
      case when f.key in ('input_per_1k', 'output_per_1k', 'request_fee')
        then format('%I cannot be absent', f.key) end
    when f.key like '%\_per\_1k' then
      case when jsonb_typeof(f.value) <> 'string'
          or f.value #>> '{}' !~ '^[0-9]{1,7}(\.[0-9]{1,7})?$'
        then format('%I must be a decimal string with at most 7 decimals', f.key) end
    when f.key like '%\_fee' then
      case when jsonb_typeof(f.value) <> 'string'
          or f.value #>> '{}' !~ '^[0-9]{1,10}(\.[0-9]{1,10})?$'
        then format('%I must be a decimal string with at most 10 decimals', f.key) end
    when jsonb_typeof(f.value) <> 'number' or f.value #>> '{}' !~ '^[0-9]{1,9}$' then
      format('%I must be a whole number below a thousand million', f.key)
  end
  into fault
  -- What must be there is looked at even where it is not.
  from jsonb_each(
    '{"provider_id": null, "model_id": null, "source": null, "expected_version": "absent"}' || p_price
  ) f
  order by 1 nulls last
  limit 1;
  if fault is not null then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('%s:%s: %s.', p_price ->> 'provider_id', p_price ->> 'model_id', fault),
      'Amounts are USD per 1,000 tokens, as decimal strings.'
    );
  end if;
end
$$;

-- Sets the columns that p_price names and keeps the others. expected_version is the version that the
-- caller read, null where it read none: what changed since then is not overwritten unseen.
create function billing.set_price(p_price jsonb) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  named jsonb;
  before public.model_pricing;
  price public.model_pricing;
begin
  perform billing.check_price(p_price);
  named := p_price - 'expected_version';
  select * into before from public.model_pricing m
  where m.provider_id = p_price ->> 'provider_id' and m.model_id = p_price ->> 'model_id'
  for update;
  if before.price_version is distinct from (p_price ->> 'expected_version')::bigint then
    perform billing.refuse(
      409, 'KEY_CONFLICT',
      format(
        'The price of %s:%s was changed by somebody else.',
        p_price ->> 'provider_id', p_price ->> 'model_id'
      ),
      'Nothing was written. Look at the difference again.'
    );
  end if;
  if before.price_version is null then
    -- Unless somebody says otherwise a new model hides its reasoning: the whole answer is then held.
    price := jsonb_populate_record(
      null::public.model_pricing,
      jsonb_build_object(
        'display_name', p_price ->> 'model_id', 'request_fee', 0, 'hides_reasoning', true,
        'price_version', 0, 'updated_at', now()
      ) || named
    );
    insert into public.model_pricing select price.*;
  else
    price := jsonb_populate_record(before, named);
    update public.model_pricing m
    set
      display_name = price.display_name,
      input_per_1k = price.input_per_1k,
      output_per_1k = price.output_per_1k,
      cache_read_per_1k = price.cache_read_per_1k,
      cache_write_5m_per_1k = price.cache_write_5m_per_1k,
      cache_write_1h_per_1k = price.cache_write_1h_per_1k,
      input_audio_per_1k = price.input_audio_per_1k,
      input_image_per_1k = price.input_image_per_1k,
      cache_read_audio_per_1k = price.cache_read_audio_per_1k,
      output_audio_per_1k = price.output_audio_per_1k,
      output_image_per_1k = price.output_image_per_1k,
      web_search_fee = price.web_search_fee,
      request_fee = price.request_fee,
      long_context_threshold_tokens = price.long_context_threshold_tokens,
      long_input_per_1k = price.long_input_per_1k,
      long_output_per_1k = price.long_output_per_1k,
      long_cache_read_per_1k = price.long_cache_read_per_1k,
      long_cache_write_5m_per_1k = price.long_cache_write_5m_per_1k,
      long_cache_write_1h_per_1k = price.long_cache_write_1h_per_1k,
      max_input_tokens = price.max_input_tokens,
      max_output_tokens = price.max_output_tokens,
      image_tokens_max = price.image_tokens_max,
      hides_reasoning = price.hides_reasoning,
      source = price.source
    where m.provider_id = price.provider_id and m.model_id = price.model_id;
  end if;
  select * into price from public.model_pricing m
  where m.provider_id = price.provider_id and m.model_id = price.model_id;
  return jsonb_build_object(
    'provider_id', price.provider_id,
    'model_id', price.model_id,
    'price_version', price.price_version,
    'state', case
      when before.price_version is null then 'added'
      when before.price_version = price.price_version then 'unchanged'
      else 'changed'
    end
  );
end
$$;

create function billing.set_prices(p_prices jsonb) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  price jsonb;
  results jsonb := '[]';
  broken text;
begin
  if p_prices is null or jsonb_typeof(p_prices) <> 'array'
    or jsonb_array_length(p_prices) not between 1 and 5000
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'Prices are a list of 1 to 5000 prices.', 'Send fewer at once.'
    );
  end if;
  -- Always in the same order, so that two who set prices at once wait for each other, and no more.
  for price in
    select p from jsonb_array_elements(p_prices) p
    order by (p ->> 'provider_id') collate "C", (p ->> 'model_id') collate "C"
  loop
    results := results || billing.set_price(price);
  end loop;
  return results;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics broken = constraint_name;
    if broken = '' then
      get stacked diagnostics broken = column_name;
      broken := broken || ' is missing';
    end if;
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format(
        '%s:%s is not a price that can be charged: %s.',
        price ->> 'provider_id', price ->> 'model_id', replace(broken, '_', ' ')
      ),
      'Nothing was written. Amounts are USD per 1,000 tokens.'
    );
  when unique_violation then
    perform billing.refuse(
      409, 'KEY_CONFLICT',
      format('%s:%s was added by somebody else.', price ->> 'provider_id', price ->> 'model_id'),
      'Nothing was written. Look at the difference again.'
    );
end
$$;
