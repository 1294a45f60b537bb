-- Removes everything that Farebox created in this database, and nothing else: its tables with all
-- balances, charges and prices, its functions, schema billing, its triggers on auth.users, its
-- pg_cron jobs and its rows among the applied migrations. It is one statement, so it happens whole
-- or not at all, in the SQL editor, in psql and through any driver; run twice it finds nothing.
--
-- Before it: make a backup with `farebox backup`, see that `farebox backup check FILE` finds it whole,
-- and delete the functions (chat-proxy, balance, pricing-health, init-balance), which refuse every
-- request without their tables. `farebox remove` does the checks for you. Then change 'no' to 'yes' in
-- the line of export_exists below, and run this file.
--
-- To be there again: apply supabase/migrations, then `farebox restore FILE`.
--
-- What stays: the extension pg_cron, which other jobs may use; deployed functions and their secrets.
-- Something of yours that depends on a table or function of Farebox (a view, a foreign key) is named,
-- and nothing is removed: drop it first. Your own triggers, policies and indexes on Farebox's tables
-- go with the tables.

do $remove_farebox$
declare
  export_exists constant text := 'no';

  -- What Farebox may have made in public, each with columns or arguments by which it is known:
  -- something of yours with the same name is left alone.
  public_relations constant jsonb := '{
    "model_pricing": ["provider_id", "model_id", "price_version"],
    "user_balances": ["user_id", "balance", "reserved", "welcomed_at"],
    "usage_records": ["request_id", "sequence", "collected", "price_version"],
    "balance_transactions": ["user_id", "balance_after", "idempotency_key"],
    "account_statement": ["user_id", "balance_after", "request_id"],
    "chat_exchanges": ["request_id", "user_id", "dialect", "response_type"],
    "balance_notices": ["user_id", "kind", "threshold", "delivered_at"]
  }';
  -- A function of these names is Farebox's when its body is about schema billing.
  public_functions constant text[] := array[
    'account_balance', 'account_peek', 'alerts_delivered', 'alerts_read', 'backfill_usage',
    'chat_cost', 'check_drift', 'claim_alerts', 'claim_notices', 'decide_sign_up', 'doctor_facts',
    'ended_request', 'expire', 'export_facts', 'export_mark', 'export_page', 'extend',
    'function_settings', 'grant_credit', 'guest_status', 'health_check', 'health_details',
    'incidents_list', 'init_users', 'note_prices_checked', 'notices_delivered', 'price_history',
    'price_list', 'pricing_catalogue', 'receipt', 'reconcile', 'record_incident', 'refund',
    'release', 'reprice_page', 'reprice_plan', 'reserve', 'save_exchange', 'set_alert_rule',
    'set_prices', 'settings_read', 'settings_write', 'settle', 'storage_facts', 'transactions_list',
    'usage_list', 'usage_report', 'usage_summary', 'users_count', 'users_to_tell', 'welcome'
  ];
  -- The tables, views and sequences of schema billing. An unknown one may be yours: it stops this, as
  -- does an unknown function of public that uses billing.
  billing_relations constant text[] := array[
    'alert_checks', 'alert_rules', 'alert_states', 'guest_exchanges', 'incidents',
    'incidents_id_seq', 'model_pricing_history', 'price_version_seq', 'reservations', 'settings',
    'sign_up_decisions', 'usage_of_other_models'
  ];
  billing_schema constant oid := to_regnamespace('billing');
  public_schema constant oid := to_regnamespace('public');
  relations oid[];
  functions oid[];
  strangers text;
  job bigint;
  target oid;
  removed text[] := '{}';
  messages_before constant text := current_setting('client_min_messages');
