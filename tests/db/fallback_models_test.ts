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

/** Per thousand: `cheap` 1 in and 2 out, `wordy` 1 and 4, `learned` 3 and 2, all cents. */
async function priceThree(sql: Query): Promise<void> {
  await sql`insert into model_pricing
    (provider_id, model_id, display_name, input_per_1k, output_per_1k, max_input_tokens,
     max_output_tokens, hides_reasoning, source)
    values
      ('test', 'cheap', 'Cheap', 0.01, 0.02, 10000, 2000, false, 'test'),
      ('test', 'wordy', 'Wordy', 0.01, 0.04, 20000, 9000, false, 'test'),
      ('other', 'learned', 'Learned', 0.03, 0.02, 30000, 9000, false, 'test')`;
}

const CHEAP = { provider: "test", model: "cheap" };
const OTHERS = ["test:wordy", "other:learned"];

Deno.test("one hold covers the dearest of all candidates, whichever that is at so many tokens", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const asked = { userId, ...CHEAP, fallbackModels: OTHERS };
    // A long prompt: 1,000 × 0.03 + 100 × 0.02 of `learned`.
    const long = await reserve(service, { ...asked, inputTokensMax: 1000, outputTokensMax: 100 });
    assertEquals(long.held["amount"], "0.032");
    // A long answer: 100 × 0.01 + 1,000 × 0.04 of `wordy`.
    const wordy = await reserve(service, { ...asked, inputTokensMax: 100, outputTokensMax: 1000 });
    assertEquals(wordy.held["amount"], "0.041");
    assertEquals((await accountOf(sql, userId)).reserved, "0.073");
    const prices = wordy.held["fallbacks"] as { model_id: string; output_per_1k: string }[];
    assertEquals(prices.map((price) => [price.model_id, price.output_per_1k]), [
      ["wordy", "0.04"],
      ["learned", "0.02"],
    ]);
  }));

Deno.test("the output limit is what the balance affords at the dearest, within what the one that was asked can write", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    await sql`update billing.settings set welcome_credit = 0.05, output_slice_tokens = 5000`;
    const asked = { ...CHEAP, inputTokensMax: 0, outputTokensMax: null };
    const alone = await reserve(service, { userId: await createUser(sql), ...asked });
    assertEquals(alone.held["output_tokens_limit"], 2000);
    const ask = { userId: await createUser(sql), ...asked, fallbackModels: OTHERS };
    const { held } = await reserve(service, ask);
    assertEquals([held["output_tokens_limit"], held["output_limited_by"]], [1250, "balance"]);
    assertEquals(held["amount"], "0.05");
  }));

Deno.test("one candidate that hides its reasoning makes the whole limit be held", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    await sql`update model_pricing set hides_reasoning = true where model_id = 'learned'`;
    const ask = { userId: await createUser(sql), ...CHEAP, outputTokensMax: 2000 };
    assertEquals((await reserve(service, ask)).held["output_tokens_reserved"], 1024);
    const { held } = await reserve(service, { ...ask, fallbackModels: OTHERS });
    assertEquals(held["output_tokens_reserved"], 2000);
  }));

Deno.test("the bound of a prompt is the caller's: one that is read again after a search passes the context window", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const ask = { userId: await createUser(sql), ...CHEAP, inputTokensMax: 50_000 };
    for (const fallbackModels of [[], OTHERS]) {
      const { requestId } = await reserve(service, { ...ask, fallbackModels });
      const [row] = await sql`select input_tokens_max from billing.reservations
        where request_id = ${requestId}`;
      assertEquals(row?.["input_tokens_max"], 50_000);
    }
  }));

Deno.test("the model that answered is charged and named, at its price of the reserve", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...CHEAP, fallbackModels: OTHERS });
    await sql`update model_pricing set input_per_1k = 9 where model_id = 'learned'`;
    const settled = await settle(service, requestId, 100, 50, "reported", {
      p_model: "other:learned",
    });
    // 100 × 0.03 + 50 × 0.02, per thousand.
    assertEquals([settled["model"], settled["cost"]], ["other:learned", "0.004"]);
    const receipt = await call(service, "receipt", { p_user_id: userId, p_request_id: requestId });
    assertEquals([receipt["provider"], receipt["model"]], ["other", "other:learned"]);
    assertEquals(receipt["lines"], [
      { class: "input", tokens: 100, price_per_1k: "0.03", cost: "0.003" },
      { class: "output", tokens: 50, price_per_1k: "0.02", cost: "0.001" },
    ]);
    const summary = await call<{ groups: { key: string }[] }>(service, "usage_summary", {
      p_user_id: userId,
      p_by: "model",
    });
    assertEquals(summary.groups.map((group) => group.key), ["other:learned"]);
    await assertReconciled(sql);
  }));

Deno.test("an unknown candidate is MODEL_NOT_FOUND with its name, and nothing is held", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    for (const unknown of ["test:gone", "test", ":", "wordy", "", "openai:gpt-4o:x"]) {
      const fallbackModels = ["test:wordy", unknown];
      const refusal = await refusalOf(reserve(service, { userId, ...CHEAP, fallbackModels }));
      assertEquals([refusal.sqlstate, refusal.code], ["PT404", "MODEL_NOT_FOUND"]);
    }
    assertEquals((await accountOf(sql, userId)).reserved, "0");
  }));

Deno.test("nine fallback models, an absent one, searches below zero or no word on media are INVALID_ARGUMENT", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const ask = { userId: await createUser(sql), ...CHEAP };
    const nine = Array.from({ length: 9 }, () => "test:wordy");
    const nothing = null as unknown as string;
    for (
      const change of [
        { fallbackModels: nine },
        { fallbackModels: ["test:wordy", nothing] },
        { webSearchesMax: -1 },
        { webSearchesMax: 10_001 },
      ]
    ) {
      const refusal = await refusalOf(reserve(service, { ...ask, ...change }));
      assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
    }
    const eight = await reserve(service, { ...ask, fallbackModels: nine.slice(1) });
    assertEquals(eight.held["amount"], "0.005");
  }));

