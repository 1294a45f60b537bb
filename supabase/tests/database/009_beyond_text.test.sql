-- Sound, images, searches, other models and several candidates: priced, held, charged, explained.
-- pgtap:sees costs 0.001 in and 0.002 out per 1k, its sound 0.04 in, a search 0.01.
begin;
create extension if not exists pgtap with schema extensions;
select plan(26);

update billing.settings
set welcome_credit = 10, minimum_balance = 0.01, output_slice_tokens = 1024, markup_basis_points = 0;
insert into public.model_pricing (
  provider_id, model_id, display_name, input_per_1k, output_per_1k, input_audio_per_1k,
  web_search_fee, source
) values
  ('pgtap', 'sees', 'Sees', 0.001, 0.002, 0.04, 0.01, 'test'),
  ('pgtap', 'plain', 'Plain', 0.001, 0.002, null, null, 'test'),
  ('pgtap', 'dear', 'Dear', 0.003, 0.004, null, null, 'test');
insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000009', 'beyond-text@example.com');

-- Prices.
select is(
  (
    select input_audio_per_1k from billing.model_pricing_history
    where provider_id = 'pgtap' and model_id = 'sees'
  ),
  0.04::numeric(14,7), 'a version has the price of sound'
);
select is(
  (
    select row - 'price_version' - 'updated_at' - 'markup_basis_points'
    from jsonb_array_elements(public.pricing_catalogue()) row
    where row ->> 'provider_id' = 'pgtap' and row ->> 'model_id' = 'sees'
  ),
  '{"provider_id":"pgtap","model_id":"sees","display_name":"Sees","allowed":true,"allowed_for_guests":true,"input_per_1k":"0.001",
    "output_per_1k":"0.002","cache_read_per_1k":null,"cache_write_5m_per_1k":null,
    "cache_write_1h_per_1k":null,"request_fee":"0","long_context_threshold_tokens":null,
    "long_input_per_1k":null,"long_output_per_1k":null,"long_cache_read_per_1k":null,
    "long_cache_write_5m_per_1k":null,"long_cache_write_1h_per_1k":null,"max_input_tokens":null,
    "max_output_tokens":null,"image_tokens_max":null,"hides_reasoning":false,
    "input_audio_per_1k":"0.04","input_image_per_1k":null,"cache_read_audio_per_1k":null,
    "output_audio_per_1k":null,"output_image_per_1k":null,"web_search_fee":"0.01"}'::jsonb,
  'the catalogue has every price, as decimal strings, and nulls where there is none'
);
select is_empty(
  $$ select attname from pg_attribute
     where attrelid = 'public.model_pricing'::regclass and attnum > 0 and not attisdropped
       and attname not in ('display_name', 'updated_at')
     except
     select attname from pg_attribute
     where attrelid = 'billing.model_pricing_history'::regclass and attnum > 0 $$,
  'the history has a column for each that a price has'
);
select throws_ok(
  format('update public.model_pricing set %I = %s where model_id = ''sees''', c.name, c.value),
  '23514', null, c.name || ' cannot be ' || c.value
)
from (values
  ('input_audio_per_1k', '-0.1'), ('output_image_per_1k', '10'), ('cache_read_audio_per_1k', $$'NaN'$$),
  ('web_search_fee', '-0.01'), ('web_search_fee', '10.1'), ('web_search_fee', $$'NaN'$$)
) c (name, value);
select throws_ok(
  $$ insert into billing.model_pricing_history
     select (jsonb_populate_record(h, '{"price_version": -1, "web_search_fee": "NaN"}')).*
     from billing.model_pricing_history h where h.model_id = 'sees' limit 1 $$,
  '23514', null, 'nor in the history'
);
select set_eq(
  $$ select distinct provider_id, trim_scale(web_search_fee)::text from public.model_pricing
     where web_search_fee is not null and provider_id <> 'pgtap'
       and source like 'platform.%/docs/%pricing' $$,
  $$ values ('openai', '0.01'), ('anthropic', '0.01') $$,
  'of the seeded models those of OpenAI and Anthropic sell searches'
);

-- One hold for several, charged as the one that answered.
create function pg_temp.reserve(p_request uuid) returns jsonb language sql as $$
  select public.reserve(
    p_request, 'aaaaaaaa-0000-4000-8000-000000000009', null, null, null, 'pgtap', 'sees', 1000, 1000,
    'chat', null, null, p_fallback_models => array['pgtap:plain', 'pgtap:dear'],
    p_with_media => true, p_web_searches_max => 2
  )
