-- What an operator's tool calls: for service_role alone, and with the time that it needs.
begin;
create extension if not exists pgtap with schema extensions;

create temporary table operator_functions (name) as
  values ('users_count'), ('init_users'), ('users_to_tell'), ('account_peek'), ('usage_report'),
    ('storage_facts'), ('reconcile');

select plan(16);

select set_eq(
  $$ select n.nspname || '.' || p.proname
     from pg_proc p
     join pg_namespace n on n.oid = p.pronamespace
     where p.proname in (select name from operator_functions) and n.nspname in ('public', 'billing') $$,
  $$ select s.name || '.' || f.name
     from operator_functions f, unnest(array['public', 'billing']) s (name) $$,
  'each is there once, and its wrapper once'
);
select is_empty(
  $$ select r.name || ' ' || p.oid::regprocedure
     from pg_proc p, unnest(array['anon', 'authenticated']) r (name)
     where p.proname in (select name from operator_functions)
       and has_function_privilege(r.name, p.oid, 'execute') $$,
  'lesson 32: nobody who signs in may execute any of them'
);
select is_empty(
  $$ select p.oid::regprocedure from pg_proc p
     where p.proname in (select name from operator_functions)
       and p.pronamespace = 'public'::regnamespace
       and not has_function_privilege('service_role', p.oid, 'execute') $$,
  'service_role may execute every one'
);
select set_eq(
  $$ select p.proname::text from pg_proc p
     where p.proname in (select name from operator_functions)
       and p.pronamespace = 'public'::regnamespace
       and 'statement_timeout=60s' = any (p.proconfig) $$,
  $$ values ('reconcile'), ('usage_report'), ('storage_facts') $$,
  'those that read the whole ledger have a minute'
);

insert into auth.users (id, email) values
  ('aaaaaaaa-0000-4000-8000-000000000012', 'farebox-test-twelve@example.com');

set local role service_role;
select is(
  public.account_peek('aaaaaaaa-0000-4000-8000-000000000012') - 'balance' - 'available',
  '{"is_welcomed": true, "prior": null}'::jsonb, 'an account can be looked at'
);
select throws_ok(
  $$ select public.account_peek('aaaaaaaa-0000-4000-8000-00000000dead') $$, 'PT404', null,
  'an account of nobody cannot'
);
select throws_ok(
  $$ select public.init_users('5,00') $$, 'PT400', null, 'no amount with a comma'
);
select throws_ok(
  $$ select public.init_users('-5') $$, 'PT400', null, 'nor one below zero'
);
select throws_ok(
  $$ select public.init_users(null) $$, 'PT400', null, 'nor none'
);
select throws_ok(
  $$ select public.init_users('5', null, 0) $$, 'PT400', null, 'no empty page'
);
select throws_ok(
  $$ select public.users_to_tell('everybody') $$, 'PT400', null, 'credited, or all'
);
select throws_ok(
  $$ select public.usage_report('hour') $$, 'PT400', null, 'by user, model or day'
);
select is(
  public.usage_report('day', '1999-01-01', '1999-01-02') -> 'total' ->> 'cost', '0',
  'a day without use costs nothing'
);
select is(
  public.usage_report('user', '1999-01-01', '1999-01-02') -> 'groups', '[]'::jsonb,
  'and has no groups'
);
select cmp_ok(
  (select (t ->> 'index_bytes')::bigint
   from jsonb_array_elements(public.storage_facts() -> 'tables') t
   where t ->> 'table' in ('usage_records', 'public.usage_records')),
  '>', 0::bigint, 'the room that charges take is told'
);
select cmp_ok(
  (public.storage_facts() ->> 'database_bytes')::bigint, '>', 0::bigint, 'and the database''s'
);

select * from finish();
rollback;
