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
  -- These four lists are written by scripts/rollback_names.ts, from the migrations. A function has the
  -- types of its arguments in its name: one of yours with the same name has others, or is not about
  -- schema billing.
  public_functions constant text[] := array[
    'account_balance(uuid)', 'account_peek(uuid, text)', 'alerts_delivered(text[])',
    'alerts_read()',
    'backfill_usage(uuid, uuid, text, timestamp with time zone, text, integer, integer, integer, integer, integer, text, text, text, integer, integer, integer, integer, integer, integer, integer, integer, jsonb, text, text, text[], boolean, text)',
    'chat_cost(uuid, text)', 'check_drift()', 'claim_alerts()', 'claim_notices(integer)',
    'decide_sign_up(uuid, text, text, boolean)', 'doctor_facts(text[])',
    'ended_request(uuid, uuid)', 'expire(integer)', 'export_facts()', 'export_mark(text)',
    'export_page(text, json, integer)', 'extend(uuid, integer, integer, integer)',
    'foreign_stored_items(uuid, text[])', 'forget_doctor_user(uuid)', 'function_settings()',
    'grant_credit(uuid, text, text, text, text)', 'guest_status(text, text, integer)',
    'health_check()', 'health_details()', 'incidents_list(text, timestamp with time zone, integer)',
    'init_users(text, uuid, integer)', 'note_prices_checked()', 'notices_delivered(bigint[])',
    'price_history(text, text)', 'price_list()', 'pricing_catalogue()', 'receipt(uuid, uuid)',
    'reconcile()', 'record_incident(text, uuid, uuid, jsonb)', 'refund(uuid, text, text, text)',
    'release(uuid, text)', 'remember_stored_items(uuid, text[])',
    'reprice_page(text, text, timestamp with time zone, timestamp with time zone, bigint, uuid, integer)',
    'reprice_plan(text, text, timestamp with time zone, timestamp with time zone, bigint, uuid, integer)',
    'reserve(uuid, uuid, text, text, integer, text, text, integer, integer, text, text, text, text, boolean)',
    'reserve(uuid, uuid, text, text, integer, text, text, integer, integer, text, text, text, text, boolean, text[], boolean, integer)',
    'save_exchange(uuid, uuid, text, text, text, jsonb, text, text, text)',
    'set_alert_rule(text, integer, integer, integer, boolean)', 'set_prices(jsonb)',
    'settings_read()', 'settings_write(jsonb)',
    'settle(uuid, integer, integer, integer, integer, integer, text, text, text, integer, integer)',
    'settle(uuid, integer, integer, integer, integer, integer, text, text, text, integer, integer, text, integer, integer, integer, integer, integer, integer, jsonb, text, text, text[])',
    'storage_facts()', 'transactions_list(uuid, integer, text)',
    'usage_list(uuid, timestamp with time zone, timestamp with time zone, text, text, integer, text)',
    'usage_report(text, timestamp with time zone, timestamp with time zone)',
    'usage_summary(uuid, text, timestamp with time zone, timestamp with time zone)',
    'users_count()', 'users_to_tell(text, uuid, integer)', 'welcome(uuid)'
  ];
  -- All that is in schema billing. Something unknown may be yours: it stops this, as does an unknown
  -- function of public that uses something of billing.
  billing_functions constant text[] := array[
    'account_balance(uuid)', 'account_peek(uuid, text)',
    'add_usage(public.usage_records, public.usage_records, integer)',
    'affordable_output_tokens(bigint, integer, integer, numeric)',
    'affordable_output_tokens(billing.candidate[], integer, integer, numeric)',
    'affordable_output_tokens(billing.reservations, numeric)', 'alert_values()',
    'alerts_delivered(text[])', 'alerts_evaluated()', 'alerts_read()',
    'as_estimate(public.usage_records, billing.reservations)',
    'as_one(public.usage_records, public.usage_records)', 'as_usage(billing.usage_of_other_models)',
    'backfill_usage(public.usage_records, text, jsonb, text, text)',
    'candidates_as_array(billing.reservations)', 'candidates_of(billing.reservations)',
    'ceiling_of(bigint, integer, integer, integer)',
    'ceiling_of(billing.candidate[], integer, integer, integer)',
    'ceiling_of(billing.reservations, integer)', 'charge_as_json(text, public.usage_records)',
    'charged_before(public.usage_records, text)',
    'charges_to_reprice(text, text, timestamp with time zone, timestamp with time zone, bigint, uuid, integer)',
    'chat_cost(uuid, text)', 'check_drift()', 'check_price(jsonb)', 'claim_alerts()',
    'claim_notices(integer)', 'close_guest_place(text, text, boolean, boolean)',
    'close_without_charge(billing.reservations, text)',
    'cost_in_day(public.usage_records, timestamp with time zone)',
    'cost_of(bigint, integer, integer, integer, integer, integer)',
    'cost_of_charge(public.usage_records)',
    'cost_of_charge(public.usage_records, billing.model_pricing_history)',
    'count_request(public.user_balances, billing.settings)', 'current_price(text, text)',
    'cursor_of(timestamp with time zone, text)', 'dearest_prices(bigint, integer)',
    'decide_sign_up(uuid, text, text, boolean)', 'definition_facts(text[])', 'doctor_facts(text[])',
    'early_starts(billing.settings)', 'email_hash(text)', 'ended_request(uuid, uuid)',
    'expire(integer)', 'export_facts()', 'export_mark(text)', 'export_page(text, json, integer)',
    'export_query(regclass, text)', 'export_table(text)', 'export_tables()',
    'extend(uuid, integer, integer, integer)',
    'extended_output_of(billing.reservations, integer, numeric, billing.settings)',
    'fallbacks_of(billing.reservations)',
    'flags_of(public.usage_records, billing.model_pricing_history)',
    'foreign_stored_items(uuid, text[])', 'forget_doctor_user(uuid)', 'function_facts(text[])',
    'function_settings()', 'grant_credit(uuid, text, text, text, text)',
    'grant_welcome_credit(uuid)', 'guest_holders(text, text)', 'guest_status(text, text, integer)',
    'health_check()', 'health_details()', 'incidents_list(text, timestamp with time zone, integer)',
    'init_users(text, uuid, integer)', 'is_list_for(text, jsonb)', 'is_listed(text[], text)',
    'keep_price_history()', 'left_today(uuid, billing.settings)',
    'limit_by_day(billing.reservations, public.user_balances, numeric, billing.settings)',
    'lines_of(public.usage_records)',
    'lines_of(public.usage_records, billing.model_pricing_history)', 'lock_account(uuid)',
    'lock_balance(uuid)', 'lock_caller_of(uuid)', 'lock_guest(text[])',
    'make_hold(public.usage_records, text, jsonb, timestamp with time zone)',
    'mark_of_item(uuid, text)', 'marked_up(numeric, integer)', 'migration_facts()',
    'newest_migration()', 'note_low_balance()', 'note_prices_checked()',
    'note_would_refuse(billing.reservations, public.user_balances, text, billing.settings)',
    'notices_delivered(bigint[])', 'one_hides_reasoning(billing.candidate[])',
    'only_for_service_role(text[])',
    'other_models_of(public.usage_records, jsonb, timestamp with time zone)',
    'parse_provider_cost(text)', 'parse_usd(text)', 'position_of(text)', 'price_as_json(bigint)',
    'price_history(text, text)', 'price_hold(billing.reservations, integer, text[])',
    'price_list()', 'price_of_answer(billing.reservations, text)',
    'price_of_then(text, timestamp with time zone)',
    'priced_since(text, jsonb, timestamp with time zone)', 'pricing_catalogue()', 'prune(integer)',
    'prune_all(integer)', 'prune_exchanges(integer)', 'prune_stored_items(integer)',
    'receipt(uuid, uuid)', 'receipt_lines(public.usage_records)', 'reconcile()',
    'record_incident(text, uuid, uuid, jsonb)', 'refund(uuid, text, text, text)', 'refunded(uuid)',
    'refuse(integer, text, text, text, jsonb)',
    'refuse_bad_range(timestamp with time zone, timestamp with time zone, integer)',
    'refuse_bad_reserve(billing.reservations, integer, integer, text, boolean, text[])',
    'refuse_bad_setting(text, regtype, boolean, jsonb)', 'refuse_bad_usage(public.usage_records)',
    'refuse_change()', 'refuse_concurrent_request(public.user_balances, billing.settings)',
    'refuse_for_balance(public.user_balances, billing.reservations, billing.settings)',
    'refuse_for_spend_limit(billing.reservations, public.user_balances, numeric, billing.settings)',
    'refuse_history_change()',
    'refuse_long_prompt_of_guest(billing.reservations, billing.settings)',
    'refuse_other_usage(uuid, text)', 'refuse_repeated_key(text, text, text)',
    'refuse_unlisted_models(billing.reservations, text[], billing.settings)',
    'relation_facts(text[])', 'relations_of_ours(text[])', 'release(uuid, text)',
    'remember_stored_items(uuid, text[])',
    'repeat_reserve(billing.reservations, public.user_balances, billing.reservations, text[])',
    'repeat_reserve(billing.reservations, public.user_balances, uuid, text, text, text, integer, text)',
    'repeat_settle(billing.reservations, public.user_balances, public.usage_records, billing.usage_of_other_models[], public.usage_records)',
    'repeat_settle(billing.reservations, public.user_balances, public.usage_records, public.usage_records)',
    'report_charge(billing.reservations, public.usage_records, billing.usage_of_other_models[], numeric)',
    'reprice(public.usage_records, public.usage_records, bigint)',
    'reprice_page(text, text, timestamp with time zone, timestamp with time zone, bigint, uuid, integer)',
    'reprice_plan(text, text, timestamp with time zone, timestamp with time zone, bigint, uuid, integer)',
    'repriced_as_json(billing.repriced[], bigint, integer)',
    'requests_limit_of(public.user_balances, billing.settings)',
    'reservation_as_json(billing.reservations, public.user_balances, text, text, integer)',
    'reserve(billing.reservations, integer, integer, text, boolean, text[])',
    'reserve(uuid, uuid, text, text, integer, text, text, integer, integer, text, text, text, text, boolean)',
    'right_version(text, text, bigint)',
    'save_exchange(uuid, uuid, text, text, text, jsonb, text, text, text)',
    'schedule_alerts(text, text)', 'schedule_facts()',
    'set_alert_rule(text, integer, integer, integer, boolean)', 'set_price(jsonb)',
    'set_prices(jsonb)', 'setting_columns()', 'settings_as_json(billing.settings)',
    'settings_read()', 'settings_write(jsonb)', 'settle(public.usage_records, text, jsonb, text)',
    'settle(uuid, integer, integer, integer, integer, integer, text, text, text, integer, integer)',
    'settle_at_checkpoint(billing.reservations)', 'settled_usage(public.usage_records)',
    'spend_limit_as_json(uuid, numeric, billing.settings)', 'spent_today(uuid)', 'storage_facts()',
    'take_guest_place(text, text, integer)', 'take_price_version()',
    'tokens_as_json(bigint, bigint, bigint, bigint, bigint)',
    'transactions_list(uuid, integer, text)', 'undated(text)',
    'unit_prices(billing.model_pricing_history, bigint)', 'unschedule_alerts()',
    'usage_list(uuid, timestamp with time zone, timestamp with time zone, text, text, integer, text)',
    'usage_report(text, timestamp with time zone, timestamp with time zone)',
    'usage_summary(uuid, text, timestamp with time zone, timestamp with time zone)', 'usd(numeric)',
    'used_tokens(public.usage_records)', 'users_count()', 'users_to_tell(text, uuid, integer)',
    'version_at(text, text, timestamp with time zone)', 'weaker_enforcement(text, text)',
    'welcome(uuid)', 'welcome_new_user()',
    'write_charge(billing.reservations, public.user_balances, public.usage_records)',
    'write_charge(billing.reservations, public.user_balances, public.usage_records, billing.usage_of_other_models[])',
    'write_transaction(uuid, text, numeric, text, uuid, text)'
  ];
  billing_types constant text[] := array[
    'candidate', 'repriced'
  ];
  billing_relations constant text[] := array[
    'alert_checks', 'alert_rules', 'alert_states', 'guest_exchanges', 'incidents',
    'incidents_id_seq', 'model_pricing_history', 'price_version_seq', 'reservations', 'settings',
    'sign_up_decisions', 'stored_items', 'usage_of_other_models'
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
  path_before constant text := current_setting('search_path');
begin
  -- The session may say it too: `set farebox.export_exists = 'yes';`, as `farebox remove` does.
  if 'yes' not in (export_exists, coalesce(current_setting('farebox.export_exists', true), '')) then
    raise exception using
      message = 'Nothing was removed: this deletes every balance, charge and price of Farebox.',
      hint = 'Make a backup with `farebox backup` and check it with `farebox backup check FILE`. '
        || 'Then change export_exists at the top of this file to ''yes'', or run it after: '
        || 'set farebox.export_exists = ''yes'';';
  end if;

  -- Names of types and tables come with their schema.
  perform pg_catalog.set_config('search_path', '', true);

  -- ── What is Farebox's ─────────────────────────────────────────────────────────────────────
  select string_agg(unknown.name, ', ' order by unknown.name) into strangers
  from (
    select format('billing.%I', c.relname) as name
    from pg_catalog.pg_class c
    where c.relnamespace = billing_schema
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.relname <> all (billing_relations)
    union all
    select p.oid::regprocedure::text
    from pg_catalog.pg_proc p
    where p.pronamespace = billing_schema
      and p.proname || '(' || oidvectortypes(p.proargtypes) || ')' <> all (billing_functions)
    union all
    select format('type billing.%I', t.typname)
    from pg_catalog.pg_type t
    left join pg_catalog.pg_class c on c.oid = t.typrelid
    where t.typnamespace = billing_schema
      and t.typtype <> 'p' and t.typcategory <> 'A' and (t.typrelid = 0 or c.relkind = 'c')
      and t.typname <> all (billing_types)
    union all
    -- Left behind, it would fail at its next call. What is only called billing in it is another matter.
    select p.oid::regprocedure::text
    from pg_catalog.pg_proc p
    where p.pronamespace = public_schema
      and p.proname || '(' || oidvectortypes(p.proargtypes) || ')' <> all (public_functions)
      and exists (
        select from regexp_matches(p.prosrc, '\mbilling\.([a-z_][a-z0-9_]*)', 'g') used (names)
        where used.names[1] in (
          select c.relname from pg_catalog.pg_class c where c.relnamespace = billing_schema
          union all
          select f.proname from pg_catalog.pg_proc f where f.pronamespace = billing_schema
          union all
          select t.typname from pg_catalog.pg_type t where t.typnamespace = billing_schema
        )
      )
  ) unknown;
  if strangers is not null then
    raise exception using
      message = format('Nothing was removed: Farebox does not know %s.', strangers),
      hint = 'If it is yours, drop a function or type, and move a table: alter table … set schema …. If it is '
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
      and p.proname || '(' || oidvectortypes(p.proargtypes) || ')' = any (public_functions)
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
  perform pg_catalog.set_config('search_path', path_before, true);
  perform pg_catalog.set_config('client_min_messages', messages_before, true);
  raise notice 'Farebox was removed: % objects.', cardinality(removed);
end
$remove_farebox$;
