import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  createUser,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

Deno.test("lesson 26: charges whose provider's ids are empty, absent or the same are rows of their own, each collected", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const ids = ["", "", null, null, "chatcmpl-1", "chatcmpl-1"];
    for (const p_provider_request_id of ids) {
      const { requestId } = await reserve(service, { userId });
      const more = { p_provider_request_id };
      const { state } = await settle(service, requestId, 100, 100, "reported", more);
      assertEquals([p_provider_request_id, state], [p_provider_request_id, "settled"]);
    }
    const rows = await sql`select distinct request_id from usage_records where user_id = ${userId}`;
    assertEquals(rows.length, ids.length);
    // Six times 100 × 0.0025 + 100 × 0.01, per thousand.
    assertEquals(await accountOf(sql, userId), { balance: "9.9925", reserved: "0" });
    await assertReconciled(sql);
  }));
