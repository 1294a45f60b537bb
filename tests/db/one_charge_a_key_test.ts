/** An Idempotency-Key is charged once: also where a hold was closed, and its worker settles late. */
import { assertEquals } from "@std/assert";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

const KEYED = { idempotencyKey: "pay-once", requestHash: "body" };

async function chargesOf(sql: Sql, userId: string): Promise<number> {
  const [row] = await sql`
    select count(distinct request_id)::int as charges
    from public.usage_records where user_id = ${userId}`;
  return row?.["charges"];
}

const backfill = (service: Sql, userId: string, requestId: string) =>
  call(service, "backfill_usage", {
    p_request_id: requestId,
    p_user_id: userId,
    p_chat_id: null,
    p_at: new Date().toISOString(),
    p_model: "openai:gpt-4o",
    p_input_tokens: 10,
    p_cache_read_tokens: 0,
    p_cache_write_5m_tokens: 0,
    p_cache_write_1h_tokens: 0,
    p_output_tokens: 10,
    p_basis: "reported",
  });

async function neitherIsCharged(service: Sql, userId: string, requestId: string): Promise<void> {
  const late = await refusalOf(settle(service, requestId, 100, 100));
  const logged = await refusalOf(backfill(service, userId, requestId));
  assertEquals([late.code, logged.code], ["RESERVATION_CLOSED", "RESERVATION_CLOSED"]);
}

for (const way of ["swept without a checkpoint", "released"]) {
  const close = async (sql: Sql, service: Sql, requestId: string) => {
    if (way === "released") {
      return await call(service, "release", {
        p_request_id: requestId,
        p_reason: "reserve_unanswered",
      });
    }
    await forgetHeartbeats(sql, requestId);
    return await call(service, "expire");
  };

  Deno.test(`a request that was ${way} is charged late, and then its key is refused to a repeat`, () =>
    withDatabase(async ({ sql, service }) => {
      const userId = await createUser(sql);
      const { requestId } = await reserve(service, { userId, ...KEYED });
      await close(sql, service, requestId);
      if (way === "released") await backfill(service, userId, requestId);
      else await settle(service, requestId, 100, 100);
      const { code } = await refusalOf(reserve(service, { userId, ...KEYED }));
      assertEquals(code, "DUPLICATE_REQUEST");
      assertEquals(await chargesOf(sql, userId), 1);
      await assertReconciled(sql);
    }));

  Deno.test(`once a repeat has the key of a request that was ${way}, neither a late settle nor a backfill of that is charged`, () =>
    withDatabase(async ({ sql, service }) => {
      const userId = await createUser(sql);
      const { requestId: first } = await reserve(service, { userId, ...KEYED });
      await close(sql, service, first);
      const { requestId: repeat } = await reserve(service, { userId, ...KEYED });
      await neitherIsCharged(service, userId, first);
      await settle(service, repeat, 100, 100);
      await neitherIsCharged(service, userId, first);
      assertEquals(await chargesOf(sql, userId), 1);
      await assertReconciled(sql);
    }));
}

Deno.test("a repeat that is refused for the balance leaves the key where it was", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.01`;
    const userId = await createUser(sql);
    const ask = { userId, ...KEYED, outputTokensMax: 100 };
    const { requestId } = await reserve(service, ask);
    await forgetHeartbeats(sql, requestId);
    await call(service, "expire");
    await sql`update billing.settings set minimum_balance = 1`;
    assertEquals((await refusalOf(reserve(service, ask))).code, "INSUFFICIENT_BALANCE");
    await settle(service, requestId, 10, 10);
    assertEquals((await refusalOf(reserve(service, ask))).code, "DUPLICATE_REQUEST");
    assertEquals(await chargesOf(sql, userId), 1);
  }));
