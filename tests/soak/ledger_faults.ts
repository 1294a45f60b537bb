/** Faults inside Postgres, each real: locks, errors of a trigger, a pool that may not connect. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "../support/connect.ts";
import type { Chance } from "./random.ts";

export type LedgerFault =
  | "lock"
  | "deadlock"
  | "trigger_errors"
  | "connections_refused"
  | "backends_terminated";
export const LEDGER_FAULTS: readonly LedgerFault[] = [
  "lock",
  "deadlock",
  "trigger_errors",
  "connections_refused",
  "backends_terminated",
];

/** Makes what the faults need. The trigger raises only while its table says so. */
export async function prepareLedgerFaults(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema chaos;
    create table chaos.switch (share double precision not null);
    insert into chaos.switch values (0);
    create function chaos.fail_at_random() returns trigger language plpgsql security definer as $$
    begin
      if random() < (select share from chaos.switch) then
        if random() < 0.5 then
          raise exception using errcode = '40001', message = 'could not serialize access';
        end if;
        raise exception using errcode = '40P01', message = 'deadlock detected';
      end if;
      return new;
    end $$;
    create trigger chaos before insert or update on public.user_balances
      for each row execute function chaos.fail_at_random();
  `).simple();
}

/** Runs one fault to its end, a second or two. Healed when it returns, unless Postgres died meanwhile. */
export async function runLedgerFault(sql: Sql, fault: LedgerFault, chance: Chance): Promise<void> {
  switch (fault) {
    case "lock":
      await sql.begin(async (transaction) => {
        await transaction`lock table public.user_balances in exclusive mode`;
        await sleep(chance.int(100, 2_000));
      });
      break;
    case "deadlock":
      await againstLockOrder(sql, chance);
      break;
    case "trigger_errors":
      await sql`update chaos.switch set share = 0.4`;
      await sleep(chance.int(300, 2_000));
      await healLedger(sql);
      break;
    case "connections_refused":
      await sql`alter role postgres connection limit 12`;
      await terminateOthers(sql);
      await sleep(chance.int(300, 2_000));
      await healLedger(sql);
      break;
    case "backends_terminated":
      await terminateOthers(sql);
      break;
  }
}

/** Everything as it should be. Safe to repeat. */
export async function healLedger(sql: Sql): Promise<void> {
  await sql`update chaos.switch set share = 0 where share <> 0`;
  await sql`alter role postgres connection limit -1`;
}

/** Takes reservations before their accounts: who comes the other way is in a real deadlock. */
async function againstLockOrder(sql: Sql, chance: Chance): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select from billing.reservations where state = 'open' for update`;
    await sleep(chance.int(100, 600));
    await transaction`select from public.user_balances for update`;
  });
}

async function terminateOthers(sql: Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()
      and application_name <> 'soak'`;
}
