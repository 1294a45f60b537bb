-- Alerts and notices: who reads what, who calls what, and what no rule can be.
begin;
create extension if not exists pgtap with schema extensions;
select plan(23);

-- Rules, states and checks are the operator's.
select is_empty(
  $$ select r.role || ' ' || t.name || ' ' || p.name
     from unnest(array['anon', 'authenticated', 'service_role']) r (role),
       unnest(array['alert_rules', 'alert_states', 'alert_checks']) t (name),
       unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p (name)
     where has_table_privilege(r.role, 'billing.' || t.name, p.name) $$,
  'no role of the API touches a table of the alerts'
);
select policies_are('billing', 'alert_rules', array['no client reads the alert rules']);
select policies_are('billing', 'alert_states', array['no client reads the alert states']);
select policies_are('billing', 'alert_checks', array['no client reads the alert checks']);
select policies_are('public', 'balance_notices', array['users read their own notices']);
select function_privs_are('public', f.name, f.args, r.role, r.privileges, r.role || ': ' || f.name)
from (values
  ('alerts_read', '{}'::text[]),
  ('claim_alerts', '{}'),
  ('alerts_delivered', '{text[]}'),
  ('claim_notices', '{integer}')
) f (name, args),
  (values ('service_role', '{EXECUTE}'::text[]), ('authenticated', '{}')) r (role, privileges);
select function_privs_are(
  'billing', 'schedule_alerts', array['text', 'text'], 'service_role', '{}',
  'the Data API schedules nothing'
);

-- What no rule can be.
select throws_ok(
  $$ update billing.alert_rules set threshold = -1 where rule = 'drift' $$, '23514', null,
  'a threshold below zero'
);
select throws_ok(
  $$ update billing.alert_rules set window_minutes = 5 where rule = 'drift' $$, '23514', null,
  'a window of a rule that looks at how things stand'
);
select throws_ok(
  $$ update billing.alert_rules set cooldown_minutes = 0 where rule = 'drift' $$, '23514', null,
  'no cool-down at all'
);

-- Notices.
insert into auth.users (id, email) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'farebox-test-ada@example.com'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'farebox-test-bob@example.com');
select public.grant_credit(u.id, '-9.5', 'adjustment', 'pgtap:' || u.id) as "#"
from auth.users u where u.email like 'farebox-test-%@example.com';
select set_config('request.jwt.claims',
  '{"sub":"aaaaaaaa-0000-4000-8000-000000000001","role":"authenticated"}', true) as "#";
set local role authenticated;
select is(
  (select array_agg(user_id) from public.balance_notices),
  array['aaaaaaaa-0000-4000-8000-000000000001'::uuid], 'a user sees the own notices'
);
select throws_ok(
  $$ insert into public.balance_notices (user_id, kind, balance, threshold)
     values ('aaaaaaaa-0000-4000-8000-000000000001', 'empty', 0, 0) $$,
  '42501', null, 'and makes none'
);
select throws_ok(
  $$ update public.balance_notices set delivered_at = now() $$, '42501', null, 'and changes none'
);
set local role anon;
select throws_ok('select * from public.balance_notices', '42501', null, 'anon sees no notices');
set local role service_role;
select throws_ok(
  $$ delete from public.balance_notices $$, '42501', null, 'service_role deletes none'
);
reset role;
select has_trigger(
  'public', 'user_balances', 'farebox_note_low_balance', 'a fall of the balance is looked at'
);

select * from finish();
rollback;
