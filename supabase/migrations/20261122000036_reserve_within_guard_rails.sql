-- reserve and extend within the guard rails, and by the switches of billing.settings: those count
-- from the next request on.

-- The weaker of two: enforce, observe, off.
create function billing.weaker_enforcement(p_one text, p_other text) returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when 'off' in (p_one, p_other) then 'off'
    when 'observe' in (p_one, p_other) then 'observe'
    else 'enforce'
  end;
$$;

-- Notes what `enforce` would have refused: of a user once in ten minutes, in all a thousand an hour.
-- A user's account is locked by the caller, or two at once would both be noted.
create function billing.note_would_refuse(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_code text,
  p_settings billing.settings
) returns void
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from billing.incidents i
    where i.kind = 'would_refuse' and i.created_at > now() - interval '10 minutes'
      and i.user_id = p_hold.user_id and i.details ->> 'code' = p_code
  ) or (
    select count(*) >= 1000 from billing.incidents i
    where i.kind = 'would_refuse' and i.created_at > now() - interval '1 hour'
  ) then
    return;
  end if;
  perform billing.record_incident(
    'would_refuse', p_hold.user_id, p_hold.request_id,
    jsonb_build_object(
      'code', p_code,
      'required', billing.usd(greatest(p_settings.minimum_balance, billing.ceiling_of(p_hold, 1))),
      'balance', billing.usd(p_account.balance),
      'model', p_hold.provider_id || ':' || p_hold.model_id
    )
  );
end
$$;

-- The output limit of a new hold as far as the rest of the day's limit pays for it, or a refusal.
-- p_left null: there is no such limit.
create function billing.limit_by_day(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_left numeric,
  p_settings billing.settings
) returns integer
language plpgsql
set search_path = ''
as $$
declare
  affordable integer;
begin
  if p_left is null then
    return p_hold.output_tokens_limit;
  end if;
  affordable := billing.affordable_output_tokens(p_hold, p_left);
  if affordable < 1 then
    perform billing.refuse_for_spend_limit(p_hold, p_account, p_left, p_settings);
  end if;
  return least(p_hold.output_tokens_limit, affordable);
end
$$;

-- Refuses a guest's prompt that is too long for what the house pays.
create function billing.refuse_long_prompt_of_guest(
  p_hold billing.reservations,
  p_settings billing.settings
) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_hold.input_tokens_max > p_settings.guest_input_tokens_max then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('Guests can send up to about %s tokens at a time.', p_settings.guest_input_tokens_max),
      'Send less, or sign up to send more.'
    );
  end if;
end
$$;

