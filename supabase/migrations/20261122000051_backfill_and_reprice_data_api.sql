-- The Data API's backfill_usage, reprice_plan and reprice_page.

-- p_dry_run: all of it is done, told, and undone. p_expected_cost: what the charge was recorded at;
-- where it would come to another amount nothing is done.
create function public.backfill_usage(
  p_request_id uuid,
  p_user_id uuid,
  p_chat_id text,
  p_at timestamptz,
  p_model text,
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
  p_input_audio_tokens integer default 0,
  p_input_image_tokens integer default 0,
  p_cache_read_audio_tokens integer default 0,
  p_output_audio_tokens integer default 0,
  p_output_image_tokens integer default 0,
  p_web_searches integer default 0,
  p_other_models jsonb default null,
  p_provider_cost text default null,
  p_service_tier text default null,
  p_flags text[] default null,
  p_dry_run boolean default false,
  p_expected_cost text default null
) returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  charge public.usage_records;
  result jsonb;
begin
  charge.request_id := p_request_id;
  charge.user_id := p_user_id;
  charge.chat_id := p_chat_id;
  charge.created_at := p_at;
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
  charge.input_audio_tokens := nullif(p_input_audio_tokens, 0);
  charge.input_image_tokens := nullif(p_input_image_tokens, 0);
  charge.cache_read_audio_tokens := nullif(p_cache_read_audio_tokens, 0);
  charge.output_audio_tokens := nullif(p_output_audio_tokens, 0);
  charge.output_image_tokens := nullif(p_output_image_tokens, 0);
  charge.web_searches := nullif(p_web_searches, 0);
  charge.service_tier := p_service_tier;
  charge.flags := p_flags;
  result := billing.backfill_usage(
    charge, p_model, p_other_models, p_provider_cost, p_expected_cost
  );
  if p_dry_run then
    raise exception using errcode = 'FBDRY', message = 'This was a dry run.';
  end if;
  return result;
exception when sqlstate 'FBDRY' then
  return result;
end
$$;

-- A page of 5,000 takes a second or two; the Data API takes a function's own limit.

create function public.reprice_plan(
  p_provider_id text,
  p_model_id text,
  p_from timestamptz,
  p_to timestamptz,
  p_version bigint default null,
  p_after uuid default null,
  p_limit integer default 5000
) returns jsonb
language sql
stable
set search_path = ''
set statement_timeout = '60s'
as $$
  select billing.reprice_plan(
    p_provider_id, p_model_id, p_from, p_to, p_version, p_after, p_limit
  );
$$;

create function public.reprice_page(
  p_provider_id text,
  p_model_id text,
  p_from timestamptz,
  p_to timestamptz,
  p_version bigint,
  p_after uuid default null,
  p_limit integer default 500
) returns jsonb
language sql
volatile
set search_path = ''
set statement_timeout = '60s'
as $$
  select billing.reprice_page(
    p_provider_id, p_model_id, p_from, p_to, p_version, p_after, p_limit
  );
$$;

select billing.only_for_service_role(
  array['backfill_usage', 'reprice_plan', 'reprice_page']
);
