-- reserve, extend, settle, release, refund: amounts to the last decimal, each step once.
-- gpt-4o in here costs 0.0025 USD per 1k input and 0.01 USD per 1k output tokens.
begin;
create extension if not exists pgtap with schema extensions;
select plan(38);

update billing.settings
set welcome_credit = 10, minimum_balance = 0.01, output_slice_tokens = 1024, markup_basis_points = 0;
insert into public.model_pricing (
  provider_id, model_id, display_name, input_per_1k, output_per_1k, max_input_tokens,
  max_output_tokens, source
) values ('pgtap', 'model', 'Test', 0.0025, 0.01, 128000, 16384, 'test');
insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000001', 'farebox-test-ada@example.com');

create function pg_temp.reserve(p_request uuid, p_output integer, p_key text default null, p_hash text default null)
returns jsonb language sql as $$
  select public.reserve(p_request, 'aaaaaaaa-0000-4000-8000-000000000001', null, null, null,
    'pgtap', 'model', 1000, p_output, 'chat', p_key, p_hash)
$$;
create function pg_temp.account() returns public.user_balances language sql as $$
  select * from public.user_balances where user_id = 'aaaaaaaa-0000-4000-8000-000000000001'
$$;

select is((pg_temp.account()).balance, 10::numeric, 'the account starts with the welcome credit');

-- 1,000 input and 1,024 output tokens: 0.0025 + 0.01024.
select is(
  pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000001', 4096, 'key', 'hash') - 'price' - 'expires_at' - 'price_version',
  '{"request_id":"bbbbbbbb-0000-4000-8000-000000000001","amount":"0.01274","output_tokens_reserved":1024,
    "output_tokens_limit":4096,"output_limited_by":"client","balance":"10","available":"9.98726",
    "markup_basis_points":0,"fallbacks":null,"would_refuse":null,"guest_exchanges_left":null,
    "enforcement":"enforce","requests_limit":null,"spend_limit":null}'::jsonb,
  'reserve holds the input and one slice of output'
);
select is((pg_temp.account()).reserved, 0.01274::numeric, 'and the account says so');
select is(
  pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000001', 4096, 'key', 'hash') ->> 'amount',
  '0.01274', 'reserve again answers the same'
);
select is((pg_temp.account()).reserved, 0.01274::numeric, 'and holds nothing more');
select throws_ok(
  $$ select pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000001', 4096, 'key', 'other') $$,
  'PT409', null, 'the same request id for another body is refused'
);
select throws_ok(
  $$ select pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000002', 4096, 'key', 'other') $$,
  'PT422', null, 'the same idempotency key for another body is refused'
);
select throws_ok(
  $$ select pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000002', 4096, 'key', 'hash') $$,
  'PT409', null, 'the same idempotency key for the same body is a duplicate'
);

select is(
  public.extend('bbbbbbbb-0000-4000-8000-000000000001', 2048, 900, 1000) - 'expires_at',
  '{"state":"extended","refused_by":null,"output_tokens_reserved":2048,"available":"9.97702"}'::jsonb,
  'extend holds the next slice'
);
select is(
  public.extend('bbbbbbbb-0000-4000-8000-000000000001', 2048, 900, 1100) ->> 'available',
  '9.97702', 'the same total again is a heartbeat that holds nothing more'
);
select is(
  public.extend('bbbbbbbb-0000-4000-8000-000000000001', 100000, 900, 1100) ->> 'output_tokens_reserved',
  '4096', 'no slice goes past the limit of the request'
);
select is(
  (select public.extend('bbbbbbbb-0000-4000-8000-000000000001', 5000, 900, 1100) ->> 'available'),
  '9.95654', 'at the limit nothing more is held: 10 - (0.0025 + 0.04096)'
);

