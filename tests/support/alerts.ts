/** What tests of alerts do to a database: incidents that happen, and time that passes. */
import type { Query } from "./connect.ts";
import { call } from "./ledger_calls.ts";

/** A rule as `alerts_read` and `claim_alerts` tell it. */
export interface AlertRow {
  rule: string;
  state: string;
  value: number | null;
  threshold: number;
  message_id: string;
  evidence: Record<string, unknown>;
}

/** What is told when `claim_alerts` is asked now: the names of the rules. */
export async function claimedRules(sql: Query): Promise<string[]> {
  const alerts = await call<AlertRow[]>(sql, "claim_alerts");
  return alerts.filter(({ state }) => state === "due").map(({ rule }) => rule);
}

/** How one rule stands. */
export async function alertOf(sql: Query, rule: string): Promise<AlertRow> {
  const found = (await call<AlertRow[]>(sql, "alerts_read")).find((alert) => alert.rule === rule);
  if (!found) throw new Error(`There is no rule ${rule}`);
  return found;
}

/** Lets incidents of a kind happen. */
export async function happen(
  sql: Query,
  kind: string,
  times: number,
  details: Record<string, string | number> = {},
): Promise<void> {
  await sql`insert into billing.incidents (kind, details)
    select ${kind}, ${sql.json(details)}::jsonb from generate_series(1, ${times})`;
}

/** Minutes pass: everything that alerts look at is that much older. */
export async function passMinutes(sql: Query, minutes: number): Promise<void> {
  await sql.unsafe(`
    update billing.incidents set created_at = created_at - interval '${minutes} minutes';
    update billing.alert_checks set checked_at = checked_at - interval '${minutes} minutes';
    update billing.alert_states set
      delivered_at = delivered_at - interval '${minutes} minutes',
      claimed_until = claimed_until - interval '${minutes} minutes';
    update public.balance_notices set
      created_at = created_at - interval '${minutes} minutes',
      claimed_until = claimed_until - interval '${minutes} minutes';
  `);
}

/** What pg_cron, pg_net and Vault have that is used here, with nothing behind it. */
export const SCHEDULER_STUBS = `
  create schema cron;
  create table cron.job (
    jobid bigint generated always as identity primary key,
    jobname text unique, schedule text, command text
  );
  create function cron.schedule(name text, schedule text, command text) returns bigint
  language sql as $$
    insert into cron.job (jobname, schedule, command) values (name, schedule, command)
    on conflict (jobname) do update
    set schedule = excluded.schedule, command = excluded.command
    returning jobid;
  $$;
  create function cron.unschedule(name text) returns boolean language sql as $$
    delete from cron.job where jobname = name returning true;
  $$;
  create schema net;
  create table net.sent (url text, headers jsonb, body jsonb, timeout_milliseconds integer);
  create function net.http_post(
    url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
    timeout_milliseconds integer default 5000
  ) returns bigint language sql as $$
    insert into net.sent values (url, headers, body, timeout_milliseconds);
    select 1::bigint;
  $$;
  create schema vault;
  create table vault.decrypted_secrets (name text, decrypted_secret text);
`;
