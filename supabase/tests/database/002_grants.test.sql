-- What anon and authenticated can NOT do: write to any table, read an internal one, execute any
-- function of the ledger. Asked of the catalogue, and tried.
begin;
create extension if not exists pgtap with schema extensions;

create temporary table ledger_tables as
  select c.oid::regclass::text as name, c.relkind = 'v' as is_view from pg_class c
  where c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
    and c.relkind in ('r', 'v');
-- Every function of ours, as a call with nulls: permission is asked before arguments are looked at.
create temporary table ledger_calls as
  select
    p.oid,
    format(
      'select %s.%I(%s)', p.pronamespace::regnamespace, p.proname,
      (select string_agg('null::' || format_type(t, null), ', ') from unnest(p.proargtypes) t)
    ) as text
  from pg_proc p
  where p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
    and p.prokind = 'f'
    and p.prorettype <> 'trigger'::regtype
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e');
grant select on ledger_tables, ledger_calls to anon, authenticated;

select plan(
  10
  -- anon, authenticated, and authenticated with the old GUC: each write to each table, each call.
  + 3 * (
    3 * (select count(*)::integer from ledger_tables where not is_view)
    + (select count(*)::integer from ledger_calls)
  )
  -- Chat history is their owners' to delete.
  - 2
);

select cmp_ok((select count(*)::integer from ledger_calls), '>', 40, 'the functions were found');
select is_empty(
  $$ select r.name || ' ' || t.name || ' ' || p.name
     from ledger_tables t,
       unnest(array['anon', 'authenticated']) r (name),
       unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p (name)
     where has_table_privilege(r.name, t.name, p.name)
       -- Chat history is their own to delete (010).
       and (r.name, t.name, p.name) <> ('authenticated', 'chat_exchanges', 'delete') $$,
  'lesson 32: anon and authenticated have no privilege to write to any table'
);
select is_empty(
  $$ select t.name || ' ' || p.name
     from ledger_tables t, unnest(array['insert', 'update', 'delete', 'truncate']) p (name)
     where t.name not like 'model_pricing%' and has_table_privilege('service_role', t.name, p.name) $$,
  'service_role writes to the ledger through its functions alone'
);
select set_eq(
  $$ select t.name from ledger_tables t where has_table_privilege('anon', t.name, 'select') $$,
  $$ values ('model_pricing') $$,
  'anon may read prices and nothing else'
);
select set_eq(
  $$ select t.name from ledger_tables t where has_table_privilege('authenticated', t.name, 'select') $$,
  $$ values ('model_pricing'), ('user_balances'), ('usage_records'), ('balance_transactions'),
       ('account_statement'), ('balance_notices'), ('chat_exchanges') $$,
  'authenticated may read prices, and of the rest what row security leaves'
);
select is_empty(
  $$ select r.name || ' ' || c.oid::regprocedure
     from ledger_calls c, unnest(array['anon', 'authenticated']) r (name)
     where has_function_privilege(r.name, c.oid, 'execute') $$,
  'lesson 32: anon and authenticated may execute no function'
);
select is_empty(
  $$ select p.oid::regprocedure from pg_proc p
     where p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
       and exists (
         select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         where a.grantee = 0
       ) $$,
  'nothing is executable by PUBLIC, triggers included'
);
select is_empty(
  $$ select r.name from unnest(array['anon', 'authenticated']) r (name)
     where has_schema_privilege(r.name, 'billing', 'usage') $$,
  'schema billing is closed to anon and authenticated'
);
select is_empty(
  $$ select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'public'::regnamespace
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
       and p.prosecdef $$,
  'no function that the Data API exposes is security definer'
);
select is_empty(
  $$ select t.name from unnest(array['anon', 'authenticated']) r (name),
       (select c.oid::regclass::text as name from pg_class c
        where c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
          and c.relkind = 'S') t
     where has_sequence_privilege(r.name, t.name, 'usage, select, update') $$,
  'nor may they touch a sequence'
);

-- Tried, with the claims of a signed-in user in the way PostgREST sets them now.
select set_config(
  'request.jwt.claims',
  '{"sub":"aaaaaaaa-0000-4000-8000-000000000001","role":"authenticated"}',
  true
) as "#";

set local role anon;
select throws_ok(format('insert into %s default values', t.name), '42501', null,
  'anon cannot insert into ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(format('delete from %s', t.name), '42501', null,
  'anon cannot delete from ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(format('truncate %s', t.name), '42501', null,
  'anon cannot truncate ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(c.text, '42501', null, 'anon: ' || c.text) from ledger_calls c;

set local role authenticated;
select throws_ok(format('insert into %s default values', t.name), '42501', null,
  'authenticated cannot insert into ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(format('delete from %s', t.name), '42501', null,
  'authenticated cannot delete from ' || t.name) from ledger_tables t
  where not t.is_view and t.name <> 'chat_exchanges';
select throws_ok(format('truncate %s', t.name), '42501', null,
  'authenticated cannot truncate ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(c.text, '42501', null, 'authenticated: ' || c.text) from ledger_calls c;

-- And in the way of the original guide.
reset role;
select set_config('request.jwt.claims', '', true) as "#";
set local role authenticated;
set local request.jwt.claim.sub = 'aaaaaaaa-0000-4000-8000-000000000001';
select throws_ok(format('insert into %s default values', t.name), '42501', null,
  'old GUC: authenticated cannot insert into ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(format('delete from %s', t.name), '42501', null,
  'old GUC: authenticated cannot delete from ' || t.name) from ledger_tables t
  where not t.is_view and t.name <> 'chat_exchanges';
select throws_ok(format('truncate %s', t.name), '42501', null,
  'old GUC: authenticated cannot truncate ' || t.name) from ledger_tables t where not t.is_view;
select throws_ok(c.text, '42501', null, 'old GUC: authenticated: ' || c.text) from ledger_calls c;

reset role;
select * from finish();
rollback;
