-- The Data API's reserve and settle, with what they can say beyond text. What they leave out is as
-- before.

drop function public.reserve(
  uuid, uuid, text, text, integer, text, text, integer, integer, text, text, text, text, boolean
);
drop function public.settle(
  uuid, integer, integer, integer, integer, integer, text, text, text, integer, integer
);

create function public.reserve(
  p_request_id uuid,
  p_user_id uuid,
  p_guest_token_id text,
  p_guest_address_hash text,
  p_guest_limit integer,
  p_provider_id text,
  p_model_id text,
  p_input_tokens_max integer,
  p_output_tokens_max integer,
  p_chat_id text,
  p_idempotency_key text,
  p_request_hash text,
  p_enforcement text default 'enforce',
  p_can_extend boolean default true,
  p_fallback_models text[] default null,
  p_with_media boolean default false,
  p_web_searches_max integer default 0
) returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  hold billing.reservations;
begin
  hold.request_id := p_request_id;
  hold.user_id := p_user_id;
  hold.guest_token_id := p_guest_token_id;
  hold.guest_address_hash := p_guest_address_hash;
  hold.provider_id := p_provider_id;
  hold.model_id := p_model_id;
  hold.input_tokens_max := p_input_tokens_max;
  hold.chat_id := p_chat_id;
  hold.idempotency_key := p_idempotency_key;
  hold.request_hash := p_request_hash;
  hold.with_media := p_with_media;
  hold.web_searches_max := p_web_searches_max;
  return billing.reserve(
    hold, p_guest_limit, p_output_tokens_max, p_enforcement, p_can_extend, p_fallback_models
  );
end
$$;

create function public.settle(
  p_request_id uuid,
  p_input_tokens integer,
  p_cache_read_tokens integer,
  p_cache_write_5m_tokens integer,
  p_cache_write_1h_tokens integer,
  p_output_tokens integer,
  p_basis text,
  p_provider_request_id text default null,
  p_finish text default null,
  p_first_token_ms integer default null,
  p_duration_ms integer default null,
  p_model text default null,
  p_input_audio_tokens integer default 0,
  p_input_image_tokens integer default 0,
  p_cache_read_audio_tokens integer default 0,
  p_output_audio_tokens integer default 0,
  p_output_image_tokens integer default 0,
  p_web_searches integer default 0,
  p_other_models jsonb default null,
  p_provider_cost text default null,
  p_service_tier text default null,
  p_flags text[] default null
) returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  charge public.usage_records;
begin
  charge.request_id := p_request_id;
  charge.input_tokens := p_input_tokens;
  charge.cache_read_tokens := p_cache_read_tokens;
  charge.cache_write_5m_tokens := p_cache_write_5m_tokens;
  charge.cache_write_1h_tokens := p_cache_write_1h_tokens;
  charge.output_tokens := p_output_tokens;
  charge.basis := p_basis;
  charge.provider_request_id := p_provider_request_id;
  charge.finish := p_finish;
  charge.first_token_ms := p_first_token_ms;
  charge.duration_ms := p_duration_ms;
  -- None is null: a record of plain text has nothing of it.
  charge.input_audio_tokens := nullif(p_input_audio_tokens, 0);
  charge.input_image_tokens := nullif(p_input_image_tokens, 0);
  charge.cache_read_audio_tokens := nullif(p_cache_read_audio_tokens, 0);
  charge.output_audio_tokens := nullif(p_output_audio_tokens, 0);
  charge.output_image_tokens := nullif(p_output_image_tokens, 0);
  charge.web_searches := nullif(p_web_searches, 0);
  charge.service_tier := p_service_tier;
  charge.flags := p_flags;
  return billing.settle(charge, p_model, p_other_models, p_provider_cost);
end
$$;

-- Functions are executable by everybody unless that is taken away: from all new ones, and given back
-- to service_role for these two.
revoke all on all functions in schema billing from public, anon, authenticated;

do $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.proname in ('reserve', 'settle')
      and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
  loop
    execute format('revoke all on function %s from public, anon, authenticated', signature);
    execute format('grant execute on function %s to service_role', signature);
  end loop;
end
$$;
