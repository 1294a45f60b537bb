-- What a charge can name beside its five classes: sound and images within them, searches, other
-- models, and what the provider itself says of it. All nullable, and null where there is none: a
-- record of plain text grows by nothing.

alter table public.usage_records
  -- Each is inside of the class that its name begins with.
  add column input_audio_tokens integer,
  add column input_image_tokens integer,
  add column cache_read_audio_tokens integer,
  add column output_audio_tokens integer,
  add column output_image_tokens integer,
  add column web_searches integer,
  -- USD before markup, the sum of billing.usage_of_other_models.
  add column other_models_cost numeric(20,10),
  -- What the provider says that it bills, USD. Compared, never charged.
  add column provider_cost numeric(20,10),
  add column service_tier text,
  -- What was odd about the usage.
  add column flags text[],
  add constraint what_is_beside_the_classes_is_not_negative check (
    sequence = 1
    or least(
      input_audio_tokens, input_image_tokens, cache_read_audio_tokens, output_audio_tokens,
      output_image_tokens, web_searches, other_models_cost
    ) >= 0
  ),
  add constraint media_is_within_its_class check (
    sequence = 1
    or (
      coalesce(input_audio_tokens, 0)::bigint + coalesce(input_image_tokens, 0) <= input_tokens
      and coalesce(cache_read_audio_tokens, 0) <= cache_read_tokens
      and coalesce(output_audio_tokens, 0)::bigint + coalesce(output_image_tokens, 0)
        <= output_tokens
    )
  ),
  -- The upper bounds also refuse NaN, which numeric holds to be above every number.
  add constraint other_costs_are_numbers check (
    greatest(other_models_cost, provider_cost) < 10000000000 and provider_cost >= 0
  ),
  add constraint service_tier_is_short check (length(service_tier) between 1 and 60),
  add constraint flags_are_few check (cardinality(flags) between 1 and 40);

-- What other models used within an answer, such as an advisor that the first one asked. Written with
-- the charge, or with its correction, of which one alone has reported usage.
create table billing.usage_of_other_models (
  request_id uuid not null,
  -- As the provider calls it, which may be a dated name of the model that is priced.
  model_id text not null,
  price_version bigint not null,
  input_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_5m_tokens integer not null,
  cache_write_1h_tokens integer not null,
  output_tokens integer not null,
  -- USD before markup.
  cost numeric(20,10) not null,
  constraint usage_of_other_models_pkey primary key (request_id, model_id),
  constraint model_id_is_short check (length(model_id) between 1 and 200),
  constraint usage_is_not_negative check (
    least(
      input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens,
      cost
    ) >= 0
  ),
  constraint cost_is_a_number check (cost <> 'NaN')
);
comment on table billing.usage_of_other_models is
  'Tokens of other models within an answer, append-only; usage_records has their cost.';

alter table billing.usage_of_other_models enable row level security;
revoke all on billing.usage_of_other_models from public, anon, authenticated, service_role;
create policy "no client reads the usage of other models" on billing.usage_of_other_models
  for all to anon, authenticated using (false);
create trigger usage_of_other_models_is_immutable
  before update or delete or truncate on billing.usage_of_other_models
  for each statement execute function billing.refuse_change();

-- What a hold covers: the dearest of those who may answer, whatever they answer in.
alter table billing.reservations
  -- Price versions of the models that may answer instead, in order.
  add column fallback_versions bigint[],
  -- Whether sound or images are in the prompt or the answer.
  add column with_media boolean not null default false,
  add column web_searches_max integer not null default 0,
  add constraint web_searches_max_is_not_negative check (web_searches_max >= 0),
  add constraint fallbacks_are_few check (cardinality(fallback_versions) <= 8);
