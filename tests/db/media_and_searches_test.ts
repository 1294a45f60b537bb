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

/** Sound has prices of its own, images in the prompt have none; long past 10,000 tokens. */
async function priceModel(sql: Query): Promise<void> {
  await sql`insert into model_pricing
    (provider_id, model_id, display_name, input_per_1k, output_per_1k, cache_read_per_1k,
     long_context_threshold_tokens, long_input_per_1k, long_cache_read_per_1k,
     input_audio_per_1k, cache_read_audio_per_1k, output_audio_per_1k, output_image_per_1k,
     web_search_fee, source)
    values
      ('test', 'sees', 'Sees', 0.001, 0.002, 0.0005, 10000, 0.003, 0.0007,
       0.04, 0.004, 0.08, 0.03, 0.01, 'test'),
      ('test', 'blind', 'Blind', 0.001, 0.002, null, null, null, null,
       null, null, null, null, null, 'test')`;
}

const SEES = { provider: "test", model: "sees" };

/** Every class of media at once, in 1,000 input, 500 cached and 800 output tokens. */
const ALL_MEDIA = {
  p_cache_read_tokens: 500,
  p_input_audio_tokens: 100,
  p_input_image_tokens: 200,
  p_cache_read_audio_tokens: 50,
  p_output_audio_tokens: 300,
  p_output_image_tokens: 400,
};

const receiptOf = (service: Query, requestId: string) =>
  call<{ lines: unknown[]; cost: string; [field: string]: unknown }>(service, "receipt", {
    p_user_id: null,
    p_request_id: requestId,
  });

Deno.test("lesson 20: sound and images are charged at their own price, or their class's, each token once", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...SEES, withMedia: true });
    const settled = await settle(service, requestId, 1000, 800, "reported", ALL_MEDIA);
    const receipt = await receiptOf(service, requestId);
    assertEquals(receipt["lines"], [
      { class: "input", tokens: 700, price_per_1k: "0.001", cost: "0.0007" },
      { class: "input_audio", tokens: 100, price_per_1k: "0.04", cost: "0.004" },
      { class: "input_image", tokens: 200, price_per_1k: "0.001", cost: "0.0002" },
      { class: "cache_read", tokens: 450, price_per_1k: "0.0005", cost: "0.000225" },
      { class: "cache_read_audio", tokens: 50, price_per_1k: "0.004", cost: "0.0002" },
      { class: "output", tokens: 100, price_per_1k: "0.002", cost: "0.0002" },
      { class: "output_audio", tokens: 300, price_per_1k: "0.08", cost: "0.024" },
      { class: "output_image", tokens: 400, price_per_1k: "0.03", cost: "0.012" },
    ]);
    assertEquals([settled["cost"], receipt.cost], ["0.041525", "0.041525"]);
    // What is shown of tokens elsewhere has media inside of their class.
    assertEquals(settled["tokens"], {
      input: 1000,
      cache_read: 500,
      cache_write_5m: 0,
      cache_write_1h: 0,
      output: 800,
    });
    await assertReconciled(sql);
  }));

Deno.test("a model without media prices charges media as text", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const ask = { userId, provider: "test", model: "blind" };
    const plain = await reserve(service, ask);
    const media = await reserve(service, { ...ask, withMedia: true });
    assertEquals(media.held["amount"], plain.held["amount"]);
    const text = await settle(service, plain.requestId, 1000, 800, "reported", {
      p_cache_read_tokens: 500,
    });
    const all = await settle(service, media.requestId, 1000, 800, "reported", ALL_MEDIA);
    assertEquals([text["cost"], all["cost"]], ["0.0031", "0.0031"]);
  }));

Deno.test("in the long tier media keep their own price, and without one cost what the tier does", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const ask = { userId, ...SEES, inputTokensMax: 20_000, withMedia: true };
    const { requestId } = await reserve(service, ask);
    await settle(service, requestId, 10_001, 0, "reported", {
      p_input_audio_tokens: 1,
      p_input_image_tokens: 2000,
    });
    const receipt = await receiptOf(service, requestId);
    assertEquals(receipt["tier"], "long_context");
    assertEquals(receipt["lines"], [
      { class: "input", tokens: 8000, price_per_1k: "0.003", cost: "0.024" },
      { class: "input_audio", tokens: 1, price_per_1k: "0.04", cost: "0.00004" },
      { class: "input_image", tokens: 2000, price_per_1k: "0.003", cost: "0.006" },
    ]);
  }));

Deno.test("a hold with media covers the dearest media price, and one with searches each at its fee", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const ask = { userId, ...SEES, inputTokensMax: 100, outputTokensMax: 100 };
    const amountOf = async (more: { withMedia?: boolean; webSearchesMax?: number }) =>
      (await reserve(service, { ...ask, ...more })).held["amount"];
    assertEquals(await amountOf({}), "0.0003");
    // 100 × 0.04 and 100 × 0.08, per thousand.
    assertEquals(await amountOf({ withMedia: true }), "0.012");
    assertEquals(await amountOf({ webSearchesMax: 5 }), "0.0503");
  }));

