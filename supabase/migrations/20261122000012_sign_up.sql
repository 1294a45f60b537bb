-- Sign-up: the decision that the before-user-created hook asks for, and the trigger that grants.

-- Decides whether a sign-up earns the welcome credit, or may happen at all, and records it.
-- Repeated for the same user id (the hook is tried three times) it repeats its answer.
-- It never grants: the user is not there yet, and may never be.
create function billing.decide_sign_up(
  p_user_id uuid,
  p_email text,
  p_address_hash text,
  p_is_anonymous boolean
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  decided billing.sign_up_decisions;
begin
  if p_user_id is null then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A sign-up has a user id.', 'Send the id of the hook''s user.'
    );
  end if;
  select * into strict settings from billing.settings;
  -- Sign-ups from one address, and of one e-mail address, are decided one after the other.
  perform pg_advisory_xact_lock(k) from (
    select hashtextextended('farebox:sign-up:' || v, 0) as k
    from unnest(array[p_address_hash, billing.email_hash(p_email)]) v
    where v is not null
    order by k
  ) keys;

  select * into decided from billing.sign_up_decisions d where d.user_id = p_user_id;
  if not found then
    decided.user_id := p_user_id;
    decided.email_hash := billing.email_hash(p_email);
    decided.address_hash := p_address_hash;
    decided.decision := 'no_credit';
    decided.amount := 0;
    decided.created_at := clock_timestamp();
    if lower(substring(trim(p_email) from '@([^@]*)$')) in (
      select lower(b) from unnest(settings.blocked_email_domains) b
    ) then
      decided.decision := 'reject';
      decided.reason := 'blocked_email_domain';
    elsif p_is_anonymous then
      decided.reason := 'anonymous';
    elsif exists (
      select from billing.sign_up_decisions d
      where d.email_hash = decided.email_hash and d.granted_to is not null and d.amount > 0
    ) then
      decided.reason := 'email_already_welcomed';
    elsif p_address_hash is not null and settings.welcome_per_address_per_day_max <= (
      select count(*) from billing.sign_up_decisions d
      where d.address_hash = p_address_hash
        and d.amount > 0
        and d.created_at > now() - interval '1 day'
    ) then
      decided.reason := 'address_limit';
    elsif settings.welcome_credit = 0 then
      decided.reason := 'no_welcome_credit';
    else
      decided.decision := 'grant';
      decided.amount := settings.welcome_credit;
      decided.reason := 'first_sign_up';
    end if;
    insert into billing.sign_up_decisions select (decided).*;
  end if;
  return jsonb_build_object(
    'decision', decided.decision,
    'amount', billing.usd(decided.amount),
    'reason', decided.reason,
    'message', case decided.reason
      when 'blocked_email_domain'
        then 'Sign-up with this e-mail provider is not possible. Use another e-mail address.'
    end
  );
end
$$;

-- Grants on sign-up, and when an anonymous user becomes a real one. A failure is recorded and
-- swallowed, because a failing trigger on auth.users blocks the sign-up itself; what is missed
-- here is granted on the user's first request.
create function billing.welcome_new_user() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  begin
    perform billing.lock_account(new.id);
  exception when others then
    begin
      perform billing.record_incident(
        'welcome_failed', new.id, null, jsonb_build_object('sqlstate', sqlstate, 'error', sqlerrm)
      );
    exception when others then
      raise warning 'Farebox could not record a failed welcome credit: %', sqlerrm;
    end;
  end;
  return null;
end
$$;

create trigger farebox_welcome_new_user
  after insert on auth.users
  for each row execute function billing.welcome_new_user();

create trigger farebox_welcome_converted_user
  after update of is_anonymous on auth.users
  for each row
  when (old.is_anonymous and not new.is_anonymous)
  execute function billing.welcome_new_user();
