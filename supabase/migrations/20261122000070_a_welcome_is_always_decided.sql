-- The before-user-created hook may not be switched on, or may get no answer of a busy database in its
-- two seconds: then nobody has decided what a sign-up earns. It was welcomed whatever its mailbox had
-- had before. Now it is decided in the moment of the grant, by all that is known then.

create or replace function billing.grant_welcome_credit(p_user_id uuid) returns void
language plpgsql
set search_path = ''
as $$
declare
  person record;
  decided billing.sign_up_decisions;
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
  end if;
  if decided.user_id is null or decided.reason = 'anonymous' then
    -- Without an address of the network it is not counted against one.
    perform billing.decide_sign_up(p_user_id, person.email, decided.address_hash, false);
    select * into strict decided from billing.sign_up_decisions d where d.user_id = p_user_id;
  end if;

  -- Sign-ups of one mailbox at the same moment are all decided before any of them is granted.
  perform pg_advisory_xact_lock(hashtextextended('farebox:sign-up:' || decided.email_hash, 0));
  if decided.amount > 0 and exists (
    select from billing.sign_up_decisions d
    where d.email_hash = decided.email_hash and d.granted_to <> p_user_id and d.amount > 0
  ) then
    decided.amount := 0;
    decided.decision := 'no_credit';
    decided.reason := 'email_already_welcomed';
  end if;
  update billing.sign_up_decisions d
  set
    granted_to = p_user_id,
    amount = decided.amount,
    decision = decided.decision,
    reason = decided.reason
  where d.user_id = decided.user_id
    -- Two sign-ups can have found the same decision by its e-mail address: the first keeps it.
    and (d.granted_to is null or d.granted_to = p_user_id);
  update public.user_balances set welcomed_at = clock_timestamp() where user_id = p_user_id;
  -- An account can have lost the mark of its welcome, but not its credit.
  if decided.amount > 0 and not exists (
    select from public.balance_transactions t where t.idempotency_key = 'welcome:' || p_user_id
  ) then
    perform billing.write_transaction(
      p_user_id, 'grant', decided.amount, 'welcome:' || p_user_id, null, 'Welcome credit'
    );
  end if;
end
$$;

comment on table billing.sign_up_decisions is
  'What was decided about the welcome credit, by the before-user-created hook or at the grant, by hashed e-mail and address.';
