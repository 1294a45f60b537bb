/** Money moves in the transaction that says so: there is no charge without its state, or a refund. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

const release = (sql: Sql, requestId: string) =>
  call(sql, "release", { p_request_id: requestId, p_reason: "upstream failed" });

/** Whether a request is charged, and the state of its reservation. */
async function endOf(sql: Sql, requestId: string): Promise<unknown[]> {
  const [row] = await sql`
    select r.state, exists (
      select from public.usage_records u where u.request_id = r.request_id
    ) as charged
    from billing.reservations r where r.request_id = ${requestId}`;
  return [row?.["state"], row?.["charged"]];
}

Deno.test("lesson 11: whichever of a settle and a release comes first, the state is of what was done with the money", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (let round = 0; round < 20; round++) {
      const { requestId } = await reserve(service, { userId });
      const settling = () => settle(service, requestId, 100, 80);
      const both = round % 2 === 0
        ? [settling(), release(service, requestId)]
        : [release(service, requestId), settling()];
      const [settled] = await Promise.allSettled(round % 2 === 0 ? both : both.toReversed());
      const charged = settled?.status === "fulfilled";
      assertEquals(await endOf(sql, requestId), [charged ? "settled" : "released", charged]);
      // A late release, as of a retry, finds what was done.
      const { state } = await release(service, requestId);
      assertEquals(state, charged ? "already_settled" : "already_released");
      assertEquals(await endOf(sql, requestId), [charged ? "settled" : "released", charged]);
    }
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    await assertReconciled(sql);
  }));

Deno.test("lesson 11: a refund or a settle that fails half-way has moved no money, and succeeds once it is repeated", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await sql`alter table usage_records add constraint broken check (false) not valid`;
    await assertRejects(() => settle(service, requestId, 100, 80), Error, "broken");
    assertEquals(await accountOf(sql, userId), { balance: "10", reserved: "0.00125" });
    assertEquals(await endOf(sql, requestId), ["open", false]);
    await sql`alter table usage_records drop constraint broken`;
    assertEquals((await settle(service, requestId, 100, 80))["state"], "settled");

    const refund = () =>
      call(service, "refund", {
        p_request_id: requestId,
        p_amount: "0.0005",
        p_key: "case-1",
        p_reason: "bad answer",
      });
    await sql`alter table balance_transactions add constraint broken check (false) not valid`;
    await assertRejects(refund, Error, "broken");
    assertEquals((await accountOf(sql, userId)).balance, "9.99895");
    await sql`alter table balance_transactions drop constraint broken`;
    const states = [];
    for (let attempt = 0; attempt < 3; attempt++) states.push((await refund())["state"]);
    assertEquals(states, ["refunded", "already_refunded", "already_refunded"]);
    assertEquals(await accountOf(sql, userId), { balance: "9.99945", reserved: "0" });
    await assertReconciled(sql);
  }));
