-- expire, where several models may have answered: nobody lives who could say which. The dearest is
-- charged, as it is what was held; a worker that comes back after all corrects it.

create function billing.settle_at_checkpoint(p_hold billing.reservations) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  charge public.usage_records;
  dearest text;
begin
  charge.request_id := p_hold.request_id;
  charge.input_tokens := p_hold.checkpoint_input_tokens;
  charge.cache_read_tokens := 0;
  charge.cache_write_5m_tokens := 0;
  charge.cache_write_1h_tokens := 0;
  charge.output_tokens := p_hold.checkpoint_output_tokens;
  charge.basis := 'checkpoint';
  charge.finish := 'expired';
  select h.provider_id || ':' || h.model_id into dearest
  from billing.candidates_of(p_hold) c
  join billing.model_pricing_history h on h.price_version = c.price_version
  order by
    billing.cost_of_charge(
      jsonb_populate_record(charge, jsonb_build_object('price_version', h.price_version))
    ) desc,
    h.price_version = p_hold.price_version desc
  limit 1;
  return billing.settle(charge, dearest, null, null);
end
$$;

-- The sweeper. A reservation past its expiry has lost its worker: what it delivered by its last
-- checkpoint is charged, what delivered nothing is free.
create or replace function billing.expire(p_limit integer) returns jsonb
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
        perform billing.settle_at_checkpoint(hold);
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