Deno.test("searches are charged at their fee beside the tokens", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    await sql`update billing.settings set markup_basis_points = 1000`;
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...SEES, webSearchesMax: 3 });
    const settled = await settle(service, requestId, 1000, 0, "reported", { p_web_searches: 3 });
    // (0.001 + 3 × 0.01) with ten per cent.
    assertEquals(settled["cost"], "0.0341");
    assertEquals((await receiptOf(service, requestId)).lines, [
      { class: "input", tokens: 1000, price_per_1k: "0.001", cost: "0.001" },
      { class: "web_search", count: 3, fee: "0.01", cost: "0.03" },
    ]);
    assertEquals((await receiptOf(service, requestId))["flags"], null);
    await assertReconciled(sql);
  }));

Deno.test("searches of a model without a fee cost nothing, and the charge is flagged unpriced_tool", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, provider: "test", model: "blind" });
    const settleAgain = () =>
      settle(service, requestId, 1000, 0, "reported", {
        p_web_searches: 2,
        p_flags: ["total_mismatch"],
      });
    assertEquals((await settleAgain())["cost"], "0.001");
    assertEquals((await settleAgain())["state"], "already_settled");
    const receipt = await receiptOf(service, requestId);
    assertEquals(receipt["flags"], ["total_mismatch", "unpriced_tool"]);
    assertEquals(receipt.lines.at(-1), { class: "web_search", count: 2, fee: null, cost: "0" });
  }));

Deno.test("a charge at a checkpoint is corrected to the exact cost with media and searches, once", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...SEES, withMedia: true });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 60,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    // 100 × 0.001 + 60 × 0.002, per thousand.
    assertEquals((await accountOf(sql, userId)).balance, "9.99978");
    const more = { ...ALL_MEDIA, p_web_searches: 1 };
    const corrected = await settle(service, requestId, 1000, 800, "reported", more);
    assertEquals([corrected["state"], corrected["cost"]], ["corrected", "0.051525"]);
    assertEquals(
      (await settle(service, requestId, 1000, 800, "reported", more))["state"],
      "already_settled",
    );
    for (const change of [{ p_input_audio_tokens: 99 }, { p_web_searches: 0 }]) {
      const other = settle(service, requestId, 1000, 800, "reported", { ...more, ...change });
      assertEquals((await refusalOf(other)).code, "KEY_CONFLICT");
    }
    const receipt = await receiptOf(service, requestId);
    assertEquals([receipt.cost, receipt.lines.length], ["0.051525", 9]);
    const listed = await call<{ total: { cost: string } }>(service, "usage_summary", {
      p_user_id: userId,
      p_by: "day",
    });
    assertEquals(listed.total.cost, "0.051525");
    assertEquals(await accountOf(sql, userId), { balance: "9.948475", reserved: "0" });
    await assertReconciled(sql);
  }));

Deno.test("an estimate has no media, and no more searches than were reserved", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, {
      userId,
      ...SEES,
      inputTokensMax: 10_000,
      outputTokensMax: 1000,
      withMedia: true,
      webSearchesMax: 2,
    });
    const more = { ...ALL_MEDIA, p_web_searches: 7 };
    const settled = await settle(service, requestId, 1000, 800, "estimated", more);
    // 1,000 × 0.001 + 500 × 0.0005 + 800 × 0.002, per thousand, and two searches.
    assertEquals(settled["cost"], "0.02285");
    assertEquals((await receiptOf(service, requestId)).lines.length, 4);
  }));

Deno.test("an estimate keeps the classes of a prompt that was reported, and loses plain input beyond what was reserved", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    for (
      const [reserved, tokens] of [[1500, [1000, 500]], [1499, [999, 500]], [400, [
        0,
        400,
      ]]] as const
    ) {
      const ask = { userId, ...SEES, inputTokensMax: reserved, outputTokensMax: 10 };
      const { requestId } = await reserve(service, ask);
      const settled = await settle(service, requestId, 1000, 1, "estimated", {
        p_cache_read_tokens: 500,
      });
      const { input, cache_read } = settled["tokens"] as Record<string, number>;
      assertEquals([input, cache_read], tokens);
    }
  }));

Deno.test("media beyond their class, and counts below zero, are INVALID_ARGUMENT and leave the hold open", () =>
  withDatabase(async ({ sql, service }) => {
    await priceModel(sql);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, ...SEES });
    for (
      const more of [
        { p_input_audio_tokens: 6, p_input_image_tokens: 5 },
        { p_cache_read_audio_tokens: 1 },
        { p_output_audio_tokens: 2_147_483_647, p_output_image_tokens: 2_147_483_647 },
        { p_output_image_tokens: -1 },
        { p_web_searches: -1 },
      ]
    ) {
      const refusal = await refusalOf(settle(service, requestId, 10, 10, "reported", more));
      assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
    }
    assertEquals((await settle(service, requestId, 10, 10))["state"], "settled");
  }));

Deno.test("a charge of plain text fills none of the columns for what is beside it", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await settle(service, requestId, 10, 10, "reported", { p_flags: [], p_service_tier: "" });
    const [row] = await sql`
      select num_nonnulls(
        input_audio_tokens, input_image_tokens, cache_read_audio_tokens, output_audio_tokens,
        output_image_tokens, web_searches, other_models_cost, provider_cost, service_tier, flags
      ) as filled
      from public.usage_records where request_id = ${requestId}`;
    assertEquals(row?.["filled"], 0);
  }));
