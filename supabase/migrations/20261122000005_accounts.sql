-- Accounts, and the welcome credit that a new one earns.
--
-- Lock order, everywhere: the account (or the guest's holders), then the reservation. Every
-- function here runs in one transaction and is idempotent on its key.

create table billing.sign_up_decisions (
  user_id uuid primary key,
  email_hash text,
  address_hash text,
  decision text not null,
  amount numeric(20,10) not null,
  reason text not null,
  -- Who was created by this sign-up. Not always user_id: for OAuth the id is not final when the
  -- hook decides.
  granted_to uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint decision_is_known check (decision in ('grant', 'no_credit', 'reject')),
  constraint only_a_grant_has_an_amount check (decision = 'grant' or amount = 0),
  constraint amount_is_not_negative check (amount >= 0)
);
comment on table billing.sign_up_decisions is
  'What the before-user-created hook decided about the welcome credit, by hashed e-mail and address.';

create index sign_up_decisions_email_idx
  on billing.sign_up_decisions (email_hash, created_at desc);
create index sign_up_decisions_address_idx
  on billing.sign_up_decisions (address_hash, created_at desc);

alter table billing.sign_up_decisions enable row level security;
create policy "no client reads sign-up decisions" on billing.sign_up_decisions
  for all to anon, authenticated using (false);

-- One person, one address: lower case, without "+tag", and without dots where they mean nothing.
create function billing.email_hash(p_email text) returns text
language sql
immutable
set search_path = ''
as $$
  select encode(sha256(convert_to(
    case
      when domain in ('gmail.com', 'googlemail.com') then replace(name, '.', '') || '@gmail.com'
      else name || '@' || domain
    end,
    'UTF8'
  )), 'hex')
  from (
    select
      split_part(regexp_replace(lower(trim(p_email)), '@[^@]*$', ''), '+', 1) as name,
      substring(lower(trim(p_email)) from '@([^@]*)$') as domain
  ) parts
  where domain is not null;
$$;

-- Adds to a locked account and writes the transaction that explains it.
create function billing.write_transaction(
  p_user_id uuid,
  p_kind text,
  p_amount numeric,
  p_key text,
  p_request_id uuid,
  p_note text
) returns numeric
language plpgsql
set search_path = ''
as $$
declare
  after numeric;
begin
  update public.user_balances
  set balance = balance + p_amount, updated_at = clock_timestamp()
  where user_id = p_user_id
  returning balance into after;
  insert into public.balance_transactions (
    user_id, kind, amount, balance_after, idempotency_key, request_id, note
  ) values (p_user_id, p_kind, p_amount, after, p_key, p_request_id, p_note);
  return after;
end
$$;

-- Grants what the sign-up earned, once. The account is locked by the caller.
create function billing.grant_welcome_credit(p_user_id uuid) returns void
language plpgsql
set search_path = ''
as $$
declare
  person record;
  decided billing.sign_up_decisions;
  due numeric;
begin
  select u.email, coalesce(u.is_anonymous, false) as is_anonymous into person
  from auth.users u where u.id = p_user_id;
  if person.is_anonymous then
    return; -- due on conversion
  end if;

  select * into decided from billing.sign_up_decisions d
  where d.user_id = p_user_id and d.decision <> 'reject';
  if not found then
    -- The id of an OAuth user is not final when the hook decides; the e-mail address is.
    select * into decided from billing.sign_up_decisions d
    where d.email_hash = billing.email_hash(person.email)
      and d.decision <> 'reject'
      and d.granted_to is null
      and d.created_at > now() - interval '1 hour'
    order by d.created_at desc
    limit 1;
  end if;
  if decided.reason = 'anonymous' then
    -- That was about somebody nobody knew. Decide again, now that there is an e-mail address.
    delete from billing.sign_up_decisions d where d.user_id = p_user_id;
    perform billing.decide_sign_up(p_user_id, person.email, decided.address_hash, false);
    select * into decided from billing.sign_up_decisions d where d.user_id = p_user_id;
  end if;
  due := coalesce(decided.amount, (select s.welcome_credit from billing.settings s));
  if due is null then
    -- To be welcomed with nothing would be for good; unwelcomed, the user is asked about again.
    raise exception 'Cannot grant the welcome credit: billing.settings has no row';
  end if;

  if decided.user_id is not null then
    -- Sign-ups of one mailbox at the same moment are all decided before any of them is granted.
    perform pg_advisory_xact_lock(hashtextextended('farebox:sign-up:' || decided.email_hash, 0));
    if due > 0 and exists (
      select from billing.sign_up_decisions d
      where d.email_hash = decided.email_hash and d.granted_to <> p_user_id and d.amount > 0
    ) then
      due := 0;
      decided.decision := 'no_credit';
      decided.reason := 'email_already_welcomed';
    end if;
    update billing.sign_up_decisions d
    set
      granted_to = p_user_id,
      amount = due,
      decision = decided.decision,
      reason = decided.reason
    where d.user_id = decided.user_id
      -- Two sign-ups can have found the same decision by its e-mail address: the first keeps it.
      and (d.granted_to is null or d.granted_to = p_user_id);
  end if;
  update public.user_balances set welcomed_at = clock_timestamp() where user_id = p_user_id;
  if due > 0 then
    perform billing.write_transaction(
      p_user_id, 'grant', due, 'welcome:' || p_user_id, null, 'Welcome credit'
    );
  end if;
end
$$;

-- The account of a user, locked until the transaction ends; created, and welcomed, if need be.
create function billing.lock_account(p_user_id uuid) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  account public.user_balances;
begin
  select * into account from public.user_balances where user_id = p_user_id for no key update;
  if not found then
    if p_user_id is null or not exists (select from auth.users where id = p_user_id) then
      perform billing.refuse(
        404, 'USER_NOT_FOUND', format('There is no user %s.', coalesce(p_user_id::text, 'null')),
        'Use the id of a row in auth.users.'
      );
    end if;
    -- Concurrent first requests: one inserts, the others wait here and then see its row.
    insert into public.user_balances (user_id) values (p_user_id) on conflict do nothing;
    select * into strict account from public.user_balances
    where user_id = p_user_id for no key update;
  end if;
  if account.welcomed_at is null then
    perform billing.grant_welcome_credit(p_user_id);
    select * into strict account from public.user_balances where user_id = p_user_id;
  end if;
  return account;
end
$$;

create function billing.welcome(p_user_id uuid) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  was_welcomed boolean;
  account public.user_balances;
begin
  select b.welcomed_at is not null into was_welcomed
  from public.user_balances b where b.user_id = p_user_id for no key update;
  account := billing.lock_account(p_user_id);
  return jsonb_build_object(
    'state', case
      when coalesce(was_welcomed, false) then 'already_granted'
      when account.welcomed_at is null then 'not_due'
      else 'granted'
    end,
    'amount', billing.usd(coalesce((
      select t.amount from public.balance_transactions t
      where t.idempotency_key = 'welcome:' || p_user_id
    ), 0)),
    'balance', billing.usd(account.balance)
  );
end
$$;
