import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

/** Keeps a request alive, `outputTokens` delivered so far. */
function checkpoint(sql: Parameters<typeof call>[0], requestId: string, outputTokens: number) {
  return call(sql, "extend", {
    p_request_id: requestId,
    p_output_tokens_total: 100,
    p_input_tokens: 100,
    p_output_tokens: outputTokens,
  });
}

Deno.test("lesson 9: an expired reservation is settled at its checkpoint, and a late settle corrects it once", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await checkpoint(service, requestId, 40);
    await forgetHeartbeats(sql);
    assertEquals(await call(service, "expire"), { settled: 1, released: 0 });
    // 100 × 0.0025 + 40 × 0.01, per thousand.
    assertEquals(await accountOf(sql, userId), { balance: "9.99935", reserved: "0" });
    assertEquals(await call(service, "expire"), { settled: 0, released: 0 });

    const corrected = await settle(service, requestId, 100, 90);
    assertEquals([corrected["state"], corrected["cost"]], ["corrected", "0.00115"]);
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
    assertEquals((await settle(service, requestId, 100, 90))["state"], "already_settled");
    assertEquals((await refusalOf(settle(service, requestId, 100, 91))).code, "KEY_CONFLICT");
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
    const rows = await sql`select sequence, basis from public.usage_records
      where request_id = ${requestId} order by sequence`;
    assertEquals(rows.map((row) => row["basis"]), ["checkpoint", "reported"]);
    await assertReconciled(sql);
  }));

Deno.test("a correction downward gives the difference back", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await checkpoint(service, requestId, 90);
    await forgetHeartbeats(sql);
    await call(service, "expire");
    assertEquals((await settle(service, requestId, 50, 10))["state"], "corrected");
    assertEquals((await accountOf(sql, userId)).balance, "9.999775");
    await assertReconciled(sql);
  }));

Deno.test("an expired reservation without a checkpoint is free, until a late settle shows otherwise", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await forgetHeartbeats(sql);
    assertEquals(await call(service, "expire"), { settled: 0, released: 1 });
    assertEquals(await accountOf(sql, userId), { balance: "10", reserved: "0" });
    assertEquals((await settle(service, requestId, 100, 100))["state"], "settled");
    assertEquals((await accountOf(sql, userId)).balance, "9.99875");
    await assertReconciled(sql);
  }));

Deno.test("a reservation that is kept alive does not expire", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await forgetHeartbeats(sql);
    await checkpoint(service, requestId, 10);
    assertEquals(await call(service, "expire"), { settled: 0, released: 0 });
  }));

Deno.test("lesson 10: sweepers at once, against live settles, charge every request once", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const requests: string[] = [];
    for (let i = 0; i < 20; i++) {
      const { requestId } = await reserve(service, { userId });
      await checkpoint(service, requestId, 50);
      requests.push(requestId);
    }
    await forgetHeartbeats(sql);
    await Promise.all([
      ...Array.from({ length: 5 }, () => call(service, "expire")),
      ...requests.map((requestId) => settle(service, requestId, 100, 60)),
    ]);
    await call(service, "expire");
    const charged = await sql`
      select sum(output_tokens)::int as tokens from public.usage_records group by request_id`;
    assertEquals(charged.length, 20);
    assertEquals(charged.filter((row) => row["tokens"] !== 60).length, 0);
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    await assertReconciled(sql);
  }, { connections: 30 }));

Deno.test("lesson 7: a cost above the balance is recorded whole, collected up to the balance, and raises an incident", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.02`;
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    const answer = await settle(service, requestId, 1000, 10000);
    assertEquals(answer, {
      state: "settled",
      model: "openai:gpt-4o",
      provider_cost: null,
      cost: "0.1025",
      collected: "0.02",
      uncollected: "0.0825",
      balance_before: "0.02",
      balance: "0",
      basis: "reported",
      tokens: { input: 1000, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 10000 },
    });
    const incidents = await sql`select kind, details from billing.incidents
      where request_id = ${requestId}`;
    assertEquals(incidents.map((row) => row["kind"]), ["uncollected"]);
    assertEquals(await accountOf(sql, userId), { balance: "0", reserved: "0" });
    await assertReconciled(sql);
  }));

Deno.test("what one request overruns is not taken from what another holds", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.02`;
    const userId = await createUser(sql);
    const first = await reserve(service, { userId });
    const second = await reserve(service, { userId });
    assertEquals((await settle(service, first.requestId, 1000, 10000))["collected"], "0.01875");
    assertEquals((await settle(service, second.requestId, 100, 100))["collected"], "0.00125");
    assertEquals((await accountOf(sql, userId)).balance, "0");
    await assertReconciled(sql);
  }));