-- 1,000 × 0.0025 + 1,500 × 0.01, per thousand: 0.0175.
select is(
  public.settle('bbbbbbbb-0000-4000-8000-000000000001', 1000, 0, 0, 0, 1500, 'reported'),
  '{"state":"settled","model":"pgtap:model","provider_cost":null,"cost":"0.0175","collected":"0.0175","uncollected":"0",
    "balance_before":"10","balance":"9.9825","basis":"reported",
    "tokens":{"input":1000,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output":1500}}'::jsonb,
  'settle charges what was used'
);
select is((pg_temp.account()).reserved, 0::numeric, 'lesson 10: and nothing stays reserved');
select is(
  public.settle('bbbbbbbb-0000-4000-8000-000000000001', 1000, 0, 0, 0, 1500, 'reported') ->> 'state',
  'already_settled', 'lesson 10: settle again changes nothing'
);
select is((pg_temp.account()).balance, 9.9825::numeric, 'the balance least of all');
select throws_ok(
  $$ select public.settle('bbbbbbbb-0000-4000-8000-000000000001', 1000, 0, 0, 0, 1501, 'reported') $$,
  'PT409', null, 'settle with other usage is refused'
);
select is(
  public.release('bbbbbbbb-0000-4000-8000-000000000001', 'late') ->> 'state',
  'already_settled', 'release comes too late'
);
select is(
  public.extend('bbbbbbbb-0000-4000-8000-000000000001', 3000, 0, 0) ->> 'state',
  'closed', 'so does extend'
);

select pg_temp.reserve('bbbbbbbb-0000-4000-8000-000000000003', 10) as "#";
select is(public.release('bbbbbbbb-0000-4000-8000-000000000003', 'failed') ->> 'state',
  'released', 'release gives back');
select is((pg_temp.account()).reserved, 0::numeric, 'everything');
select is(public.release('bbbbbbbb-0000-4000-8000-000000000003', 'failed') ->> 'state',
  'already_released', 'once');
select throws_ok(
  $$ select public.settle('bbbbbbbb-0000-4000-8000-000000000003', 1, 0, 0, 0, 1, 'reported') $$,
  'PT409', null, 'lesson 12: what was released is not charged'
);

select is(
  public.refund('bbbbbbbb-0000-4000-8000-000000000001', '0.0075', 'case-1', 'bad answer'),
  '{"state":"refunded","amount":"0.0075","balance":"9.99"}'::jsonb, 'refund gives back a part'
);
select is(
  public.refund('bbbbbbbb-0000-4000-8000-000000000001', '0.0075', 'case-1', 'bad answer') ->> 'state',
  'already_refunded', 'once a key'
);
select throws_ok(
  $$ select public.refund('bbbbbbbb-0000-4000-8000-000000000001', '0.001', 'case-1', 'bad answer') $$,
  'PT409', null, 'the same key for another amount is refused'
);
select throws_ok(
  $$ select public.refund('bbbbbbbb-0000-4000-8000-000000000001', '0.011', 'case-2', 'greed') $$,
  'PT400', null, 'never more than was collected'
);

select throws_ok(
  $$ update public.usage_records set cost = 0, collected = 0 $$, 'PT409', null,
  'a charge cannot be changed, not even by the owner of the table'
);
select throws_ok(
  $$ delete from public.balance_transactions $$, 'PT409', null, 'nor a credit deleted'
);
select throws_ok(
  $$ update public.user_balances set balance = -1
     where user_id = 'aaaaaaaa-0000-4000-8000-000000000001' $$,
  '23514', null, 'a balance cannot be negative'
);
select throws_ok(
  $$ update public.user_balances set reserved = balance + 1
     where user_id = 'aaaaaaaa-0000-4000-8000-000000000001' $$,
  '23514', null, 'nor can more be reserved than there is'
);
select throws_ok(
  $$ update public.user_balances set balance = 'NaN'
     where user_id = 'aaaaaaaa-0000-4000-8000-000000000001' $$,
  '23514', null, 'nor can a balance be NaN, which is above every number'
);
select throws_ok(
  $$ update public.user_balances set balance = 'Infinity'
     where user_id = 'aaaaaaaa-0000-4000-8000-000000000001' $$,
  '22003', null, 'or infinite'
);
select throws_ok(
  $$ update billing.settings set welcome_credit = 'NaN' $$,
  '23514', null, 'the welcome credit is a number'
);
select throws_ok(
  $$ update billing.settings set minimum_balance = 'NaN' $$,
  '23514', null, 'so is the minimum balance'
);
select throws_ok(
  $$ update public.model_pricing set request_fee = 'NaN' where provider_id = 'pgtap' $$,
  '23514', null, 'so is a fee'
);
select throws_ok(
  $$ select public.grant_credit('aaaaaaaa-0000-4000-8000-000000000001', '0.00000000001', 'top_up', 'k') $$,
  'PT400', null, 'an amount of eleven decimals is refused, not rounded'
);
select is_empty(
  $$ select from jsonb_array_elements(public.reconcile() -> 'violations') v
     where v ->> 'user_id' = 'aaaaaaaa-0000-4000-8000-000000000001' $$,
  'reconcile finds nothing wrong with any of it'
);

select * from finish();
rollback;
