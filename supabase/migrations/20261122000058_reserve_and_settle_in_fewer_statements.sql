-- reserve and settle with fewer statements, and many requests of one user in an orderly queue.

-- ── Waiting for an account ──────────────────────────────────────────────────────────────────

-- The account of a user, locked until the transaction ends; null where there is none.
--
-- Whoever finds it locked queues at an advisory lock first, one behind the other: of those who wait
-- at the row itself, each one that is let in makes all others look again. Who has the row already
-- never queues, so the order of locks stays: accounts (in sorted order), then the reservation.
create function billing.lock_balance(p_user_id uuid) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  account public.user_balances;
begin
  select * into account from public.user_balances b
  where b.user_id = p_user_id for no key update skip locked;
  if not found and p_user_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('farebox:account:' || p_user_id, 0));
    select * into account from public.user_balances b
    where b.user_id = p_user_id for no key update;
  end if;
  return account;
end
$$;

-- The account of a user, locked until the transaction ends; created, and welcomed, if need be.
create or replace function billing.lock_account(p_user_id uuid) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  account public.user_balances;
begin
  account := billing.lock_balance(p_user_id);
  if account.user_id is null then
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

create or replace function billing.lock_caller_of(p_request_id uuid) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  caller record;
  account public.user_balances;
begin
  select r.user_id, r.guest_token_id, r.guest_address_hash into caller
  from billing.reservations r where r.request_id = p_request_id;
  if not found then
    perform billing.refuse(
      404, 'REQUEST_NOT_FOUND', format('There is no reservation for request %s.', p_request_id),
      'Reserve first; a reservation is remembered for a while after it is closed.'
    );
  end if;
  if caller.user_id is null then
    perform billing.lock_guest(
      billing.guest_holders(caller.guest_token_id, caller.guest_address_hash)
    );
  else
    -- The account exists, whatever became of the user: reserve created it.
    account := billing.lock_balance(caller.user_id);
    if account.user_id is null then
      raise no_data_found;
    end if;
  end if;
  return account;
end
$$;

-- ── reserve ─────────────────────────────────────────────────────────────────────────────────

-- Whether one that may answer thinks unseen.
create function billing.one_hides_reasoning(p_candidates billing.candidate[]) returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  c billing.candidate;
begin
  foreach c in array p_candidates loop
    if c.hides_reasoning then
      return true;
    end if;
  end loop;
  return false;
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
  candidates billing.candidate[];
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
  if num_nonnulls(settings.allowed_models, settings.guest_models) > 0 then
    perform billing.refuse_unlisted_models(p_hold, p_fallback_models, settings);
  end if;

  p_hold := billing.price_hold(p_hold, p_output_tokens_max, p_fallback_models);
  candidates := billing.candidates_as_array(p_hold);
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
    affordable := billing.affordable_output_tokens(
      candidates, p_hold.input_tokens_max, p_hold.markup_basis_points, available
    );
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
      and not billing.one_hides_reasoning(candidates)
      then least(settings.output_slice_tokens, p_hold.output_tokens_limit)
    else p_hold.output_tokens_limit
  end;
  p_hold.ceiling := billing.ceiling_of(
    candidates, p_hold.input_tokens_max, p_hold.output_tokens_reserved, p_hold.markup_basis_points
  );
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
  insert into billing.reservations values (p_hold.*);
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

-- ── settle ──────────────────────────────────────────────────────────────────────────────────