$$;
-- 1,000 × 0.04 + 1,000 × 0.002, per thousand, and two searches: dearer than the dear one.
select is(
  pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000091') ->> 'amount', '0.062',
  'the hold covers the dearest candidate with sound and searches'
);
select is(
  public.settle(
    'bbbbbbbb-0000-4000-8000-000000000091', 1000, 0, 0, 0, 500, 'reported',
    p_input_audio_tokens => 100, p_web_searches => 1, p_provider_cost => '0.0159',
    p_other_models => '[{"model":"dear-20260101","input":100,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output":0}]',
    p_flags => array['total_mismatch'], p_service_tier => 'default'
  ) - 'tokens',
  -- 900 × 0.001 + 100 × 0.04 + 500 × 0.002 + 100 × 0.003, per thousand, and a search.
  '{"state":"settled","model":"pgtap:sees","cost":"0.0162","collected":"0.0162","uncollected":"0",
    "balance_before":"10","balance":"9.9838","basis":"reported","provider_cost":"0.0159"}'::jsonb,
  'settle charges sound, the search and the other model each at its price'
);
select is(
  public.receipt(null, 'bbbbbbbb-0000-4000-8000-000000000091') -> 'lines',
  '[{"class":"input","tokens":900,"price_per_1k":"0.001","cost":"0.0009"},
    {"class":"input_audio","tokens":100,"price_per_1k":"0.04","cost":"0.004"},
    {"class":"output","tokens":500,"price_per_1k":"0.002","cost":"0.001"},
    {"class":"web_search","count":1,"fee":"0.01","cost":"0.01"},
    {"class":"input","model":"pgtap:dear-20260101","tokens":100,"price_per_1k":"0.003","cost":"0.0003"}]'::jsonb,
  'the receipt has a line for each, and its lines are the cost'
);
select is(
  (
    select details from billing.incidents
    where request_id = 'bbbbbbbb-0000-4000-8000-000000000091' and kind = 'provider_cost_difference'
  ),
  '{"model":"pgtap:sees","cost":"0.0162","provider_cost":"0.0159"}'::jsonb,
  'a provider that bills more than one per cent less raises an incident'
);
select is(
  (select count(*)::integer from billing.incidents
    where request_id = 'bbbbbbbb-0000-4000-8000-000000000091'),
  1, 'and nothing else does'
);

select pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000092') as "#";
select is(
  public.settle(
    'bbbbbbbb-0000-4000-8000-000000000092', 1000, 0, 0, 0, 500, 'reported', p_model => 'pgtap:dear'
  ) ->> 'cost',
  '0.005', 'a fallback model that answered is charged at its own price'
);
select throws_ok(
  $$ select public.settle('bbbbbbbb-0000-4000-8000-000000000092', 1000, 0, 0, 0, 500, 'reported') $$,
  'PT409', null, 'and no other can have answered too'
);
select throws_ok(
  $$ select public.settle('bbbbbbbb-0000-4000-8000-000000000092', 1, 0, 0, 0, 1, 'reported',
       p_model => 'openai:gpt-4o') $$,
  'PT400', null, 'least of all one that nobody reserved for'
);
select throws_ok(
  $$ select public.reserve(gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000009', null, null, null,
       'pgtap', 'sees', 1, 1, null, null, null, p_fallback_models => array['pgtap:gone']) $$,
  'PT404', null, 'a fallback model without a price is refused'
);

-- What constraints hold of a charge by themselves.
select throws_ok(
  format(
    'insert into public.usage_records select (jsonb_populate_record(u, %L)).* from public.usage_records u
     where request_id = ''bbbbbbbb-0000-4000-8000-000000000092''',
    c.change || jsonb_build_object('request_id', gen_random_uuid())
  ),
  '23514', null, 'no charge has ' || c.change::text
)
from (values
  ('{"input_image_tokens": 1001}'::jsonb), ('{"output_audio_tokens": 300, "output_image_tokens": 201}'),
  ('{"web_searches": -1}'), ('{"provider_cost": "NaN"}')
) c (change);
select throws_ok(
  $$ delete from billing.usage_of_other_models $$, 'PT409', null,
  'what other models used is not forgotten'
);

select is_empty(
  $$ select from jsonb_array_elements(public.reconcile() -> 'violations') v
     where v ->> 'user_id' = 'aaaaaaaa-0000-4000-8000-000000000009' $$,
  'reconcile finds nothing wrong with any of it'
);

select * from finish();
rollback;
