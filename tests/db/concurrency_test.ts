import { assert, assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

Deno.test("lesson 1: 300 concurrent requests of one user with $0.05 cost at most $0.05, all of it collected, over 300 connections", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.05`;
    const userId = await createUser(sql);
    // Every connection is open before the first request, so that all of them really compete.
    await Promise.all(Array.from({ length: 300 }, () => service`select pg_sleep(0.05)`));
    const backends = await sql`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and usename = 'postgres'`;
    assert(backends[0]?.["n"] >= 300, `only ${backends[0]?.["n"]} connections`);

    const outcomes = await Promise.all(Array.from({ length: 300 }, async (_, i) => {
      try {
        // A third stream, and can be extended; the others arrive whole.
        const canExtend = i % 3 === 0;
        const hold = await reserve(service, { userId, outputTokensMax: 1500, canExtend });
        return { ...hold, canExtend };
      } catch (error) {
        return (await refusalOf(Promise.reject(error))).code;
      }
    }));
    const refused = outcomes.filter((outcome) => typeof outcome === "string");
    const admitted = outcomes.filter((outcome) => typeof outcome !== "string");
    assertEquals([...new Set(refused)], ["INSUFFICIENT_BALANCE"]);

    // Each uses all the output that it may: a whole answer its limit, a stream what it could extend
    // to. Streams first, so that nothing is free any more when the whole ones are charged.
    const used = await Promise.all(admitted.map(async ({ requestId, held, canExtend }) => {
      if (!canExtend) return { requestId, outputTokens: held["output_tokens_limit"] };
      const extended = await call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: Number(held["output_tokens_limit"]),
        p_input_tokens: 100,
        p_output_tokens: 1000,
      });
      return { requestId, outputTokens: extended["output_tokens_reserved"] };
    }));
    await Promise.all(
      used.map(({ requestId, outputTokens }) =>
        settle(service, requestId, 100, Number(outputTokens))
      ),
    );

    const [total] = await sql`
      select sum(cost) <= 0.05 as within, sum(uncollected) = 0 as all_collected,
        count(*)::int as charges,
        min(balance_after) >= 0 as never_negative
      from public.usage_records where user_id = ${userId}`;
    assertEquals(total?.["within"], true);
    assertEquals(total?.["all_collected"], true);
    assertEquals(total?.["never_negative"], true);
    assertEquals(total?.["charges"], admitted.length);
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    const open = await sql`select from billing.reservations where state = 'open'`;
    assertEquals(open.length, 0);
    await assertReconciled(sql);
  }, { connections: 300 }));

Deno.test("lesson 12: concurrent settles of one request charge it once", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => settle(service, requestId, 100, 80)),
    );
    assertEquals(answers.filter((answer) => answer["state"] === "settled").length, 1);
    assertEquals(answers.filter((answer) => answer["state"] === "already_settled").length, 19);
    // 100 × 0.0025 + 80 × 0.01, per thousand.
    assertEquals(await accountOf(sql, userId), { balance: "9.99895", reserved: "0" });
    await assertReconciled(sql);
  }, { connections: 20 }));

Deno.test("lesson 11: a settle and a release that race end in one of the two, and the hold is returned once", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (let round = 0; round < 20; round++) {
      const { requestId } = await reserve(service, { userId });
      const [settled, released] = await Promise.allSettled([
        settle(service, requestId, 100, 80),
        call(service, "release", { p_request_id: requestId, p_reason: "upstream failed" }),
      ]);
      if (settled.status === "rejected") {
        assertEquals((await refusalOf(Promise.reject(settled.reason))).code, "RESERVATION_CLOSED");
      }
      assertEquals(released.status, "fulfilled");
      assertEquals((await accountOf(sql, userId)).reserved, "0");
    }
    await assertReconciled(sql);
  }));

Deno.test("two reserves with one Idempotency-Key at once: one holds, the other is a duplicate", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const ask = { userId, idempotencyKey: "key", requestHash: "hash" };
    const outcomes = await Promise.allSettled([reserve(service, ask), reserve(service, ask)]);
    const refused = outcomes.find((outcome) => outcome.status === "rejected");
    assertEquals(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
    assertEquals((await refusalOf(Promise.reject(refused?.reason))).code, "DUPLICATE_REQUEST");
    const open = await sql`select from billing.reservations where state = 'open'`;
    assertEquals(open.length, 1);
    await assertReconciled(sql);
  }));
