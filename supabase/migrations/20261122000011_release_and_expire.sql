-- release and expire: reservations that end without their worker's settle.

-- Gives everything back: the upstream failed, or answered nothing. Also gives back the
-- idempotency key, so that the caller can try again.
create function billing.release(p_request_id uuid, p_reason text) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  hold billing.reservations;
begin
  perform billing.lock_caller_of(p_request_id);
  select * into strict hold from billing.reservations r
  where r.request_id = p_request_id for no key update;
  if hold.state = 'open' then
    perform billing.close_without_charge(hold, 'released');
    return jsonb_build_object('state', 'released');
  end if;
  if hold.state = 'settled'
    or exists (select from public.usage_records u where u.request_id = p_request_id)
  then
    return jsonb_build_object('state', 'already_settled');
  end if;
  update billing.reservations set state = 'released' where request_id = p_request_id;
  return jsonb_build_object('state', 'already_released');
end
$$;

-- Closes an open reservation whose caller is locked, and returns what it held.
create function billing.close_without_charge(p_hold billing.reservations, p_state text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_hold.user_id is null then
    perform billing.close_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, true, false
    );
  else
    update public.user_balances
    set reserved = reserved - p_hold.amount, updated_at = clock_timestamp()
    where user_id = p_hold.user_id;
  end if;
  update billing.reservations
  set
    state = p_state, amount = 0, ceiling = 0, closed_at = clock_timestamp(),
    idempotency_key = null
  where request_id = p_hold.request_id;
end
$$;

-- The sweeper. A reservation past its expiry has lost its worker: what it delivered by its last
-- checkpoint is charged, what delivered nothing is free.
create function billing.expire(p_limit integer) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  batch uuid[];
  hold billing.reservations;
  settled integer := 0;
  released integer := 0;
begin
  -- One sweeper at a time; a second one has nothing to do.
  if not pg_try_advisory_xact_lock(hashtextextended('farebox:expire', 0)) then
    return jsonb_build_object('settled', 0, 'released', 0);
  end if;
  select array_agg(due.request_id) into batch
  from (
    select r.request_id from billing.reservations r
    where r.state = 'open' and r.expires_at < now()
    order by r.expires_at
    limit least(greatest(p_limit, 0), 10000)
  ) due;

  -- Callers first and in sorted order, as everywhere, so that no sweep can deadlock with a request.
  perform from public.user_balances b
  where b.user_id in (
    select r.user_id from billing.reservations r where r.request_id = any (batch)
  )
  order by b.user_id
  for no key update;
  perform from billing.guest_exchanges g
  where g.holder in (
    select unnest(billing.guest_holders(r.guest_token_id, r.guest_address_hash))
    from billing.reservations r
    where r.request_id = any (batch) and r.guest_token_id is not null
  )
  order by g.holder
  for no key update;

  for hold in
    select * from billing.reservations r
    where r.request_id = any (batch) and r.state = 'open' and r.expires_at < clock_timestamp()
    for no key update
  loop
    -- One row that cannot be settled must not keep all others from it. It stays open, and is
    -- tried again; the incident names it.
    begin
      if hold.checkpoint_output_tokens > 0 then
        perform billing.settle(
          hold.request_id, hold.checkpoint_input_tokens, 0, 0, 0, hold.checkpoint_output_tokens,
          'checkpoint', null, 'expired', null, null
        );
        settled := settled + 1;
      else
        perform billing.close_without_charge(hold, 'expired');
        released := released + 1;
      end if;
      perform billing.record_incident(
        'expired_reservation', hold.user_id, hold.request_id,
        jsonb_build_object(
          'amount', billing.usd(hold.amount),
          'checkpoint_output_tokens', hold.checkpoint_output_tokens
        )
      );
    exception when others then
      update billing.reservations
      set expires_at = clock_timestamp() + interval '1 minute'
      where request_id = hold.request_id;
      perform billing.record_incident(
        'expire_failed', hold.user_id, hold.request_id,
        jsonb_build_object('sqlstate', sqlstate, 'error', sqlerrm)
      );
    end;
  end loop;

  perform billing.prune(10000);
  return jsonb_build_object('settled', settled, 'released', released);
end
$$;

-- Forgets what no longer matters: closed reservations and incidents past their retention, idle
-- guests.
create function billing.prune(p_limit integer) returns void
language sql
set search_path = ''
as $$
  delete from billing.reservations
  where request_id in (
    select r.request_id
    from billing.reservations r, billing.settings s
    where r.state <> 'open'
      and r.closed_at < now() - make_interval(hours => s.reservation_retention_hours)
    limit p_limit
  );
  delete from billing.guest_exchanges
  where holder in (
    select g.holder
    from billing.guest_exchanges g, billing.settings s
    where g.pending = 0
      and g.updated_at < now() - make_interval(hours => 2 * s.guest_window_hours)
    limit p_limit
    for no key update of g skip locked
  );
  delete from billing.incidents
  where id in (
    select i.id
    from billing.incidents i, billing.settings s
    where i.created_at < now() - make_interval(days => s.incident_retention_days)
    order by i.id
    limit p_limit
  );
$$;

-- An index for the sweep of idle guests.
create index guest_exchanges_updated_idx on billing.guest_exchanges (updated_at);
