import { assertEquals, assertThrows } from "@std/assert";
import { BadArgument } from "../../cli/arguments.ts";
import type { Catalogue, ListPrices } from "../../cli/prices/catalogue.ts";
import { candidatesOf, type Choice } from "../../cli/prices/choose.ts";
import { isQuarantined, planPrices, writesOf } from "../../cli/prices/plan.ts";
import { planJson, stateOf } from "../../cli/prices/plan_json.ts";
import { planText } from "../../cli/prices/plan_text.ts";
import { openSecondSource } from "../../cli/prices/second_source.ts";
import { paintFor } from "../../cli/table.ts";
import {
  byName,
  PRICE_AMOUNTS,
  PRICE_LIMITS,
  type PriceAmount,
  type PriceRow,
} from "../../shared/credit/prices.ts";
import { parseUsd } from "../../shared/pricing/money.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const CHOICE: Choice = { provider: [], model: [], all: false, only: false };

/** A row of `openai:m` at 0.001 in and 0.002 out, with what a test says besides. */
function row(amounts: { [name in PriceAmount]?: string } = {}, source = "a list"): PriceRow {
  const all = { input_per_1k: "0.001", output_per_1k: "0.002", request_fee: "0", ...amounts };
  return {
    providerId: "openai",
    modelId: "m",
    displayName: "M",
    amounts: byName(PRICE_AMOUNTS, (name) => {
      const text: string | undefined = { ...all }[name as keyof typeof all];
      return text === undefined ? null : parseUsd(text);
    }),
    limits: byName(PRICE_LIMITS, () => null),
    hidesReasoning: false,
    source,
    version: 7,
    updatedAt: "2026-01-01T00:00:00Z",
  };
}

/** A catalogue in which OpenAI has the model `m` at `prices`, USD per million. */
function catalogueOf(prices: ListPrices, id = "m"): Catalogue {
  const models = [{ id, name: "The M", match: { equals: "m" }, prices, context_window: 128_000 }];
  return {
    name: "a catalogue",
    provider: (name) => name === "openai" ? { id: "openai", models } : undefined,
  };
}

function planOne(
  ours: PriceRow | null,
  prices: ListPrices,
  options: {
    accept?: string;
    second?: Parameters<typeof planPrices>[0]["secondSource"];
    sold?: readonly PriceRow[];
  } = {},
) {
  const plan = planPrices({
    catalogue: catalogueOf(prices),
    candidates: [{ providerId: "openai", modelId: "m", row: ours }],
    sold: options.sold ?? [],
    secondSource: options.second ?? null,
    accepted: new Set(options.accept === undefined ? [] : [options.accept]),
    now: NOW,
  });
  const [price] = plan.prices;
  if (price === undefined) throw new Error("The model was not priced");
  return { plan, price, writes: writesOf(plan), state: stateOf(price) };
}

Deno.test("the difference has each changed column, and writes no other", () => {
  const { price, writes } = planOne(row({ cache_read_per_1k: "0.0005" }), {
    input_mtok: 1,
    output_mtok: 2.5,
    cache_read_mtok: 0.5,
    web_searches_kcount: 10,
  });
  assertEquals(planJson({ source: "", prices: [price], unpriced: [] }).models[0]?.changes, [
    { column: "output_per_1k", from: "0.002", to: "0.0025", factor: "1.25" },
    { column: "web_search_fee", from: null, to: "0.01", factor: null },
  ]);
  assertEquals(writes, [{
    provider_id: "openai",
    model_id: "m",
    expected_version: 7,
    source: "a catalogue",
    output_per_1k: "0.0025",
    web_search_fee: "0.01",
  }]);
});

Deno.test("a price that is as the catalogue says is not written again", () => {
  const { writes, state } = planOne(row(), { input_mtok: 1, output_mtok: 2 });
  assertEquals([writes, state], [[], "unchanged"]);
});

Deno.test("lesson 28: exactly three times is written, a hair more is quarantined, either way", () => {
  assertEquals(planOne(row(), { input_mtok: 3, output_mtok: 2 }).state, "change");
  assertEquals(planOne(row(), { input_mtok: 3.0001, output_mtok: 2 }).state, "quarantined");
  assertEquals(
    planOne(row({ input_per_1k: "0.003" }), { input_mtok: 1, output_mtok: 2 }).state,
    "change",
  );
  assertEquals(
    planOne(row({ input_per_1k: "0.0030001" }), { input_mtok: 1, output_mtok: 2 }).state,
    "quarantined",
  );
});

Deno.test("a quarantined price is written once it is accepted by name", () => {
  const { price, writes } = planOne(row(), { input_mtok: 100, output_mtok: 2 }, {
    accept: "openai:m",
  });
  assertEquals(isQuarantined(price), false);
  assertEquals(writes[0]?.input_per_1k, "0.1");
});

Deno.test("a price that becomes free is quarantined, by way of a fallback or as a new model too", () => {
  const holds = (...args: Parameters<typeof planOne>) =>
    planOne(...args).price.holds.map((hold) => hold.kind);
  assertEquals(holds(row(), { input_mtok: 0, output_mtok: 2 }), ["zero"]);
  // Without a price of their own cache reads cost what input costs.
  assertEquals(holds(row(), { input_mtok: 1, output_mtok: 2, cache_read_mtok: 0 }), ["zero"]);
  assertEquals(holds(null, { input_mtok: 0, output_mtok: 0 }), ["zero", "zero"]);
  assertEquals(holds(null, { input_mtok: 1, output_mtok: 2, cache_write_mtok: 0 }), ["zero"]);
  const free = { input_per_1k: "0", output_per_1k: "0" };
  assertEquals(holds(row(free), { input_mtok: 0, output_mtok: 0, cache_read_mtok: 0 }), []);
});

