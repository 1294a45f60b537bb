/** What a restore works out anew: accounts that do not fit the entries that were loaded. */
import type { Transaction } from "./database.ts";
import { BackupProblem } from "./format.ts";

/** How many accounts were put right, and how many held reservations that their balance cannot hold. */
export type Recomputed = { accounts: number; released: number };

const LEDGER = `
  ledger as (
    select e.user_id, sum(e.amount) as balance
    from (
      select t.user_id, t.amount from public.balance_transactions t
      union all
      select u.user_id, -u.collected from public.usage_records u where u.user_id is not null
    ) e
    group by e.user_id
  ),
  holds as (
    select r.user_id, sum(r.amount) as reserved
    from billing.reservations r
    where r.state = 'open' and r.user_id is not null
    group by r.user_id
  )`;

/**
 * Makes every account say what its entries and its open reservations say. Of a backup of one moment
 * that changes nothing; of one that was read while the ledger moved it may.
 * @throws BackupProblem when entries are missing, so that an account would be below zero.
 */
export async function recomputeAccounts(transaction: Transaction): Promise<Recomputed> {
  const [negative] = await transaction.unsafe<{ count: number }[]>(
    `with ${LEDGER} select count(*)::int as count from ledger where balance < 0`,
  );
  if (negative !== undefined && negative.count > 0) {
    throw new BackupProblem(
      `The entries of ${negative.count} accounts sum up to less than nothing: the ledger moved while ` +
        "this backup was read. Take another backup: nothing was done.",
    );
  }
  // Their workers are gone; what they delivered was charged after the backup or never.
  const released = await transaction.unsafe(`
    with ${LEDGER}
    update billing.reservations r
    set state = 'released', amount = 0, ceiling = 0, closed_at = clock_timestamp(),
      idempotency_key = null
    from holds h left join ledger l on l.user_id = h.user_id
    where r.user_id = h.user_id and r.state = 'open' and h.reserved > coalesce(l.balance, 0)`);
  const accounts = await transaction.unsafe(`
    with ${LEDGER},
    expected as (
      select user_id, coalesce(l.balance, 0) as balance, coalesce(h.reserved, 0) as reserved
      from ledger l
      full join holds h using (user_id)
      full join public.user_balances b using (user_id)
    )
    insert into public.user_balances as b (user_id, balance, reserved)
    select user_id, balance, reserved from expected
    on conflict (user_id) do update
    set balance = excluded.balance, reserved = excluded.reserved, updated_at = now()
    where (b.balance, b.reserved) is distinct from (excluded.balance, excluded.reserved)`);
  return { accounts: accounts.count, released: released.count };
}