-- p_hold: what is asked for. The rest of it is found out here.
create or replace function billing.reserve(
  p_hold billing.reservations,
  p_guest_limit integer,
  p_output_tokens_max integer,
  p_enforcement text,
  p_can_extend boolean,
  p_fallback_models text[]
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  account public.user_balances;
  -- The same, with this request in its minute; until it is reserved, it does not count.
  counted public.user_balances;
  prior billing.reservations;
  enforcement text;
  available numeric;
  affordable integer;
  left_today numeric;
  limited_by text;
  would_refuse text;
  places_left integer;
  wanted integer;
  answer jsonb;
begin
  perform billing.refuse_bad_reserve(
    p_hold, p_guest_limit, p_output_tokens_max, p_enforcement, p_can_extend, p_fallback_models
  );
  select * into strict settings from billing.settings;
  if settings.usage_tracking = 'off' and p_hold.user_id is not null then
    return jsonb_build_object('state', 'untracked');
  end if;
  enforcement := billing.weaker_enforcement(p_enforcement, settings.balance_enforcement);

  -- The caller's rows first: they make everything below wait for its turn.
  if p_hold.user_id is not null then
    account := billing.lock_account(p_hold.user_id);
  else
    perform billing.lock_guest(
      billing.guest_holders(p_hold.guest_token_id, p_hold.guest_address_hash)
    );
  end if;

  select * into prior from billing.reservations r where r.request_id = p_hold.request_id;
  if found then
    answer := billing.repeat_reserve(prior, account, p_hold, p_fallback_models);
    return answer || jsonb_build_object(
      'enforcement', enforcement,
      'requests_limit', billing.requests_limit_of(account, settings)
    );
  end if;
  if p_hold.idempotency_key is not null then
    perform billing.refuse_repeated_key(
      coalesce(p_hold.user_id::text, p_hold.guest_token_id), p_hold.idempotency_key,
      p_hold.request_hash
    );
  end if;
  perform billing.refuse_unlisted_models(p_hold, p_fallback_models, settings);

  p_hold := billing.price_hold(p_hold, p_output_tokens_max, p_fallback_models);
  wanted := p_hold.output_tokens_limit;
  p_hold.markup_basis_points := settings.markup_basis_points;
  p_hold.enforced := enforcement = 'enforce';
  p_hold.state := 'open';
  p_hold.checkpoint_input_tokens := 0;
  p_hold.checkpoint_output_tokens := 0;
  p_hold.created_at := clock_timestamp();
  p_hold.expires_at := now() + make_interval(secs => settings.reservation_ttl_seconds);

  if p_hold.user_id is null then
    perform billing.refuse_long_prompt_of_guest(p_hold, settings);
    p_hold.output_tokens_limit := least(wanted, settings.guest_output_tokens_max);
    places_left := billing.take_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, p_guest_limit
    );
  else
    counted := billing.count_request(account, settings);
    perform billing.refuse_concurrent_request(account, settings);
    available := account.balance - account.reserved;
    affordable := billing.affordable_output_tokens(p_hold, available);
    if available < settings.minimum_balance or affordable < 1 then
      if p_hold.enforced then
        perform billing.refuse_for_balance(account, p_hold, settings);
      end if;
      would_refuse := case enforcement when 'observe' then 'INSUFFICIENT_BALANCE' end;
    end if;
    if p_hold.enforced then
      p_hold.output_tokens_limit := least(wanted, affordable);
    end if;
  end if;
  limited_by := case
    when p_hold.output_tokens_limit < wanted
      then case when p_hold.user_id is null then 'guest' else 'balance' end
    when wanted < coalesce(p_output_tokens_max, 2147483647) then 'model'
    else 'client'
  end;
  wanted := p_hold.output_tokens_limit;
  left_today := billing.left_today(p_hold.user_id, settings);
  p_hold.output_tokens_limit := billing.limit_by_day(p_hold, account, left_today, settings);
  if p_hold.output_tokens_limit < wanted then
    limited_by := 'spend_limit';
  end if;

  -- A slice is enough where the answer is counted as it comes, and the next slice is asked for in
  -- time. What comes at once, or is hidden, is held whole: nobody could stop it (docs/adr/0008).
  p_hold.output_tokens_reserved := case
    when p_can_extend
      and not (select bool_or(c.hides_reasoning) from billing.candidates_of(p_hold) c)
      then least(settings.output_slice_tokens, p_hold.output_tokens_limit)
    else p_hold.output_tokens_limit
  end;
  p_hold.ceiling := billing.ceiling_of(p_hold, p_hold.output_tokens_reserved);
  p_hold.amount := case
    when p_hold.user_id is null then 0
    when p_hold.enforced then p_hold.ceiling
    else least(p_hold.ceiling, available)
  end;
  if p_hold.user_id is not null then
    update public.user_balances
    set
      reserved = reserved + p_hold.amount,
      minute_started_at = counted.minute_started_at,
      minute_requests = counted.minute_requests,
      updated_at = clock_timestamp()
    where user_id = p_hold.user_id
    returning * into account;
  end if;
  insert into billing.reservations select (p_hold).*;
  if would_refuse is not null then
    perform billing.note_would_refuse(p_hold, account, would_refuse, settings);
  end if;
  answer := billing.reservation_as_json(p_hold, account, limited_by, would_refuse, places_left);
  return answer || jsonb_build_object(
    'enforcement', enforcement,
    'requests_limit', billing.requests_limit_of(account, settings),
    -- The day's limit, where it is what limits the answer.
    'spend_limit', case when limited_by = 'spend_limit' then
      billing.spend_limit_as_json(p_hold.user_id, left_today, settings)
    end
  );
end
$$;

