-- The tables are there as documented, and the original guide's verification queries hold.
begin;
create extension if not exists pgtap with schema extensions;
select plan(17);

-- The guide, "Verify Database Setup".
select is(
  (select count(*)::integer from (
    select table_name from information_schema.tables
    where table_schema = 'public'
      and table_name in ('model_pricing', 'usage_records', 'user_balances')
  ) found),
  3,
  'guide 1: the three tables exist'
);
select cmp_ok(
  (select count(*)::integer from public.model_pricing), '>=', 23,
  'guide 2: the 23 priced models are there, and what was synced since'
);
select is_empty(
  $$ select tablename from pg_tables
     where schemaname = 'public'
       and tablename in ('model_pricing', 'usage_records', 'user_balances')
       and not rowsecurity $$,
  'guide 3: row security is on for all three'
);
select cmp_ok(
  (select min(n)::integer from (
    select count(*) as n from pg_indexes
    where schemaname = 'public'
      and tablename in ('model_pricing', 'usage_records', 'user_balances')
    group by tablename
  ) counted),
  '>=', 2,
  'guide 4: every table has several indexes'
);
select isnt_empty(
  $$ select * from model_pricing where model_id = 'gpt-4o' and provider_id = 'openai' $$,
  'guide 5: gpt-4o of openai has a price'
);

select is_empty(
  $$ select c.oid::regclass from pg_class c
     where c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
       and c.relkind = 'r' and not c.relrowsecurity $$,
  'row security is on for every table of public and billing'
);
select is_empty(
  $$ select p.oid::regprocedure from pg_proc p
     where p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
       and not coalesce(p.proconfig @> array['search_path=""'], false) $$,
  'every function has an empty search_path'
);
select is_empty(
  $$ select c.oid::regclass from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
       and not coalesce(c.reloptions @> array['security_invoker=true'], false) $$,
  'every view of public reads with the rights of its reader'
);
select is_empty(
  $$ select c.conname from pg_constraint c
     where c.conrelid in (
         'public.user_balances'::regclass, 'public.usage_records'::regclass,
         'public.balance_transactions'::regclass, 'billing.reservations'::regclass
       )
       and c.contype = 'c' and not c.convalidated $$,
  'every check constraint of the ledger is validated'
);
select is_empty(
  $$ select a.attrelid::regclass || '.' || a.attname from pg_attribute a
     join pg_class c on c.oid = a.attrelid
     where c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
       and c.relkind in ('r', 'v') and a.attnum > 0
       and a.atttypid in ('float4'::regtype, 'float8'::regtype, 'money'::regtype) $$,
  'lesson 33: no column holds a float'
);
select col_type_is('public', 'user_balances', 'balance', 'numeric(20,10)', 'lesson 33: a balance has ten decimals');
select col_type_is('public', 'user_balances', 'reserved', 'numeric(20,10)', 'so has what is reserved');
select col_type_is('public', 'usage_records', 'cost', 'numeric(20,10)', 'so has a cost');
select col_type_is('public', 'balance_transactions', 'amount', 'numeric(20,10)', 'so has a credit');
select col_is_unique('public', 'balance_transactions', array['idempotency_key'], 'a credit has its own key');
select col_is_pk('public', 'model_pricing', array['provider_id', 'model_id'], 'a model has one price');
select has_trigger('auth', 'users', 'farebox_welcome_new_user', 'sign-up grants the welcome credit');

select * from finish();
rollback;
