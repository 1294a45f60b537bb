-- Sign-up: the welcome credit, once, by whatever path, and never in the way of the sign-up.
begin;
create extension if not exists pgtap with schema extensions;
select plan(14);

update billing.settings set welcome_credit = 10, blocked_email_domains = '{blocked.example}';
create function pg_temp.balance(p_user uuid) returns numeric language sql as $$
  select balance from public.user_balances where user_id = p_user
$$;

insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000001', 'farebox-test-ada@example.com');
select is(pg_temp.balance('aaaaaaaa-0000-4000-8000-000000000001'), 10::numeric, 'sign-up grants 10 USD');
select is(
  (select idempotency_key from public.balance_transactions
   where user_id = 'aaaaaaaa-0000-4000-8000-000000000001'),
  'welcome:aaaaaaaa-0000-4000-8000-000000000001', 'under the one key of all paths'
);
select is(
  public.welcome('aaaaaaaa-0000-4000-8000-000000000001'),
  '{"state":"already_granted","amount":"10","balance":"10"}'::jsonb, 'a webhook grants nothing more'
);
select is(
  public.account_balance('aaaaaaaa-0000-4000-8000-000000000001'),
  '{"balance":"10","reserved":"0","available":"10","currency":"USD"}'::jsonb,
  'nor does the first look at the balance'
);

insert into auth.users (id, is_anonymous) values ('aaaaaaaa-0000-4000-8000-000000000002', true);
select is(
  coalesce(pg_temp.balance('aaaaaaaa-0000-4000-8000-000000000002'), 0), 0::numeric,
  'an anonymous user gets nothing'
);
select is(public.welcome('aaaaaaaa-0000-4000-8000-000000000002') ->> 'state', 'not_due',
  'not by webhook either');
update auth.users set is_anonymous = false, email = 'farebox-test-bob@example.com'
where id = 'aaaaaaaa-0000-4000-8000-000000000002';
select is(pg_temp.balance('aaaaaaaa-0000-4000-8000-000000000002'), 10::numeric, 'until conversion');

select is(
  public.decide_sign_up('aaaaaaaa-0000-4000-8000-000000000003', 'x@blocked.example', 'address', false) ->> 'decision',
  'reject', 'a blocked domain is turned away'
);
select is(
  public.decide_sign_up('aaaaaaaa-0000-4000-8000-000000000004', 'farebox-test-eve@example.com', 'address', false) ->> 'decision',
  'grant', 'a first sign-up earns the credit'
);
insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000004', 'farebox-test-eve@example.com');
select is(
  public.decide_sign_up('aaaaaaaa-0000-4000-8000-000000000005', 'Farebox-Test-Eve+2@Example.com', 'address', false) ->> 'reason',
  'email_already_welcomed', 'the same mailbox under another spelling does not'
);
insert into auth.users (id, email)
values ('aaaaaaaa-0000-4000-8000-000000000005', 'farebox-test-eve+2@example.com');
select is(pg_temp.balance('aaaaaaaa-0000-4000-8000-000000000005'), 0::numeric, 'and gets none');

-- The ledger broken in the middle of a sign-up.
alter table public.balance_transactions add constraint broken check (note <> 'Welcome credit') not valid;
select lives_ok(
  $$ insert into auth.users (id, email)
     values ('aaaaaaaa-0000-4000-8000-000000000006', 'farebox-test-fay@example.com') $$,
  'a broken grant does not block the sign-up'
);
select is(
  (select count(*)::integer from billing.incidents
   where kind = 'welcome_failed' and user_id = 'aaaaaaaa-0000-4000-8000-000000000006'),
  1, 'it is recorded'
);
alter table public.balance_transactions drop constraint broken;
select is(
  public.account_balance('aaaaaaaa-0000-4000-8000-000000000006') ->> 'balance', '10',
  'and made up for at the first request'
);

select * from finish();
rollback;