-- Charges the actual usage and closes the reservation, in one transaction. p_charge: what was used,
-- its basis, and what is known of the answer; the rest of it is found out here.
-- Estimates are capped at what was reserved. A cost above the balance is collected up to the balance
-- and the rest recorded: usage is never rolled back for lack of funds.
-- After an expiry at a checkpoint, the first settle corrects the charge to the true cost, once.
create or replace function billing.settle(
  p_charge public.usage_records,
  p_model text,
  p_other_models jsonb,
  p_provider_cost text
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  hold billing.reservations;
  account public.user_balances;
  price billing.model_pricing_history;
  others billing.usage_of_other_models[];
  prior public.usage_records;
begin
  perform billing.refuse_bad_usage(p_charge);
  account := billing.lock_caller_of(p_charge.request_id);
  select * into strict hold from billing.reservations r
  where r.request_id = p_charge.request_id for no key update;

  price := billing.price_of_answer(hold, p_model);
  p_charge.sequence := 0;
  p_charge.user_id := hold.user_id;
  p_charge.chat_id := hold.chat_id;
  p_charge.provider_id := price.provider_id;
  p_charge.model_id := price.model_id;
  p_charge.price_version := price.price_version;
  p_charge.markup_basis_points := hold.markup_basis_points;
  p_charge.provider_cost := billing.parse_provider_cost(p_provider_cost);
  p_charge.provider_request_id := left(p_charge.provider_request_id, 200);
  p_charge.finish := left(p_charge.finish, 60);
  p_charge.service_tier := nullif(left(p_charge.service_tier, 60), '');
  if p_charge.basis <> 'reported' then
    p_charge := billing.as_estimate(p_charge, hold);
  elsif p_other_models <> '[]' then
    others := billing.other_models_of(p_charge, p_other_models, hold.created_at);
    p_charge.other_models_cost := (select nullif(sum(o.cost), 0) from unnest(others) o);
  end if;
  p_charge.flags := billing.flags_of(p_charge, price);
  p_charge.cost := billing.marked_up(
    billing.cost_of_charge(p_charge, price), p_charge.markup_basis_points
  );

  select * into prior from public.usage_records u
  where u.request_id = p_charge.request_id order by u.sequence desc limit 1;
  if not found then
    if hold.state = 'released' then
      perform billing.refuse(
        409, 'RESERVATION_CLOSED', format('Request %s was released.', p_charge.request_id),
        'A released reservation cannot be charged: nothing was delivered for it.'
      );
    end if;
    return billing.write_charge(hold, account, p_charge, others);
  end if;
  return billing.repeat_settle(hold, account, p_charge, others, prior);
end
$$;

-- The first charge of a request, whether its reservation is still open or was swept without one.
create or replace function billing.write_charge(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_charge public.usage_records,
  p_others billing.usage_of_other_models[]
) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  was_open constant boolean := p_hold.state = 'open';
  held constant numeric := case when was_open then p_hold.amount else 0 end;
begin
  if p_charge.user_id is null then
    p_charge.collected := 0;
    perform billing.close_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, was_open, true
    );
  else
    -- Other open reservations keep what they hold: reserved <= balance must stay true.
    p_charge.collected := least(p_charge.cost, p_account.balance - (p_account.reserved - held));
    p_charge.balance_before := p_account.balance;
    p_charge.balance_after := p_account.balance - p_charge.collected;
    update public.user_balances
    set
      balance = p_charge.balance_after,
      reserved = reserved - held,
      updated_at = clock_timestamp()
    where user_id = p_charge.user_id;
  end if;
  p_charge.uncollected := p_charge.cost - p_charge.collected;
  p_charge.created_at := coalesce(p_charge.created_at, clock_timestamp());
  insert into public.usage_records values (p_charge.*);
  if p_others is not null then
    insert into billing.usage_of_other_models select o.* from unnest(p_others) o;
  end if;
  update billing.reservations
  set
    state = case when p_charge.basis = 'checkpoint' then 'expired' else 'settled' end,
    amount = 0, ceiling = 0, closed_at = clock_timestamp()
  where request_id = p_charge.request_id;
  if p_charge.uncollected > 0 or p_charge.provider_cost is not null or p_others is not null then
    perform billing.report_charge(p_hold, p_charge, p_others, 0);
  end if;
  return billing.charge_as_json('settled', p_charge);
end
$$;

revoke all on function billing.lock_balance(uuid) from public;
revoke all on function billing.one_hides_reasoning(billing.candidate[]) from public;
select billing.only_for_service_role(array['reserve', 'settle']);
