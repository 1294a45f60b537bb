-- Whose rows a caller sees: the own ones, in both styles of claims, and nobody else's.
begin;
create extension if not exists pgtap with schema extensions;
select plan(19);

insert into auth.users (id, email) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'farebox-test-ada@example.com'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'farebox-test-bob@example.com');
create temporary table asked as
  select u.id as user_id, gen_random_uuid() as request_id
  from auth.users u where u.email like 'farebox-test-%@example.com';
select public.reserve(
  request_id, user_id, null, null, null, 'openai', 'gpt-4o', 100, 100, 'chat', null, null
) as "#" from asked;
select public.settle(request_id, 10, 0, 0, 0, 10, 'reported') as "#" from asked;

-- What each table shows to whoever asks, in one number each.
create temporary view seen with (security_invoker = true) as
  select
    (select count(*)::integer from public.user_balances) as balances,
    (select count(*)::integer from public.usage_records) as charges,
    (select count(*)::integer from public.balance_transactions) as credits,
    (select count(*)::integer from public.account_statement) as entries;
grant select on seen to anon, authenticated;

select set_config('request.jwt.claims',
  '{"sub":"aaaaaaaa-0000-4000-8000-000000000001","role":"authenticated"}', true) as "#";
set local role authenticated;
select is(balances, 1, 'a user sees one balance') from seen;
select is(charges, 1, 'and one charge') from seen;
select is(credits, 1, 'and one credit') from seen;
select is(entries, 2, 'and a statement with both') from seen;
select is(user_id, 'aaaaaaaa-0000-4000-8000-000000000001'::uuid, 'the balance is the own one')
  from public.user_balances;
select is(user_id, 'aaaaaaaa-0000-4000-8000-000000000001'::uuid, 'so is the charge')
  from public.usage_records;
select is_empty(
  $$ select from public.user_balances where user_id = 'aaaaaaaa-0000-4000-8000-000000000002' $$,
  'another user''s balance is not there, asked for by id'
);
select cmp_ok((select count(*)::integer from public.model_pricing), '>', 0, 'prices are visible');

-- The guide, "Test RLS", word for word but for the id.
reset role;
select set_config('request.jwt.claims', '', true) as "#";
set local role authenticated;
set local request.jwt.claim.sub = 'aaaaaaaa-0000-4000-8000-000000000002';
select is(balances, 1, 'old GUC: a user sees one balance') from seen;
select is(charges, 1, 'old GUC: and one charge') from seen;
select is(credits, 1, 'old GUC: and one credit') from seen;
select is(user_id, 'aaaaaaaa-0000-4000-8000-000000000002'::uuid, 'old GUC: the own one')
  from public.user_balances;

-- Signed in as nobody.
set local request.jwt.claim.sub = '';
select is(balances + charges + credits + entries, 0, 'a token without sub sees nothing') from seen;
set local request.jwt.claim.sub = 'aaaaaaaa-0000-4000-8000-00000000dead';
select is(balances + charges + credits + entries, 0, 'an unknown user sees nothing') from seen;
select lives_ok('select count(*) from public.model_pricing', 'but prices');

set local role anon;
select throws_ok('select * from public.user_balances', '42501', null, 'anon sees no balance');
select throws_ok('select * from public.usage_records', '42501', null, 'anon sees no charge');
select throws_ok('select * from public.balance_transactions', '42501', null, 'anon sees no credit');
select lives_ok('select * from public.model_pricing', 'anon sees prices');

reset role;
select * from finish();
rollback;
