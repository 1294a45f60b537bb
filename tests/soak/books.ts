/** What must hold of the whole ledger when all is quiet. */
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";

/** What an operator did, or tried to. */
export interface Operation {
  readonly kind: "top_up" | "refund";
  readonly key: string;
  /** USD; null for all that was collected. */
  readonly amount: string | null;
  /** Of a refund. */
  readonly requestId: string | null;
  /** The ledger said yes. Else it may have happened, or not: the answer may have been lost. */
  readonly isSure: boolean;
}

/**
 * The books add up, and nothing is left over.
 *
 * @param fromMs since when the settings are as they are.
 * @returns violations.
 */
export async function checkBooks(sql: Sql, fromMs: number): Promise<string[]> {
  const violations: string[] = [];
  const [books] = await sql`select billing.reconcile() as found`;
  const found = books?.["found"].violations ?? [];
  if (found.length > 0) violations.push(`reconcile: ${JSON.stringify(found)}`);
  const [left] = await sql`
    select
      (select count(*)::int from billing.reservations where state = 'open') as open,
      (select count(*)::int from public.user_balances where reserved <> 0) as reserved,
      (select count(*)::int from public.user_balances where balance < 0) as negative,
      (select count(*)::int from billing.guest_exchanges where pending <> 0) as pending,
      (select count(*)::int from public.balance_transactions
        where kind = 'grant' and amount <> (select welcome_credit from billing.settings)
          and created_at >= ${new Date(fromMs)})
        as welcomed_otherwise,
      (select count(*)::int from public.user_balances where welcomed_at is not null)
        - (select count(*)::int from public.balance_transactions where kind = 'grant')
        as welcomed_not_once`;
  for (const [name, count] of Object.entries(left ?? {})) {
    if (count !== 0) violations.push(`${count} ${name}`);
  }
  return violations;
}

/** Each top-up and refund of a round happened as it was asked for, once, and no other did. */
export async function checkOperations(
  sql: Sql,
  operations: readonly Operation[],
  fromMs: number,
): Promise<string[]> {
  const violations: string[] = [];
  const byKey = new Map(operations.map((operation) => [operation.key, operation]));
  const rows = await sql<{ key: string; kind: string; amount: string; collected: string | null }[]>`
    select t.idempotency_key as key, t.kind, t.amount::text,
      (select sum(u.collected)::text from public.usage_records u
        where u.request_id = t.request_id and u.created_at <= t.created_at) as collected
    from public.balance_transactions t
    where t.kind in ('top_up', 'refund')
      and (t.created_at >= ${new Date(fromMs)}
        or t.idempotency_key = any (${[...byKey.keys()]}::text[]))`;
  const happened = new Map(rows.map((row) => [row.key, row]));
  for (const row of rows) {
    const asked = byKey.get(row.key);
    const amount = asked?.amount ?? row.collected ?? "0";
    if (asked === undefined) violations.push(`nobody asked for ${JSON.stringify(row)}`);
    else if (asked.kind !== row.kind || exact(row.amount) !== exact(amount)) {
      violations.push(`asked ${JSON.stringify(asked)}, and got ${JSON.stringify(row)}`);
    }
  }
  for (const operation of operations) {
    if (operation.isSure && !happened.has(operation.key)) {
      violations.push(`granted and gone: ${JSON.stringify(operation)}`);
    }
  }
  return violations;
}

/**
 * No charge is of a request that nobody sent, and none has changed since it was checked.
 *
 * @param former what requests of the round before were charged for good.
 * @param known requests of this round and the one before.
 */
export async function checkFormer(
  sql: Sql,
  fromMs: number,
  former: ReadonlyMap<string, bigint>,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const violations: string[] = [];
  const rows = await sql<{ request_id: string }[]>`
    select distinct request_id from public.usage_records
    where created_at >= ${new Date(fromMs)}`;
  for (const { request_id: id } of rows) {
    if (!known.has(id)) violations.push(`${id}: charged, and nobody sent it`);
  }
  const sums = new Map((await sql`
      select request_id, sum(cost)::text as cost from public.usage_records
      where request_id = any (${[...former.keys()]}::uuid[]) group by 1`).map((row) => [
    row["request_id"] as string,
    exact(row["cost"]),
  ]));
  for (const [id, total] of former) {
    const now = sums.get(id) ?? 0n;
    if (now !== total) violations.push(`${id}: was charged ${total}, and a round later ${now}`);
  }
  return violations;
}
