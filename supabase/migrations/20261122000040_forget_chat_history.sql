-- The sweeper forgets chat history together with the rest that is past its time.

-- A failure here, a timeout of the statement among them, must not take back what the sweeper has
-- settled: it is noted, once an hour, and the next sweep tries again.
create or replace function billing.prune(p_limit integer) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform billing.prune_all(p_limit);
-- "Others" leaves out what was cancelled.
exception when query_canceled or others then
  if not exists (
    select from billing.incidents i
    where i.kind = 'prune_failed' and i.created_at > now() - interval '1 hour'
  ) then
    perform billing.record_incident(
      'prune_failed', null, null, jsonb_build_object('sqlstate', sqlstate, 'error', sqlerrm)
    );
  end if;
end
$$;

create function billing.prune_all(p_limit integer) returns void
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
  select billing.prune_exchanges(p_limit);
$$;
revoke all on function billing.prune_all(integer) from public;
