-- All that `farebox doctor` asks of the database itself, in one call.

-- The migrations that are recorded as applied, where something records them; null elsewhere. The
-- fingerprint is of a file's text without comments, space and semicolons, which each tool keeps in
-- its own way.
create function billing.migration_facts() returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  history jsonb;
begin
  if to_regclass('supabase_migrations.schema_migrations') is null then
    return null;
  end if;
  execute $history$
    select coalesce(jsonb_agg(jsonb_build_object(
      'version', m.version,
      'md5', md5(regexp_replace(
        array_to_string(m.statements, e'\n'), '--[^\n]*|[ \t\r\n;]', '', 'g'
      ))
    ) order by m.version), '[]')
    from supabase_migrations.schema_migrations m
  $history$ into history;
  return history;
exception
  -- Another tool's table of the same name, or one that we may not read.
  when undefined_column or insufficient_privilege then return null;
end
$$;

-- Farebox's jobs of pg_cron, with how each ended the last time; null without pg_cron.
create function billing.schedule_facts() returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  jobs jsonb;
begin
  if to_regclass('cron.job') is null then
    return null;
  end if;
  execute $jobs$
    select coalesce(jsonb_object_agg(j.jobname, jsonb_build_object(
      'schedule', j.schedule,
      'active', j.active,
      'last_failure', (
        select left(last.return_message, 300) from (
          select d.status, d.return_message from cron.job_run_details d
          where d.jobid = j.jobid and d.status in ('succeeded', 'failed')
          order by d.runid desc limit 1
        ) last
        where last.status = 'failed'
      )
    )), '{}')
    from cron.job j
    where j.jobname like 'farebox-%'
  $jobs$ into jobs;
  return jobs;
end
$$;

-- p_public_names: of which relations and functions of schema public to tell; an app has its own there.
create function billing.doctor_facts(p_public_names text[]) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select billing.definition_facts(p_public_names) || jsonb_build_object(
    'relations', billing.relation_facts(p_public_names),
    'functions', billing.function_facts(p_public_names),
    'migrations', billing.migration_facts(),
    'jobs', billing.schedule_facts(),
    'extensions', (select jsonb_agg(e.extname order by e.extname) from pg_catalog.pg_extension e),
    'models', (
      select coalesce(jsonb_agg(p.provider_id || ':' || p.model_id order by p.provider_id, p.model_id), '[]')
      from public.model_pricing p
    ),
    -- When a price last changed, or they were compared with a catalogue.
    'prices_checked_at', greatest(
      (select max(p.updated_at) from public.model_pricing p),
      (select c.checked_at from billing.alert_checks c where c.name = 'prices')
    ),
    -- As text each: an amount must not become a float on its way.
    'settings', (
      select jsonb_object_agg(v.key, v.value)
      from billing.settings s, jsonb_each_text(to_jsonb(s)) v
    ),
    -- A sweeper comes twice a minute.
    'reservations_overdue', (
      select count(*) from billing.reservations r
      where r.state = 'open' and r.expires_at < now() - interval '2 minutes'
    )
  );
$$;

create function public.doctor_facts(p_public_names text[]) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.doctor_facts(p_public_names);
$$;

-- Forgets what a user of the doctor's own left behind, so that an examination uses up no address's
-- welcome credits and tells nobody of an empty balance. The domain is one that no person has.
create function billing.forget_doctor_user(p_user_id uuid) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (
    select from auth.users u
    where u.id = p_user_id and u.email ~ '^doctor-[0-9a-f-]{36}@example\.com$'
  ) then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('User %s is none of the doctor''s.', p_user_id),
      'Only users named doctor-<uuid>@example.com are forgotten.'
    );
  end if;
  delete from billing.sign_up_decisions d where d.user_id = p_user_id;
  delete from public.balance_notices n where n.user_id = p_user_id;
  return true;
end
$$;

create function public.forget_doctor_user(p_user_id uuid) returns boolean
language sql
volatile
set search_path = ''
as $$
  select billing.forget_doctor_user(p_user_id);
$$;

revoke all on function billing.migration_facts() from public;
revoke all on function billing.schedule_facts() from public;
select billing.only_for_service_role(array['doctor_facts', 'forget_doctor_user']);