begin
  -- The session may say it too: `set farebox.export_exists = 'yes';`, as `farebox remove` does.
  if 'yes' not in (export_exists, coalesce(current_setting('farebox.export_exists', true), '')) then
    raise exception using
      message = 'Nothing was removed: this deletes every balance, charge and price of Farebox.',
      hint = 'Make a backup with `farebox backup` and check it with `farebox backup check FILE`. '
        || 'Then change export_exists at the top of this file to ''yes'', or run it after: '
        || 'set farebox.export_exists = ''yes'';';
  end if;

  -- ── What is Farebox's ─────────────────────────────────────────────────────────────────────
  select string_agg(unknown.name, ', ' order by unknown.name) into strangers
  from (
    select format('billing.%I', c.relname) as name
    from pg_catalog.pg_class c
    where c.relnamespace = billing_schema
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.relname <> all (billing_relations)
    union all
    -- Left behind, it would fail at its next call.
    select p.oid::regprocedure::text
    from pg_catalog.pg_proc p
    where billing_schema is not null
      and p.pronamespace = public_schema
      and p.proname <> all (public_functions)
      and p.prosrc ~ '\mbilling\.[a-z_]'
  ) unknown;
  if strangers is not null then
    raise exception using
      message = format('Nothing was removed: Farebox does not know %s.', strangers),
      hint = 'If it is yours, drop a function, and move a table: alter table … set schema …. If it is '
        || 'of a newer Farebox, take remove_farebox.sql of that version.';
  end if;

  select coalesce(array_agg(c.oid), '{}') into relations
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    and (
      c.relnamespace = billing_schema
      or c.relnamespace = public_schema
        and public_relations ? c.relname
        and not exists (
          select from jsonb_array_elements_text(public_relations -> c.relname) wanted
          where not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = c.oid and a.attname = wanted and not a.attisdropped
          )
        )
    );

  select coalesce(array_agg(p.oid), '{}') into functions
  from pg_catalog.pg_proc p
  where p.pronamespace = billing_schema
    or p.pronamespace = public_schema
      and p.proname = any (public_functions)
      and p.prosrc ~ '\mbilling\.';

  -- ── What is not, but hangs on it ──────────────────────────────────────────────────────────
  -- A cascade would take these along, and a foreign key of yours would lose its meaning in silence.
  with ours (classid, objid) as (
    select 'pg_catalog.pg_class'::regclass, r from unnest(relations) r
    union all
    select 'pg_catalog.pg_proc'::regclass, f from unnest(functions) f
    union all
    select 'pg_catalog.pg_namespace'::regclass, billing_schema where billing_schema is not null
    union all
    select 'pg_catalog.pg_type'::regclass, t.oid
    from pg_catalog.pg_type t
    where t.typnamespace = billing_schema
      or t.typrelid = any (relations)
      or t.typelem in (select e.oid from pg_catalog.pg_type e where e.typrelid = any (relations))
  ),
  dependants as (
    select
      d.classid,
      d.objid,
      d.objsubid,
      -- The table or view that a part belongs to.
      coalesce(
        (select w.ev_class from pg_catalog.pg_rewrite w
          where d.classid = 'pg_catalog.pg_rewrite'::regclass and w.oid = d.objid),
        (select k.conrelid from pg_catalog.pg_constraint k
          where d.classid = 'pg_catalog.pg_constraint'::regclass and k.oid = d.objid),
        (select t.tgrelid from pg_catalog.pg_trigger t
          where d.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = d.objid
            and t.tgname not like 'farebox\_%'),
        (select p.polrelid from pg_catalog.pg_policy p
          where d.classid = 'pg_catalog.pg_policy'::regclass and p.oid = d.objid),
        (select a.adrelid from pg_catalog.pg_attrdef a
          where d.classid = 'pg_catalog.pg_attrdef'::regclass and a.oid = d.objid),
        (select c.oid from pg_catalog.pg_class c
          where d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid)
      ) as relation
    from pg_catalog.pg_depend d
    join ours o on o.classid = d.refclassid and o.objid = d.refobjid
    where d.deptype in ('n', 'a')
  )
  select string_agg(distinct what.identity, ', ') into strangers
  from dependants d
  cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) what
  where (
      -- An index of a table is one of its relations too; what belongs to nobody's table is a function
      -- or a type.
      d.relation is not null
        and d.relation <> all (relations)
        and not exists (
          select from pg_catalog.pg_index i
          where i.indexrelid = d.relation and i.indrelid = any (relations)
        )
      or d.relation is null
        and d.classid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_type'::regclass)
        and not exists (select from ours o where o.classid = d.classid and o.objid = d.objid)
    );
  if strangers is not null then
    raise exception using
      message = format('Nothing was removed: something of yours depends on Farebox: %s.', strangers),
      hint = 'Drop it, or change it so that it no longer does, and run this again.';
  end if;

  -- ── Removing ──────────────────────────────────────────────────────────────────────────────
  -- What each cascade takes along is Farebox's, as was just made sure: nobody needs the list.
  perform pg_catalog.set_config('client_min_messages', 'warning', true);
  if to_regclass('cron.job') is not null then
    for job in execute 'select jobid from cron.job where jobname like ''farebox-%''' loop
      if to_regclass('cron.job_run_details') is not null then
        execute 'delete from cron.job_run_details where jobid = $1' using job;
      end if;
      execute 'select cron.unschedule($1)' using job;
      removed := removed || format('job %s', job);
    end loop;
  end if;

  -- Dropping a function drops its triggers, also those on auth.users, which belongs to somebody else.
  foreach target in array functions loop
    if exists (select from pg_catalog.pg_proc p where p.oid = target) then
      removed := removed || target::regprocedure::text;
      execute format('drop routine %s cascade', target::regprocedure);
    end if;
  end loop;
  for target in
    select c.oid from pg_catalog.pg_class c
    where c.oid = any (relations) and c.relnamespace = public_schema
    order by c.relkind = 'v' desc
  loop
    if exists (select from pg_catalog.pg_class c where c.oid = target) then
      removed := removed || target::regclass::text;
      execute format(
        'drop %s %s cascade',
        case (select c.relkind from pg_catalog.pg_class c where c.oid = target)
          when 'v' then 'view' when 'S' then 'sequence' else 'table'
        end,
        target::regclass
      );
    end if;
  end loop;
  if billing_schema is not null then
    removed := removed || 'schema billing'::text;
    drop schema billing cascade;
  end if;

  -- So that `supabase db push` applies them again. Farebox's are numbered from midnight, and name what
  -- they make.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    delete from supabase_migrations.schema_migrations m
    where m.version ~ '^(20251018|20261122)0000[0-9]{2}$'
      and coalesce(array_to_string(m.statements, ' '), 'billing') ~ '\m(billing|model_pricing)\M';
  end if;

  perform pg_catalog.set_config('farebox.export_exists', '', false);
  notify pgrst, 'reload schema';
  perform pg_catalog.set_config('client_min_messages', messages_before, true);
  raise notice 'Farebox was removed: % objects.', cardinality(removed);
end
$remove_farebox$;
