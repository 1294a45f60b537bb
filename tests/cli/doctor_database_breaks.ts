/** The lines of the doctor that SQL can break. */
import type { Break } from "./doctor_harness.ts";

/** pg_cron's tables as far as the doctor looks, with these jobs. */
function cronWith(...jobs: string[]): string {
  return `
    create schema cron;
    create table cron.job (jobid bigint, jobname text, schedule text, active boolean);
    create table cron.job_run_details (
      jobid bigint, runid bigint, status text, return_message text
    );
    ${jobs.map((job) => `insert into cron.job values ${job};`).join("\n")}`;
}

/** `billing.usd` with this body. */
function usdWith(body: string): string {
  return `
    create or replace function billing.usd(p_amount numeric) returns text
    language plpgsql immutable set search_path = '' as $$${body}$$;`;
}

export const DATABASE_BREAKS: readonly Break[] = [
  {
    line: "migrations",
    what: "a migration that writes only rows is not recorded as applied, though later ones are",
    sql: `update supabase_migrations.schema_migrations set version = '1' || version
      where version = '20261122000028'`,
    undo: `update supabase_migrations.schema_migrations set version = substr(version, 2)
      where version = '120261122000028'`,
  },
  {
    line: "tables",
    what: "a table has another name",
    sql: "alter table billing.usage_of_other_models rename to elsewhere",
    undo: "alter table billing.elsewhere rename to usage_of_other_models",
  },
  {
    line: "models",
    what: "a seeded model was deleted",
    sql: `create table extensions.kept as select * from public.model_pricing
        where model_id = 'grok-4';
      delete from public.model_pricing where model_id = 'grok-4'`,
    undo: `insert into public.model_pricing select * from extensions.kept;
      drop table extensions.kept`,
  },
  {
    line: "row_security",
    what: "row security is off on one table",
    sql: "alter table billing.incidents disable row level security",
    undo: "alter table billing.incidents enable row level security",
  },
  {
    line: "policies",
    what: "a policy lets everybody see every balance",
    sql: `alter policy "users read their own balance" on public.user_balances using (true)`,
    undo: `alter policy "users read their own balance" on public.user_balances
      using ((select auth.uid()) = user_id)`,
  },
  {
    line: "policies",
    what: "there is one policy more",
    sql: `create policy "rogue" on public.usage_records for select to authenticated using (true)`,
    undo: `drop policy "rogue" on public.usage_records`,
  },
  {
    line: "indexes",
    what: "an index was dropped",
    sql: "drop index public.usage_records_chat_hash_idx",
    undo: `create index usage_records_chat_hash_idx
      on public.usage_records (user_id, hashtext(chat_id)) where chat_id is not null`,
  },
  {
    line: "constraints",
    what: "a constraint was dropped",
    sql: "alter table public.user_balances drop constraint reserved_is_within_balance",
    undo: `alter table public.user_balances add constraint reserved_is_within_balance
      check (reserved <= balance)`,
  },
  {
    line: "ledger_functions",
    what: "a function was edited by hand",
    sql: usdWith("\nbegin\n  return trim_scale(p_amount)::text; -- edited\nend\n"),
    undo: usdWith("\nbegin\n  return trim_scale(p_amount)::text;\nend\n"),
  },
  {
    line: "ledger_triggers",
    what: "the ledger's immutability is switched off",
    sql: "alter table public.usage_records disable trigger usage_records_are_immutable",
    undo: "alter table public.usage_records enable trigger usage_records_are_immutable",
  },
  {
    line: "sign_up_triggers",
    what: "the trigger on auth.users was switched off",
    authSql: "alter table auth.users disable trigger farebox_welcome_new_user",
    authUndo: "alter table auth.users enable trigger farebox_welcome_new_user",
  },
  {
    line: "price_of_gpt_4o",
    what: "gpt-4o is sold for nothing",
    sql: "update public.model_pricing set input_per_1k = 0 where model_id = 'gpt-4o'",
    undo: "update public.model_pricing set input_per_1k = 0.0025 where model_id = 'gpt-4o'",
  },
  {
    line: "roles",
    what: "signed-in users may execute a money function",
    sql: "grant execute on function public.expire(integer) to authenticated",
    undo: "revoke execute on function public.expire(integer) from authenticated",
  },
  {
    line: "roles",
    what: "anon may write one column of a table",
    sql: "grant update (balance) on public.user_balances to anon",
    undo: "revoke update (balance) on public.user_balances from anon",
  },
  {
    line: "service_role",
    what: "the functions may not execute one of the ledger's",
    sql: `revoke execute on function public.transactions_list(uuid, integer, text)
      from service_role`,
    undo: `grant execute on function public.transactions_list(uuid, integer, text)
      to service_role`,
  },
  {
    line: "settings",
    what: "reservations expire between two heartbeats",
    sql: "update billing.settings set reservation_ttl_seconds = 10",
    undo: "update billing.settings set reservation_ttl_seconds = 90",
  },
  {
    line: "sweeper",
    what: "pg_cron is there without the sweeper's job",
    sql: cronWith(),
    undo: "drop schema cron cascade",
  },
  {
    line: "alerts",
    what: "the alerts' job is switched off",
    sql: cronWith(
      "(1, 'farebox-expire', '30 seconds', true)",
      "(2, 'farebox-alerts', '* * * * *', false)",
    ),
    undo: "drop schema cron cascade",
  },
  {
    line: "reconcile",
    what: "a balance was tampered with",
    sql: `update public.user_balances set balance = balance + 1
      where user_id = (select min(user_id::text)::uuid from public.user_balances)`,
    undo: `update public.user_balances set balance = balance - 1
      where user_id = (select min(user_id::text)::uuid from public.user_balances)`,
  },
];
