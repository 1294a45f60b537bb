-- Charging later and repricing: who may, and what holds of it in the ledger.
begin;
create extension if not exists pgtap with schema extensions;
select plan(19);

-- Only service_role, and of the inner steps nobody.
select ok(
  has_function_privilege('service_role', p.oid, 'execute')
    and not has_function_privilege('anon', p.oid, 'execute')
    and not has_function_privilege('authenticated', p.oid, 'execute'),
  p.pronamespace::regnamespace || '.' || p.proname || ' is for service_role alone'
)
from pg_proc p
where p.proname in ('backfill_usage', 'reprice_plan', 'reprice_page')
  and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
order by p.pronamespace::regnamespace::text, p.proname;
select is_empty(
  $$ select p.oid::regprocedure
     from pg_proc p,
       unnest(array['anon', 'authenticated', 'service_role']) r (name)
     where p.pronamespace = 'billing'::regnamespace
       and p.proname in (
         'price_of_then', 'priced_since', 'refuse_other_usage', 'make_hold', 'charged_before',
         'used_tokens', 'right_version', 'reprice', 'charges_to_reprice', 'repriced_as_json',
         'refuse_bad_range'
       )
       and has_function_privilege(r.name, p.oid, 'execute') $$,
  'nobody calls the steps that they are made of'
);
select is_empty(
  $$ select p.oid::regprocedure from pg_proc p
     where p.proname in ('backfill_usage', 'reprice_plan', 'reprice_page')
       and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
       and not 'search_path=""' = any (p.proconfig) $$,
  'each has its search_path set'
);
select is(
  (select p.provolatile from pg_proc p where p.oid = to_regproc('public.reprice_plan')), 's',
  'a plan of repricing writes nothing'
);

-- A charge from the log, as service_role.
update billing.settings set welcome_credit = 1, markup_basis_points = 0;
insert into public.model_pricing (
  provider_id, model_id, display_name, input_per_1k, output_per_1k, source
) values ('pgtap', 'late', 'Late', 0.001, 0.002, 'test');
insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000013', 'backfill@example.com');

create function pg_temp.backfill(p_output integer, p_dry_run boolean) returns jsonb language sql as $$
  select public.backfill_usage(
    'bbbbbbbb-0000-4000-8000-000000000131', 'aaaaaaaa-0000-4000-8000-000000000013', 'chat',
    now() - interval '3 days', 'pgtap:late', 1000, 0, 0, 0, p_output, 'reported',
    p_dry_run => p_dry_run
  )
$$;
set local role service_role;
select is(pg_temp.backfill(500, true) ->> 'balance', '0.998', 'a dry run tells the balance after');
select is_empty(
  $$ select from public.usage_records where user_id = 'aaaaaaaa-0000-4000-8000-000000000013' $$,
  'and writes nothing'
);
select is(
  pg_temp.backfill(500, false) - 'tokens',
  '{"state":"settled","model":"pgtap:late","cost":"0.002","collected":"0.002","uncollected":"0",
    "balance_before":"1","balance":"0.998","basis":"reported","provider_cost":null}'::jsonb,
  'it is charged'
);
select is(pg_temp.backfill(500, false) ->> 'state', 'already_settled', 'once');
select throws_ok(
  $$ select pg_temp.backfill(501, false) $$, 'PT409', null, 'other usage is refused'
);
reset role;
select is(
  (select created_at from public.usage_records
    where request_id = 'bbbbbbbb-0000-4000-8000-000000000131'),
  now() - interval '3 days', 'the charge is of the day on which it was used'
);
select is(
  (select state || ' ' || amount::integer from billing.reservations
    where request_id = 'bbbbbbbb-0000-4000-8000-000000000131'),
  'settled 0', 'its reservation is closed, and holds nothing'
);

-- Repriced to half.
update public.model_pricing set input_per_1k = 0.0005, output_per_1k = 0.001
where provider_id = 'pgtap' and model_id = 'late';
set local role service_role;
select is(
  public.reprice_page('pgtap', 'late', now() - interval '4 days', now(), null) ->> 'refunded',
  '0.001', 'half of it is given back'
);
select is(
  public.reprice_page('pgtap', 'late', now() - interval '4 days', now(), null) ->> 'refunded',
  '0', 'once'
);
reset role;

select is_empty(
  $$ select from jsonb_array_elements(public.reconcile() -> 'violations') v
     where v ->> 'user_id' = 'aaaaaaaa-0000-4000-8000-000000000013' $$,
  'reconcile finds nothing wrong with any of it'
);

select * from finish();
rollback;