Deno.test("a model that is no candidate cannot have answered: INVALID_ARGUMENT, and the hold stays", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, {
      userId,
      ...CHEAP,
      fallbackModels: ["test:wordy"],
    });
    for (const p_model of ["other:learned", "openai:gpt-4o", "cheap", ""]) {
      const refusal = await refusalOf(settle(service, requestId, 1, 1, "reported", { p_model }));
      assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
    }
    const settled = await settle(service, requestId, 1, 1, "reported", { p_model: "test:cheap" });
    assertEquals(settled["state"], "settled");
  }));

Deno.test("a repeated settle names the same model, or is refused", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...CHEAP, fallbackModels: OTHERS });
    const asWordy = () => settle(service, requestId, 1, 1, "reported", { p_model: "test:wordy" });
    assertEquals((await asWordy())["state"], "settled");
    assertEquals((await asWordy())["state"], "already_settled");
    assertEquals((await refusalOf(settle(service, requestId, 1, 1))).code, "KEY_CONFLICT");
  }));

Deno.test("a repeated reserve has the same candidates, media and searches, or is refused", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const ask = {
      requestId: crypto.randomUUID(),
      userId,
      ...CHEAP,
      fallbackModels: OTHERS,
      withMedia: true,
      webSearchesMax: 2,
    };
    const { held } = await reserve(service, ask);
    // A price that changed meanwhile makes no other request of it.
    await sql`update model_pricing set output_per_1k = 0.05 where model_id = 'wordy'`;
    const again = await reserve(service, ask);
    assertEquals([again.held["amount"], again.held["fallbacks"]], [
      held["amount"],
      held["fallbacks"],
    ]);
    for (
      const change of [
        { fallbackModels: [...OTHERS].reverse() },
        { fallbackModels: [] },
        { withMedia: false },
        { webSearchesMax: 3 },
      ]
    ) {
      const refusal = await refusalOf(reserve(service, { ...ask, ...change }));
      assertEquals(refusal.code, "KEY_CONFLICT");
    }
  }));

Deno.test("extend holds the next slice at the dearest candidate, and refuses what it does not afford", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    await sql`update billing.settings set welcome_credit = 0.06, output_slice_tokens = 500`;
    const userId = await createUser(sql);
    const { requestId, held } = await reserve(service, {
      userId,
      ...CHEAP,
      inputTokensMax: 0,
      outputTokensMax: null,
      fallbackModels: OTHERS,
    });
    assertEquals([held["amount"], held["output_tokens_limit"]], ["0.02", 1500]);
    const extend = (total: number) =>
      call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: total,
        p_input_tokens: 0,
        p_output_tokens: 0,
      });
    assertEquals((await extend(1000))["available"], "0.02");
    assertEquals((await accountOf(sql, userId)).reserved, "0.04");
    const all = await extend(2000);
    assertEquals([all["output_tokens_reserved"], all["available"]], [1500, "0"]);
  }));

Deno.test("a dead worker's request is charged as the dearest candidate's, and corrected to the one that answered", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, {
      userId,
      ...CHEAP,
      fallbackModels: OTHERS,
      inputTokensMax: 1000,
    });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 1000,
      p_output_tokens: 10,
    });
    await forgetHeartbeats(sql);
    assertEquals(await call(service, "expire"), { settled: 1, released: 0 });
    // `learned`: 1,000 × 0.03 + 10 × 0.02, per thousand.
    assertEquals((await accountOf(sql, userId)).balance, "9.9698");

    // It was `wordy` after all: 900 × 0.01 + 20 × 0.04.
    const more = { p_model: "test:wordy" };
    const corrected = await settle(service, requestId, 900, 20, "reported", more);
    assertEquals([corrected["state"], corrected["model"], corrected["cost"]], [
      "corrected",
      "test:wordy",
      "0.0098",
    ]);
    assertEquals(
      (await settle(service, requestId, 900, 20, "reported", more))["state"],
      "already_settled",
    );
    assertEquals(await accountOf(sql, userId), { balance: "9.9902", reserved: "0" });
    const receipt = await call(service, "receipt", { p_user_id: userId, p_request_id: requestId });
    assertEquals([receipt["model"], receipt["cost"]], ["test:wordy", "0.0098"]);
    assertEquals(receipt["lines"], [
      { class: "input", tokens: 900, price_per_1k: "0.01", cost: "0.009" },
      { class: "output", tokens: 20, price_per_1k: "0.04", cost: "0.0008" },
    ]);
    const summary = await call(service, "usage_summary", { p_user_id: userId, p_by: "model" });
    assertEquals(summary["groups"], [{
      key: "test:wordy",
      requests: 1,
      tokens: { input: 900, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 20 },
      cost: "0.0098",
    }]);
    await assertReconciled(sql);
  }));

Deno.test("a guest's request may fall back too, and costs the house what answered", () =>
  withDatabase(async ({ sql, service }) => {
    await priceThree(sql);
    const guest = { tokenId: "t", addressHash: "a" };
    const { requestId, held } = await reserve(service, { guest, ...CHEAP, fallbackModels: OTHERS });
    assertEquals(held["amount"], "0");
    const settled = await settle(service, requestId, 100, 50, "reported", {
      p_model: "test:wordy",
    });
    assertEquals([settled["cost"], settled["collected"]], ["0.003", "0"]);
    await assertReconciled(sql);
  }));
