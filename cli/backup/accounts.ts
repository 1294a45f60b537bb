/** What a restore works out anew: accounts that do not fit the entries that were loaded. */
import type { Transaction } from "./database.ts";
import { BackupProblem } from "./format.ts";

/** A refund whose charge the backup has not. The amount is in USD, as PostgreSQL wrote it. */
export type LooseRefund = { request_id: string; user_id: string; amount: string };

/** What was put right. */
export type Recomputed = {
  accounts: number;
  /** Open reservations that their balance could not bear. */
  released: number;
  /** Accounts that are to be welcomed again: their welcome credit is not in the backup. */
  unwelcomed: number;
  /** Left out. */
  refunds: LooseRefund[];
};

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
 * @param torn since when the ledger may have moved while it was read; null: it did not.
 * @throws BackupProblem when entries are missing, so that an account would be below zero.
 */
export async function recomputeAccounts(
  transaction: Transaction,
  torn: string | null,
): Promise<Recomputed> {
  // Charge and refund came after the charges were read: without both the balance is right.
  const refunds = await transaction.unsafe<LooseRefund[]>(`
    delete from public.balance_transactions t
    where t.kind = 'refund'
      and not exists (select from public.usage_records u where u.request_id = t.request_id)
    returning t.request_id, t.user_id, t.amount::text`);
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
  return {
    accounts: accounts.count,
    released: released.count,
    unwelcomed: torn === null ? 0 : await unwelcome(transaction, torn),
    refunds: [...refunds],
  };
}

/**
 * Whose sign-up came between the page of credits and that of accounts has been welcomed, but with
 * nothing: the next request is to welcome them. Only sign-ups of that time, with some minutes for those
 * that were not committed when it began: who was welcomed with nothing before it stays so.
 */
async function unwelcome(transaction: Transaction, torn: string): Promise<number> {
  const { count } = await transaction.unsafe(
    `update public.user_balances b
    set welcomed_at = null, updated_at = now()
    where b.welcomed_at > $1::text::timestamptz - interval '10 minutes'
      and not exists (
        select from public.balance_transactions t
        where t.idempotency_key = 'welcome:' || b.user_id
      )
      and not exists (
        select from billing.sign_up_decisions d
        where d.granted_to = b.user_id and d.decision = 'no_credit' and d.amount = 0
      )`,
    [torn],
  );
  return count;
}
