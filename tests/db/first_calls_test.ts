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

Deno.test("lesson 3: 50 concurrent first calls of a user without an account hold no more than the credit that they get", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    await sql`update billing.settings set welcome_credit = 0.02, minimum_balance = 0`;
    const admin = connect(adminUrl, { max: 1 });
    // No trigger sees the sign-up, as of who was there before Farebox: there is no account yet.
    await admin`set session_replication_role = replica`;
    const userId = await createUser(admin).finally(() => admin.end());
    assertEquals((await sql`select from user_balances where user_id = ${userId}`).length, 0);

    const calls = await Promise.allSettled(
      Array.from({ length: 50 }, () => reserve(service, { userId })),
    );
    const refused = calls.filter((one) => one.status === "rejected");
    for (const { reason } of refused) {
      assertEquals((await refusalOf(Promise.reject(reason))).code, "INSUFFICIENT_BALANCE");
    }
    assert(refused.length > 0 && refused.length < 50, `${refused.length} were refused`);
    const [held] = await sql<{ amount: string }[]>`
      select trim_scale(sum(amount))::text as amount from billing.reservations
      where state = 'open'`;
    assertEquals(await accountOf(sql, userId), { balance: "0.02", reserved: held!.amount });
    await assertReconciled(sql);
  }, { connections: 50 }));
