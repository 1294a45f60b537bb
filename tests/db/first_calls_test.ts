import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  createUser,
  refusalOf,
  reserve,
} from "../support/ledger_calls.ts";
import { until } from "../support/until.ts";

const CALLS = 50;

Deno.test("lesson 3: 50 concurrent first calls of a user without an account hold no more than the credit that they get", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    await sql`update billing.settings set welcome_credit = 0.02, minimum_balance = 0`;
    const admin = connect(adminUrl, { max: 2 });
    const userId = await admin.begin(async (transaction) => {
      // No trigger sees the sign-up, as of who was there before Farebox: there is no account yet.
      await transaction`set local session_replication_role = replica`;
      return await createUser(transaction);
    });
    let calls: Promise<PromiseSettledResult<unknown>[]> = Promise.resolve([]);
    // Nobody finds an account, and all go on at the same moment.
    await admin.begin(async (transaction) => {
      await transaction`insert into user_balances (user_id) values (${userId})`;
      calls = Promise.allSettled(Array.from({ length: CALLS }, () => reserve(service, { userId })));
      await until("all calls to wait for the account", async () => {
        const [row] = await admin`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`;
        return row?.["n"] === CALLS;
      });
      await transaction`delete from user_balances where user_id = ${userId}`;
    }).finally(() => admin.end());

    const outcomes = await calls;
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    for (const { reason } of refused) {
      assertEquals((await refusalOf(Promise.reject(reason))).code, "INSUFFICIENT_BALANCE");
    }
    assert(refused.length > 0 && refused.length < CALLS, `${refused.length} were refused`);
    const [held] = await sql<{ amount: string }[]>`
      select trim_scale(sum(amount))::text as amount from billing.reservations
      where state = 'open'`;
    assertEquals(await accountOf(sql, userId), { balance: "0.02", reserved: held!.amount });
    await assertReconciled(sql);
  }, { connections: CALLS }));
