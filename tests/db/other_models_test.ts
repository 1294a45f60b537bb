import { assertEquals } from "@std/assert";
import type { Query } from "../support/connect.ts";
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

/** `asked` costs 1 in and 2 out, `advisor` 10 and 20 and 50 a request, hundredths of a cent. */
async function priceModels(sql: Query): Promise<void> {
  await sql`insert into model_pricing
    (provider_id, model_id, display_name, input_per_1k, output_per_1k, cache_read_per_1k,
     request_fee, source)
    values
      ('test', 'asked', 'Asked', 0.0001, 0.0002, null, 0.0003, 'test'),
      ('test', 'advisor', 'Advisor', 0.001, 0.002, 0.0001, 0.005, 'test'),
      ('other', 'stranger', 'Stranger', 0.5, 0.5, null, 0, 'test')`;
}

const ASKED = { provider: "test", model: "asked" };
const NONE = { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 };

function settleWith(service: Query, requestId: string, p_other_models: readonly object[]) {
  return settle(service, requestId, 1000, 1000, "reported", { p_other_models });
}

async function incidentsOf(sql: Query, requestId: string): Promise<unknown[]> {
  const rows = await sql`select details from billing.incidents
    where kind = 'other_model_without_price' and request_id = ${requestId}
    order by details ->> 'model'`;
  return rows.map((row) => row["details"]);
}

Deno.test("another model inside an answer is charged at its own price, by its own or its dated name, without its request fee", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const userId = await createUser(sql);
    for (const model of ["advisor", "advisor-20260101", "advisor-2026-01-01"]) {
      const { requestId } = await reserve(service, { userId, ...ASKED });
      const settled = await settleWith(service, requestId, [
        { model, ...NONE, input: 100, cache_read: 200, output: 50 },
      ]);
      // 0.0003 fee + 0.0001 + 0.0002 of its own, then 0.0001 + 0.00002 + 0.0001.
      assertEquals(settled["cost"], "0.00082");
      const receipt = await call(service, "receipt", {
        p_user_id: userId,
        p_request_id: requestId,
      });
      const name = `test:${model}`;
      assertEquals(receipt["lines"], [
        { class: "input", tokens: 1000, price_per_1k: "0.0001", cost: "0.0001" },
        { class: "output", tokens: 1000, price_per_1k: "0.0002", cost: "0.0002" },
        { model: name, class: "input", tokens: 100, price_per_1k: "0.001", cost: "0.0001" },
        { model: name, class: "cache_read", tokens: 200, price_per_1k: "0.0001", cost: "0.00002" },
        { model: name, class: "output", tokens: 50, price_per_1k: "0.002", cost: "0.0001" },
      ]);
      assertEquals(await incidentsOf(sql, requestId), []);
    }
    await assertReconciled(sql);
  }));

Deno.test("another model without a price of this provider is charged as the one that was asked, and raises an incident each", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...ASKED });
    const settled = await settleWith(service, requestId, [
      { model: "stranger", ...NONE, input: 1000 },
      { model: "advisor-latest", ...NONE, output: 1000 },
      { model: "advisor", ...NONE, output: 1000 },
    ]);
    // 0.0006 of its own, 0.0001 and 0.0002 at its own price, 0.002 of the advisor.
    assertEquals(settled["cost"], "0.0029");
    assertEquals(await incidentsOf(sql, requestId), [
      { model: "test:advisor-latest" },
      { model: "test:stranger" },
    ]);
  }));

Deno.test("other models are charged at their price of the reserve, so that a repeated settle is the same whatever became of it", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...ASKED });
    const used = [{ model: "advisor", ...NONE, output: 1000 }];
    await sql`update model_pricing set output_per_1k = 9 where model_id = 'advisor'`;
    assertEquals((await settleWith(service, requestId, used))["cost"], "0.0026");
    await sql`delete from model_pricing where model_id = 'advisor'`;
    assertEquals((await settleWith(service, requestId, used))["state"], "already_settled");
    assertEquals(await accountOf(sql, userId), { balance: "9.9974", reserved: "0" });
  }));

Deno.test("a settle with other models' usage than before is refused, in any order the same is not", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...ASKED });
    const advisor = { model: "advisor", ...NONE, output: 10 };
    const free = { model: "Zero", ...NONE };
    assertEquals((await settleWith(service, requestId, [advisor, free]))["state"], "settled");
    assertEquals(
      (await settleWith(service, requestId, [free, advisor]))["state"],
      "already_settled",
    );
    for (
      const other of [[], [advisor], [advisor, { ...free, model: "zero" }], [
        { ...advisor, output: 11 },
        free,
      ]]
    ) {
      const refusal = await refusalOf(settleWith(service, requestId, other));
      assertEquals(refusal.code, "KEY_CONFLICT");
    }
  }));

Deno.test("a correction of a checkpoint adds the other models, and the sums stay exact", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    await sql`update billing.settings set markup_basis_points = 333`;
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...ASKED });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 70,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    const used = [{ model: "advisor", ...NONE, output: 1000 }];
    const corrected = await settleWith(service, requestId, used);
    // 0.0026 × 1.0333.
    assertEquals([corrected["state"], corrected["cost"]], ["corrected", "0.00268658"]);
    assertEquals((await settleWith(service, requestId, used))["state"], "already_settled");
    assertEquals(await accountOf(sql, userId), { balance: "9.99731342", reserved: "0" });
    await assertReconciled(sql);
  }));

Deno.test("a list that is no usage of at most eight models, each once, is INVALID_ARGUMENT", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...ASKED });
    const one = { model: "advisor", ...NONE };
    const bad: readonly (readonly object[])[] = [
      [one, one],
      [{ ...one, output: -1 }],
      [{ ...one, output: 1.5 }],
      [{ ...one, output: "many" }],
      [{ ...one, output: 3_000_000_000 }],
      [{ ...one, model: "" }],
      [{ ...one, model: "m".repeat(201) }],
      [{ ...NONE }],
      [{ model: "advisor", output: 1 }],
      Array.from({ length: 9 }, (_, i) => ({ ...one, model: `m${i}` })),
      { ...one } as unknown as object[],
      ["advisor"] as unknown as object[],
    ];
    for (const others of bad) {
      const refusal = await refusalOf(settleWith(service, requestId, others));
      assertEquals([refusal.code, others], ["INVALID_ARGUMENT", others]);
    }
    const eight = Array.from({ length: 8 }, (_, i) => ({ ...one, model: `m${i}` }));
    assertEquals((await settleWith(service, requestId, eight))["state"], "settled");
  }));

Deno.test("an estimate knows of no other models, and what a guest's answer asked others for costs the house", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModels(sql);
    const p_other_models = [{ model: "advisor", ...NONE, output: 1000 }];
    const estimated = await reserve(service, { userId: await createUser(sql), ...ASKED });
    const guess = await settle(service, estimated.requestId, 100, 100, "estimated", {
      p_other_models,
    });
    assertEquals(guess["cost"], "0.00033");
    const guest = await reserve(service, { guest: { tokenId: "t", addressHash: "a" }, ...ASKED });
    const settled = await settleWith(service, guest.requestId, p_other_models);
    assertEquals([settled["cost"], settled["collected"]], ["0.0026", "0"]);
    await assertReconciled(sql);
  }));