Deno.test("lesson 18: an estimate never exceeds what was reserved", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    assertEquals((await settle(service, requestId, 99999, 99999, "estimated"))["cost"], "0.00125");
    await assertReconciled(sql);
  }));

Deno.test("lesson 8: a balance that affords 60 tokens limits the answer to 60, and says that it did", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.0106, minimum_balance = 0.01`;
    const userId = await createUser(sql);
    const { held } = await reserve(service, {
      userId,
      inputTokensMax: 4000,
      outputTokensMax: 1000,
    });
    assertEquals(held["output_tokens_limit"], 60);
    assertEquals(held["output_limited_by"], "balance");
    assertEquals(held["available"], "0");
  }));

Deno.test("below the minimum balance a request is refused with its evidence, and nothing is held", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.0099999999`;
    const userId = await createUser(sql);
    const refusal = await refusalOf(reserve(service, { userId }));
    assertEquals([refusal.sqlstate, refusal.code], ["PT402", "INSUFFICIENT_BALANCE"]);
    assertEquals(refusal.evidence, {
      balance: "0.0099999999",
      available: "0.0099999999",
      required: "0.01",
    });
    assertEquals((await sql`select from billing.reservations`).length, 0);
  }));

Deno.test("observe serves whom enforce would refuse, says so, and still never goes below zero", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.001`;
    const userId = await createUser(sql);
    const { requestId, held } = await reserve(service, { userId, enforcement: "observe" });
    assertEquals(held["would_refuse"], "INSUFFICIENT_BALANCE");
    assertEquals((await settle(service, requestId, 100, 100))["uncollected"], "0.00025");
    assertEquals(await accountOf(sql, userId), { balance: "0", reserved: "0" });
    await assertReconciled(sql);
  }));

Deno.test("lesson 27: every transition is refused with other arguments under the same key", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const other = await createUser(sql);
    const ask = { userId, requestId: crypto.randomUUID(), idempotencyKey: "k", requestHash: "h" };
    await reserve(service, ask);
    const another = () => ({ ...ask, requestId: crypto.randomUUID() });
    const refusals = {
      KEY_CONFLICT: [
        { ...ask, userId: other },
        { ...ask, model: "gpt-4.1" },
        { ...ask, requestHash: "i" },
      ],
      IDEMPOTENCY_KEY_REUSED: [{ ...another(), requestHash: "i" }],
      DUPLICATE_REQUEST: [another()],
    };
    for (const [code, asks] of Object.entries(refusals)) {
      for (const repeated of asks) {
        assertEquals((await refusalOf(reserve(service, repeated))).code, code);
      }
    }

    const credit = { p_user_id: userId, p_amount: "5", p_kind: "top_up", p_key: "payment-1" };
    assertEquals((await call(service, "grant_credit", credit))["state"], "granted");
    assertEquals((await call(service, "grant_credit", credit))["state"], "already_granted");
    for (const change of [{ p_amount: "6" }, { p_kind: "grant" }, { p_user_id: other }]) {
      const refusal = await refusalOf(call(service, "grant_credit", { ...credit, ...change }));
      assertEquals(refusal.code, "KEY_CONFLICT");
    }
    assertEquals((await accountOf(sql, userId)).balance, "15");
    assertEquals((await accountOf(sql, other)).balance, "10");
    await assertReconciled(sql);
  }));

Deno.test("the same key is free for another user, and free again after a release", () =>
  withDatabase(async ({ sql, service }) => {
    const ask = { idempotencyKey: "k", requestHash: "h" };
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { ...ask, userId });
    await reserve(service, { ...ask, userId: await createUser(sql) });
    await call(service, "release", { p_request_id: requestId, p_reason: "upstream failed" });
    await reserve(service, { ...ask, userId });
  }));
