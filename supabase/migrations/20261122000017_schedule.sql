-- Hosted projects have pg_cron: it sweeps expired reservations twice a minute. Elsewhere (the
-- local stack, a plain Postgres) something else must call public.expire.
--
-- pg_cron logs every run and forgets none, 2,880 rows a day of the sweeper alone: a daily job keeps
-- the last week of Farebox's own. Runs are numbered in order; some that fail have no time.

do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron;
    perform cron.schedule('farebox-expire', '30 seconds', 'select billing.expire(500)');
    perform cron.schedule('farebox-forget-runs', '23 3 * * *', $job$
      delete from cron.job_run_details
      where jobid in (select jobid from cron.job where jobname like 'farebox-%')
        and runid <= (
          select max(runid) from cron.job_run_details
          where start_time < now() - interval '7 days'
        )
    $job$);
  else
    raise notice 'pg_cron is not available: call public.expire() from your own scheduler.';
  end if;
end
$$;
