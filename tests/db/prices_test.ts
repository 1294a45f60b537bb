import { assertEquals } from "@std/assert";
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

Deno.test("after all migrations there are exactly 23 priced models", () =>
  withDatabase(async ({ sql }) => {
    const [row] = await sql`select count(*)::int as n from model_pricing`;
    assertEquals(row?.["n"], 23);
  }));

Deno.test("a request is charged at the price of its reserve, whatever the price became meanwhile", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId, held } = await reserve(service, { userId });
    await sql`update model_pricing set output_per_1k = 9 where model_id = 'gpt-4o'`;
    // 100 × 0.0025 + 100 × 0.01, per thousand.
    assertEquals((await settle(service, requestId, 100, 100))["cost"], "0.00125");
    const receipt = await call(service, "receipt", {
      p_user_id: userId,
      p_request_id: requestId,
    });
    assertEquals(receipt["price_version"], held["price_version"]);
    await assertReconciled(sql);
  }));

Deno.test("a model whose price is deleted in mid-request still settles, and its receipt still explains", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await sql`delete from model_pricing where model_id = 'gpt-4o'`;
    const extended = await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 50,
    });
    assertEquals(extended["state"], "extended");
    assertEquals((await settle(service, requestId, 100, 100))["cost"], "0.00125");
    const receipt = await call(service, "receipt", { p_user_id: userId, p_request_id: requestId });
    assertEquals(receipt["lines"], [
      { class: "input", tokens: 100, price_per_1k: "0.0025", cost: "0.00025" },
      { class: "output", tokens: 100, price_per_1k: "0.01", cost: "0.001" },
    ]);
    const refusal = await refusalOf(reserve(service, { userId }));
    assertEquals([refusal.sqlstate, refusal.code], ["PT404", "MODEL_NOT_FOUND"]);
    assertEquals((await accountOf(sql, userId)).reserved, "0");
  }));

Deno.test("lesson 29: an unknown model is refused and nothing is held", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const refusal = await refusalOf(reserve(service, { userId, model: "gpt-99" }));
    assertEquals(refusal.evidence, { model: "openai:gpt-99" });
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    assertEquals((await sql`select from billing.reservations`).length, 0);
  }));

Deno.test("concurrent price changes leave one version in force and none that overlap", () =>
  withDatabase(async ({ sql }) => {
    const versionsOf = async () =>
      (await sql`
      select count(*)::int as versions, count(*) filter (where effective_to is null)::int as current
      from billing.model_pricing_history where model_id = 'gpt-4o'`)[0];
    const before = await versionsOf();
    await Promise.all(
      Array.from(
        { length: 10 },
        (_, i) =>
          sql`update model_pricing set output_per_1k = ${`0.0${i + 11}`}::numeric
        where model_id = 'gpt-4o'`,
      ),
    );
    assertEquals(await versionsOf(), { versions: before?.["versions"] + 10, current: 1 });
    const overlaps = await sql`
      select from billing.model_pricing_history a
      join billing.model_pricing_history b
        on a.provider_id = b.provider_id and a.model_id = b.model_id
        and a.price_version < b.price_version and a.effective_to > b.effective_from`;
    assertEquals(overlaps.length, 0);
  }));
