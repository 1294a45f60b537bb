-- What a settle does with a charge before it is written: checks it, prices it as the model that
-- answered, caps an estimate, and adds or takes away another.

-- Refuses counts that are no usage. A meter clamps what a provider reports.
create function billing.refuse_bad_usage(p_charge public.usage_records) returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if least(
    p_charge.input_tokens, p_charge.cache_read_tokens, p_charge.cache_write_5m_tokens,
    p_charge.cache_write_1h_tokens, p_charge.output_tokens
  ) < 0 or num_nulls(
    p_charge.input_tokens, p_charge.cache_read_tokens, p_charge.cache_write_5m_tokens,
    p_charge.cache_write_1h_tokens, p_charge.output_tokens
  ) > 0 or p_charge.basis is null
    or p_charge.basis not in ('reported', 'estimated', 'checkpoint')
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'Usage is five whole numbers from zero up, and a basis.',
      'Clamp what a provider reports below zero, and say reported, estimated or checkpoint.'
    );
  end if;
  if least(
    p_charge.input_audio_tokens, p_charge.input_image_tokens, p_charge.cache_read_audio_tokens,
    p_charge.output_audio_tokens, p_charge.output_image_tokens, p_charge.web_searches
  ) < 0
    or coalesce(p_charge.input_audio_tokens, 0)::bigint + coalesce(p_charge.input_image_tokens, 0)
      > p_charge.input_tokens
    or p_charge.cache_read_audio_tokens > p_charge.cache_read_tokens
    or coalesce(p_charge.output_audio_tokens, 0)::bigint
      + coalesce(p_charge.output_image_tokens, 0) > p_charge.output_tokens
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      'Sound and images are inside their class, and searches are not below zero.',
      'Cut what a provider reports to the class that it is inside of.'
    );
  end if;
end
$$;

-- What the provider says that it bills, or a refusal.
create function billing.parse_provider_cost(p_amount text) returns numeric
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_amount like '-%' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('A provider cannot bill %s USD.', p_amount),
      'Leave out what it says, or send a decimal string from zero up.'
    );
  end if;
  return case when p_amount is not null then billing.parse_usd(p_amount) end;
end
$$;

-- The price of the model that answered, which is one of the hold's. Null: the one that was asked.
create function billing.price_of_answer(p_hold billing.reservations, p_model text)
returns billing.model_pricing_history
language plpgsql
stable
set search_path = ''
as $$
declare
  price billing.model_pricing_history;
begin
  select h.* into price
  from billing.model_pricing_history h
  where h.price_version = any (p_hold.price_version || p_hold.fallback_versions)
    and h.provider_id || ':' || h.model_id
      = coalesce(p_model, p_hold.provider_id || ':' || p_hold.model_id)
  limit 1;
  if not found then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('%L is not a model that request %s was reserved for.', p_model, p_hold.request_id),
      'Name the model that was asked, or one of its fallback models, as provider:model.'
    );
  end if;
  return price;
end
$$;

-- An estimate never exceeds what was reserved. The prompt keeps its classes where the provider has
-- reported it before the answer was cut; what is beyond the reservation is taken off the plain input
-- first.
create function billing.as_estimate(
  p_charge public.usage_records,
  p_hold billing.reservations
) returns public.usage_records
language plpgsql
immutable
set search_path = ''
as $$
declare
  room integer := p_hold.input_tokens_max;
begin
  p_charge.cache_read_tokens := least(p_charge.cache_read_tokens, room);
  room := room - p_charge.cache_read_tokens;
  p_charge.cache_write_5m_tokens := least(p_charge.cache_write_5m_tokens, room);
  room := room - p_charge.cache_write_5m_tokens;
  p_charge.cache_write_1h_tokens := least(p_charge.cache_write_1h_tokens, room);
  room := room - p_charge.cache_write_1h_tokens;
  p_charge.input_tokens := least(p_charge.input_tokens, room);
  p_charge.output_tokens := least(p_charge.output_tokens, p_hold.output_tokens_reserved);
  p_charge.input_audio_tokens := null;
  p_charge.input_image_tokens := null;
  p_charge.cache_read_audio_tokens := null;
  p_charge.output_audio_tokens := null;
  p_charge.output_image_tokens := null;
  p_charge.web_searches := nullif(
    least(coalesce(p_charge.web_searches, 0), p_hold.web_searches_max), 0
  );
  return p_charge;
end
$$;

-- Adds what was used of another charge of the same request, or takes it away: p_sign is 1 or -1.
create function billing.add_usage(
  p_charge public.usage_records,
  p_other public.usage_records,
  p_sign integer
) returns public.usage_records
language plpgsql
immutable
set search_path = ''
as $$
begin
  p_charge.input_tokens := p_charge.input_tokens + p_sign * p_other.input_tokens;
  p_charge.cache_read_tokens := p_charge.cache_read_tokens + p_sign * p_other.cache_read_tokens;
  p_charge.cache_write_5m_tokens :=
    p_charge.cache_write_5m_tokens + p_sign * p_other.cache_write_5m_tokens;
  p_charge.cache_write_1h_tokens :=
    p_charge.cache_write_1h_tokens + p_sign * p_other.cache_write_1h_tokens;
  p_charge.output_tokens := p_charge.output_tokens + p_sign * p_other.output_tokens;
  p_charge.cost := p_charge.cost + p_sign * p_other.cost;
  p_charge.input_audio_tokens := nullif(
    coalesce(p_charge.input_audio_tokens, 0) + p_sign * coalesce(p_other.input_audio_tokens, 0), 0
  );
  p_charge.input_image_tokens := nullif(
    coalesce(p_charge.input_image_tokens, 0) + p_sign * coalesce(p_other.input_image_tokens, 0), 0
  );
  p_charge.cache_read_audio_tokens := nullif(
    coalesce(p_charge.cache_read_audio_tokens, 0)
      + p_sign * coalesce(p_other.cache_read_audio_tokens, 0), 0
  );
  p_charge.output_audio_tokens := nullif(
    coalesce(p_charge.output_audio_tokens, 0) + p_sign * coalesce(p_other.output_audio_tokens, 0), 0
  );
  p_charge.output_image_tokens := nullif(
    coalesce(p_charge.output_image_tokens, 0) + p_sign * coalesce(p_other.output_image_tokens, 0), 0
  );
  p_charge.web_searches := nullif(
    coalesce(p_charge.web_searches, 0) + p_sign * coalesce(p_other.web_searches, 0), 0
  );
  p_charge.other_models_cost := nullif(
    coalesce(p_charge.other_models_cost, 0) + p_sign * coalesce(p_other.other_models_cost, 0), 0
  );
  return p_charge;
end
$$;

-- A charge and its correction add up to the true usage; who answered, and what the provider says, is
-- the correction's to tell.
create or replace function billing.as_one(
  p_charge public.usage_records,
  p_correction public.usage_records
) returns public.usage_records
language plpgsql
immutable
set search_path = ''
as $$
begin
  p_correction.collected := p_charge.collected + p_correction.collected;
  p_correction.uncollected := p_charge.uncollected + p_correction.uncollected;
  return billing.add_usage(p_correction, p_charge, 1);
end
$$;
