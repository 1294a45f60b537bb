/** The proof over a large ledger says what the plain one said, of whatever is wrong. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { connect, type Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { call, createUser, forgetHeartbeats, reserve, settle } from "../support/ledger_calls.ts";

const PLAIN = fileURLToPath(
  new URL(
    "../../supabase/migrations/20261122000015_reconcile_and_health.sql",
    import.meta.url,
  ),
);

/** The first one, under another name. */
async function createPlain(sql: Sql): Promise<void> {
  const file = await Deno.readTextFile(PLAIN);
  const [, body = ""] = /(create function billing\.reconcile\(\).*?\$\$;)/s.exec(file) ?? [];
  await sql.unsafe(body.replace("billing.reconcile", "billing.plain_reconcile")).simple();
}

type Proof = { violations: { check: string }[]; accounts: number };

/** What both say, in one order. */
async function proofs(sql: Sql): Promise<{ plain: Proof; now: Proof }> {
  const [row] = await sql<{ plain: Proof; now: Proof }[]>`
    select billing.plain_reconcile() as plain, billing.reconcile() as now`;
  const sorted = ({ violations, accounts }: Proof): Proof => ({
    accounts,
    violations: violations.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
  });
  return { plain: sorted(row!.plain), now: sorted(row!.now) };
}

/** Each breaks the books in another way, as the superuser, whom neither triggers nor checks hold. */
const DAMAGES: Record<string, { statement: string; check: string }> = {
  "a balance that nobody granted": {
    statement: "update public.user_balances set balance = balance + 1",
    check: "balance_is_credits_minus_charges",
  },
  "a hold that no reservation has": {
    statement: "update public.user_balances set reserved = 0.5 where reserved = 0",
    check: "reserved_is_the_sum_of_open_reservations",
  },
  "an account that is gone": {
    statement:
      "delete from public.user_balances where ctid in (select min(ctid) from public.user_balances)",
    check: "every_entry_has_an_account",
  },
  "a hold above the balance": {
    statement: "update public.user_balances set reserved = balance + 1",
    check: "reserved_is_within_balance",
  },
  "a refund above its charge": {
    statement: `insert into public.balance_transactions
      (user_id, kind, amount, balance_after, idempotency_key, request_id)
      select user_id, 'refund', 99, 99, 'too much', request_id from public.usage_records
      where sequence = 0 limit 1`,
    check: "refunds_are_within_the_charge",
  },
  "a charge that is not collected as it says": {
    statement: "update public.usage_records set uncollected = 0.25 where sequence = 0",
    check: "uncollected_is_what_the_cost_exceeds_the_collected_by",
  },
  "a correction that forgives": {
    statement: "update public.usage_records set cost = cost + 3 where sequence = 1",
    check: "uncollected_is_what_the_cost_exceeds_the_collected_by",
  },
  "a correction of nothing": {
    statement: "delete from public.usage_records where sequence = 0",
    check: "balance_is_credits_minus_charges",
  },
};

/** Two users: plain charges, one that was made at a checkpoint and corrected, a refund, a guest's. */
async function trade(sql: Sql, service: Sql): Promise<void> {
  for (let user = 0; user < 2; user++) {
    const userId = await createUser(sql);
    const plain = await reserve(service, { userId });
    await settle(service, plain.requestId, 100, 50);
    await call(service, "refund", {
      p_request_id: plain.requestId,
      p_amount: null,
      p_key: `refund ${userId}`,
      p_reason: "Sorry",
    });
    const corrected = await reserve(service, { userId });
    await call(service, "extend", {
      p_request_id: corrected.requestId,
      p_output_tokens_total: 90,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql, corrected.requestId);
    await call(service, "expire", { p_limit: 10 });
    await settle(service, corrected.requestId, 100, 90);
  }
  const guest = await reserve(service, { guest: { tokenId: "g", addressHash: "h" } });
  await settle(service, guest.requestId, 10, 10);
}

const CONSTRAINTS = `
  alter table public.user_balances drop constraint reserved_is_within_balance;
  alter table public.usage_records drop constraint a_charge_is_collected_or_not`;

for (const [damage, { statement, check }] of Object.entries(DAMAGES)) {
  Deno.test(`reconcile finds ${damage}, and says of it what it always did`, () =>
    withDatabase(async ({ sql, service, adminUrl }) => {
      await createPlain(sql);
      await trade(sql, service);
      const clean = await proofs(sql);
      assertEquals(clean.now, { accounts: 2, violations: [] });
      await sql.unsafe(CONSTRAINTS).simple();
      const admin = connect(adminUrl, { max: 1 });
      await admin.unsafe(`set session_replication_role = replica; ${statement}`).simple();
      await admin.end();
      const { plain, now } = await proofs(sql);
      assertEquals(now, plain);
      assertEquals(now.violations.some((violation) => violation.check === check), true, check);
    }));
}