-- How much output a hold may have in all: what is asked for, as far as the balance and the day's
-- limit pay for it. Both count what is held already.
create function billing.extended_output_of(
  p_hold billing.reservations,
  p_output_tokens_total integer,
  p_available numeric,
  p_settings billing.settings,
  out target integer,
  out refused_by text
)
language plpgsql
set search_path = ''
as $$
declare
  left_today numeric;
begin
  target := least(p_output_tokens_total, p_hold.output_tokens_limit);
  if target <= p_hold.output_tokens_reserved then
    return; -- only a heartbeat
  end if;
  if p_hold.user_id is not null and p_hold.enforced then
    target := least(target, billing.affordable_output_tokens(p_hold, p_available + p_hold.amount));
  end if;
  if target <= p_hold.output_tokens_reserved then
    refused_by := 'balance';
    return;
  end if;
  left_today := billing.left_today(p_hold.user_id, p_settings);
  if left_today is not null then
    target := least(target, billing.affordable_output_tokens(p_hold, left_today + p_hold.ceiling));
    if target <= p_hold.output_tokens_reserved then
      refused_by := 'spend_limit';
    end if;
  end if;
end
$$;

create or replace function billing.extend(
  p_request_id uuid,
  p_output_tokens_total integer,
  p_input_tokens integer,
  p_output_tokens integer
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  hold billing.reservations;
  account public.user_balances;
  available numeric := 0;
  target integer;
  more numeric;
  refused_by text;
begin
  if least(p_output_tokens_total, p_input_tokens, p_output_tokens) < 0
    or num_nulls(p_output_tokens_total, p_input_tokens, p_output_tokens) > 0
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'An extension is three whole numbers from zero up.',
      'Send the total of output tokens to hold, and the input and output tokens so far.'
    );
  end if;
  select * into strict settings from billing.settings;
  account := billing.lock_caller_of(p_request_id);
  select * into hold from billing.reservations r where r.request_id = p_request_id for no key update;
  if hold.state <> 'open' then
    return jsonb_build_object(
      'state', 'closed', 'output_tokens_reserved', hold.output_tokens_reserved,
      'available', billing.usd(account.balance - account.reserved), 'expires_at', hold.expires_at
    );
  end if;

  available := account.balance - account.reserved;
  select e.target, e.refused_by into target, refused_by
  from billing.extended_output_of(hold, p_output_tokens_total, available, settings) e;
  if target > hold.output_tokens_reserved then
    hold.output_tokens_reserved := target;
    hold.ceiling := billing.ceiling_of(hold, target);
    more := case
      when hold.user_id is null then 0
      when hold.enforced then hold.ceiling - hold.amount
      else greatest(least(hold.ceiling - hold.amount, available), 0)
    end;
    hold.amount := hold.amount + more;
    if more > 0 then
      update public.user_balances
      set reserved = reserved + more, updated_at = clock_timestamp()
      where user_id = hold.user_id;
      available := available - more;
    end if;
  end if;

  hold.expires_at := now() + make_interval(secs => settings.reservation_ttl_seconds);
  update billing.reservations
  set
    output_tokens_reserved = hold.output_tokens_reserved,
    ceiling = hold.ceiling,
    amount = hold.amount,
    -- Checkpoints can arrive out of order; what was delivered is not undelivered.
    checkpoint_input_tokens = greatest(checkpoint_input_tokens, p_input_tokens),
    checkpoint_output_tokens = greatest(checkpoint_output_tokens, p_output_tokens),
    expires_at = hold.expires_at
  where request_id = p_request_id;
  return jsonb_build_object(
    'state', case when refused_by is null then 'extended' else 'refused' end,
    'refused_by', refused_by,
    'output_tokens_reserved', hold.output_tokens_reserved,
    'available', billing.usd(available),
    'expires_at', hold.expires_at
  );
end
$$;

revoke all on function billing.weaker_enforcement(text, text) from public;
revoke all on function billing.note_would_refuse(
  billing.reservations, public.user_balances, text, billing.settings
) from public;
revoke all on function billing.limit_by_day(
  billing.reservations, public.user_balances, numeric, billing.settings
) from public;
revoke all on function billing.refuse_long_prompt_of_guest(billing.reservations, billing.settings)
  from public;
revoke all on function billing.extended_output_of(
  billing.reservations, integer, numeric, billing.settings
) from public;
select billing.only_for_service_role(array['reserve', 'extend']);
