-- Evaluating and delivering the alerts every minute, from the database itself: pg_cron calls the
-- function pricing-health through pg_net, with a secret key that it reads from Vault each time, so
-- that the key stands in no job.
--
-- For role postgres, in the dashboard's SQL editor:
--   select vault.create_secret('sb_secret_…', 'farebox_secret_key');
--   select billing.schedule_alerts('https://<ref>.supabase.co');

create function billing.schedule_alerts(
  p_url text,
  p_secret_name text default 'farebox_secret_key'
) returns text
language plpgsql
set search_path = ''
as $$
declare
  extension text;
  has_secret boolean;
begin
  if p_url is null or p_url !~ '^https?://[^\s/''"\\]+/?$' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('%L is not the URL of a project.', p_url),
      'It is like https://<ref>.supabase.co, with no path.'
    );
  end if;
  foreach extension in array array['cron', 'net', 'vault'] loop
    if to_regnamespace(extension) is null then
      perform billing.refuse(
        400, 'INVALID_ARGUMENT', format('Schema %s is not there.', extension),
        'Enable pg_cron, pg_net and Vault in the dashboard, under Integrations. Without them, run '
        || '`farebox alerts --deliver` every minute from any scheduler.'
      );
    end if;
  end loop;
  execute 'select exists (select from vault.decrypted_secrets where name = $1)'
    into has_secret using p_secret_name;
  if not has_secret then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('Vault has no secret named %L.', p_secret_name),
      'Put a secret key of the project there: select vault.create_secret(''sb_secret_…'', '
      || quote_literal(p_secret_name) || ').'
    );
  end if;
  -- Under a name that it has already, a job is replaced.
  execute 'select cron.schedule($1, $2, $3)' using 'farebox-alerts', '* * * * *', format(
    $job$select net.http_post(
  url := %L,
  headers := jsonb_build_object(
    'content-type', 'application/json',
    'apikey', (select decrypted_secret from vault.decrypted_secrets where name = %L)
  ),
  body := '{}'::jsonb,
  timeout_milliseconds := 60000
)$job$,
    rtrim(p_url, '/') || '/functions/v1/pricing-health/alerts', p_secret_name
  );
  return format('The alerts of %s are evaluated every minute.', rtrim(p_url, '/'));
end
$$;

create function billing.unschedule_alerts() returns text
language plpgsql
set search_path = ''
as $$
declare
  jobs integer := 0;
begin
  if to_regclass('cron.job') is not null then
    execute $cron$
      select count(cron.unschedule(j.jobname)) from cron.job j where j.jobname = 'farebox-alerts'
    $cron$ into jobs;
  end if;
  return case jobs
    when 0 then 'The alerts were not scheduled.'
    else 'The alerts are no longer scheduled.'
  end;
end
$$;

-- For the owner of the database alone: no function of the Data API schedules anything.
revoke all on function billing.schedule_alerts(text, text) from public;
revoke all on function billing.unschedule_alerts() from public;