Deno.test("a class that ours has and the catalogue lacks is shown and kept", () => {
  const { price, writes } = planOne(row({ web_search_fee: "0.01" }), {
    input_mtok: 2,
    output_mtok: 2,
  });
  assertEquals(price.kept, [{ column: "web_search_fee", value: parseUsd("0.01") }]);
  assertEquals("web_search_fee" in (writes[0] ?? {}), false);
});

Deno.test("what the operator set is left alone, is no quarantine, and changes when it is named", () => {
  const own = row({}, "operator");
  const left = planOne(own, { input_mtok: 100, output_mtok: 2 });
  assertEquals([left.state, left.writes, isQuarantined(left.price)], ["operator", [], false]);
  const named = planOne(own, { input_mtok: 100, output_mtok: 2 }, { accept: "openai:m" });
  assertEquals(named.writes.length, 1);
});

Deno.test("a new model comes with its name, its context window, and the safe side on reasoning", () => {
  const { writes, state } = planOne(null, { input_mtok: 1, output_mtok: 2 });
  assertEquals(state, "new");
  assertEquals(writes, [{
    provider_id: "openai",
    model_id: "m",
    expected_version: null,
    source: "a catalogue",
    display_name: "The M",
    hides_reasoning: true,
    max_input_tokens: 128_000,
    image_tokens_max: null,
    input_per_1k: "0.001",
    output_per_1k: "0.002",
  }]);
});

Deno.test("a new model's dearest image is what it is at another provider of ours; a sold one's stays", () => {
  const at = (providerId: string, modelId: string, tokens: number | null): PriceRow => {
    const one = row();
    return { ...one, providerId, modelId, limits: { ...one.limits, image_tokens_max: tokens } };
  };
  const sold = [at("azure", "m", 1445), at("openrouter", "m", 2489), at("xai", "other", 9)];
  const imagesOf = (ours: PriceRow | null, sold: readonly PriceRow[]) =>
    planOne(ours, { input_mtok: 2, output_mtok: 2 }, { sold }).writes[0]?.image_tokens_max;
  assertEquals(imagesOf(null, sold), 2489);
  assertEquals(imagesOf(null, [at("azure", "m", null)]), null);
  assertEquals(imagesOf(row(), sold), undefined);
});

async function secondSource(entries: Record<string, unknown>) {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(entries));
    return await openSecondSource(file);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a second source that disagrees by more than 1 % quarantines; by exactly 1 % it does not", async () => {
  const state = async (perToken: number, provider = "openai") =>
    planOne(row(), { input_mtok: 2, output_mtok: 2 }, {
      second: await secondSource({
        m: { input_cost_per_token: perToken, litellm_provider: provider },
      }),
    }).state;
  assertEquals(await state(2e-6), "change");
  assertEquals(await state(2.02e-6), "change");
  assertEquals(await state(2.0200001e-6), "quarantined");
  assertEquals(await state(1e-6), "quarantined");
  assertEquals(await state(1e-6, "azure"), "change", "another seller's price says nothing");
});

Deno.test("the second source is asked for the tier and the media too", async () => {
  const tier = { base: 2, tiers: [{ start: 200_000, price: 4 }] };
  const second = await secondSource({
    "openai/m": {
      input_cost_per_token: 2e-6,
      input_cost_per_token_above_200k_tokens: 5e-6,
      input_cost_per_audio_token: 1e-5,
    },
  });
  const prices = { input_mtok: tier, output_mtok: 2, input_audio_mtok: 11 };
  const { price } = planOne(row(), prices, { second });
  assertEquals(
    price.holds.map((hold) => hold.kind === "second_source" && hold.disagreement.column),
    ["input_audio_per_1k", "long_input_per_1k"],
  );
});

Deno.test("a second source that is no price list is refused by name, before anything is done", async () => {
  for (const bad of [[], { m: 5 }]) {
    const error = await secondSource(bad as Record<string, unknown>).catch((error) => error);
    assertEquals(error instanceof BadArgument, true);
  }
});

Deno.test("models are what is sold and what is named; --only leaves out the rest", () => {
  const catalogue = catalogueOf({ input_mtok: 1, output_mtok: 2 }, "other");
  const names = (choice: Partial<Choice>) =>
    candidatesOf([row()], catalogue, { ...CHOICE, ...choice }).map(({ modelId }) => modelId);
  assertEquals(names({}), ["m"]);
  assertEquals(names({ provider: ["openai"] }), ["m", "other"]);
  assertEquals(names({ model: ["openai:third"] }), ["m", "third"]);
  assertEquals(names({ model: ["openai:third"], only: true }), ["third"]);
  assertThrows(() => names({ provider: ["dashscope"] }), BadArgument, "prices set");
  assertThrows(() => names({ model: ["gpt-4o"] }), BadArgument, "provider:model");
});

Deno.test("what people read is aligned, says why, and has no colour off a terminal", () => {
  const { plan } = planOne(row(), { input_mtok: 100, output_mtok: 2.5 });
  const plain = planText(plan, "million", paintFor(false));
  assertEquals(plain.split("\n").slice(0, 5), [
    "Held back: look at each, then let it through with --accept provider:model",
    "  MODEL     PRICE   NOW  NEW  FACTOR",
    "  openai:m  input     1  100    ×100",
    "            output    2  2.5   ×1.25",
    "    ! input changes by more than 3× (×100)",
  ]);
  assertEquals(planText(plan, "million", paintFor(true)).includes("\u001b["), true);
});
