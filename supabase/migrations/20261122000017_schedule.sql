-- Hosted projects have pg_cron: it sweeps expired reservations twice a minute. Elsewhere (the
-- local stack, a plain Postgres) something else must call public.expire.

do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron;
    perform cron.schedule('farebox-expire', '30 seconds', 'select billing.expire(500)');
  else
    raise notice 'pg_cron is not available: call public.expire() from your own scheduler.';
  end if;
end
$$;
