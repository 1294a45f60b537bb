import { assertEquals } from "@std/assert";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { assertReconciled, call, refusalOf, reserve, settle } from "../support/ledger_calls.ts";

/** Answers how many of `count` guests, asking at once, were let in. */
async function letIn(
  service: Sql,
  count: number,
  guest: (i: number) => { tokenId: string; addressHash: string },
): Promise<string[]> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, i) => reserve(service, { guest: guest(i) })),
  );
  const admitted: string[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") admitted.push(outcome.value.requestId);
    else assertEquals((await refusalOf(Promise.reject(outcome.reason))).code, "FREE_LIMIT_REACHED");
  }
  return admitted;
}

Deno.test("of 50 guests asking at once from one address exactly 3 are let in, whatever their tokens", () =>
  withDatabase(async ({ service }) => {
    const admitted = await letIn(service, 50, (i) => ({ tokenId: `t${i}`, addressHash: "house" }));
    assertEquals(admitted.length, 3);
  }, { connections: 50 }));

Deno.test("of 50 requests at once with one token exactly 3 are let in, whatever their addresses", () =>
  withDatabase(async ({ service }) => {
    const admitted = await letIn(service, 50, (i) => ({ tokenId: "t", addressHash: `a${i}` }));
    assertEquals(admitted.length, 3);
  }, { connections: 50 }));

Deno.test("lesson 30: 50 guests with tokens and addresses crossed over do not deadlock", () =>
  withDatabase(async ({ service }) => {
    const admitted = await letIn(service, 50, (i) => ({
      tokenId: `t${i % 5}`,
      addressHash: `a${(50 - i) % 7}`,
    }));
    // Five tokens of three places each, seven addresses of three: at most fifteen, and never none.
    assertEquals(admitted.length > 0 && admitted.length <= 15, true);
  }, { connections: 50 }));

Deno.test("only answered exchanges count: failures and dead workers give the place back", () =>
  withDatabase(async ({ sql, service }) => {
    const guest = { tokenId: "t", addressHash: "a" };
    for (let attempt = 0; attempt < 5; attempt++) {
      const { requestId } = await reserve(service, { guest });
      await call(service, "release", { p_request_id: requestId, p_reason: "upstream failed" });
    }
    await reserve(service, { guest });
    await sql`update billing.reservations set expires_at = now() - interval '1 second'
      where state = 'open'`;
    assertEquals(await call(service, "expire"), { settled: 0, released: 1 });

    for (let answered = 0; answered < 3; answered++) {
      const { requestId, held } = await reserve(service, { guest });
      assertEquals(held["guest_exchanges_left"], 2 - answered);
      await settle(service, requestId, 10, 10);
    }
    const refusal = await refusalOf(reserve(service, { guest }));
    assertEquals([refusal.sqlstate, refusal.code], ["PT429", "FREE_LIMIT_REACHED"]);
    assertEquals(refusal.evidence["limit"], 3);
    await assertReconciled(sql);
  }));

Deno.test("a guest's exchange is recorded at its cost, collected from nobody", () =>
  withDatabase(async ({ sql, service }) => {
    const { requestId } = await reserve(service, { guest: { tokenId: "t", addressHash: "a" } });
    const answer = await settle(service, requestId, 1000, 100);
    assertEquals([answer["cost"], answer["collected"]], ["0.0035", "0"]);
    const incidents = await sql`select from billing.incidents`;
    assertEquals(incidents.length, 0, "the house chose to pay: that is no incident");
    await assertReconciled(sql);
  }));

Deno.test("a settle repeated for a guest uses up one exchange", () =>
  withDatabase(async ({ service }) => {
    const guest = { tokenId: "t", addressHash: "a" };
    const { requestId } = await reserve(service, { guest });
    await Promise.all(Array.from({ length: 5 }, () => settle(service, requestId, 10, 10)));
    const status = await call(service, "guest_status", {
      p_guest_token_id: "t",
      p_guest_address_hash: "a",
      p_guest_limit: 3,
    });
    assertEquals(status["left"], 2);
  }));

Deno.test("a guest's prompt and answer are bounded, whatever the model takes, and a refused one keeps its place", () =>
  withDatabase(async ({ service }) => {
    const guest = { tokenId: "t", addressHash: "a" };
    const tooLong = await refusalOf(reserve(service, { guest, inputTokensMax: 16_385 }));
    assertEquals([tooLong.sqlstate, tooLong.code], ["PT400", "INVALID_ARGUMENT"]);
    const { held } = await reserve(service, {
      guest,
      inputTokensMax: 16_384,
      outputTokensMax: 10_000,
    });
    assertEquals([held.output_tokens_limit, held.output_limited_by], [4096, "guest"]);
    assertEquals(held.guest_exchanges_left, 2);
  }));
