-- The sweeper forgets chat history together with the rest that is past its time.

create or replace function billing.prune(p_limit integer) returns void
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
