import { assert, assertEquals } from "@std/assert";
import type { CatalogueModel } from "../../cli/prices/catalogue.ts";
import { findModel, openCatalogue, PACKAGE_VERSION } from "../../cli/prices/catalogue.ts";
import { dearest, toColumns } from "../../cli/prices/convert.ts";
import { effectivePrices } from "../../cli/prices/effective.ts";
import { namesOf, PRICED_PROVIDERS } from "../../cli/prices/providers.ts";
import { hidesReasoning } from "../../cli/prices/reasoning.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import config from "../../deno.json" with { type: "json" };

const NOW = new Date("2026-11-22T12:00:00Z");

/** The columns that a list sets, as decimal strings, or why it sets none. */
function converted(conversion: ReturnType<typeof toColumns>): unknown {
  if (conversion.kind === "unusable") return conversion.reason;
  const { amounts, thresholdTokens } = conversion.columns;
  const set = Object.entries(amounts).flatMap(([name, amount]) =>
    amount === null ? [] : [[name, formatUsd(amount)]]
  );
  return {
    ...Object.fromEntries(set),
    ...(thresholdTokens !== null && { long_context_threshold_tokens: thresholdTokens }),
  };
}

function model(prices: CatalogueModel["prices"]): CatalogueModel {
  return { id: "m", match: { equals: "m" }, prices };
}

Deno.test("every key with a column goes to that column, searches and requests as a fee each", () => {
  assertEquals(
    converted(toColumns({
      input_mtok: 2.5,
      output_mtok: 10,
      cache_read_mtok: 1.25,
      cache_write_mtok: 3.125,
      cache_write_1h_mtok: 5,
      input_audio_mtok: 40,
      cache_audio_read_mtok: 2.5,
      output_audio_mtok: 80,
      input_image_mtok: 5,
      output_image_mtok: 32,
      web_searches_kcount: 10,
      requests_kcount: 12,
      storage_searches_kcount: 2.5,
    })),
    {
      input_per_1k: "0.0025",
      output_per_1k: "0.01",
      cache_read_per_1k: "0.00125",
      cache_write_5m_per_1k: "0.003125",
      cache_write_1h_per_1k: "0.005",
      input_audio_per_1k: "0.04",
      cache_read_audio_per_1k: "0.0025",
      output_audio_per_1k: "0.08",
      input_image_per_1k: "0.005",
      output_image_per_1k: "0.032",
      web_search_fee: "0.01",
      request_fee: "0.012",
    },
  );
});

Deno.test("a long-context tier fills the long columns and the threshold", () => {
  const tier = (base: number, price: number) => ({ base, tiers: [{ start: 200_000, price }] });
  assertEquals(converted(toColumns({ input_mtok: tier(3, 6), output_mtok: tier(15, 22.5) })), {
    input_per_1k: "0.003",
    output_per_1k: "0.015",
    long_input_per_1k: "0.006",
    long_output_per_1k: "0.0225",
    long_context_threshold_tokens: 200_000,
  });
});

Deno.test("what no column can hold exactly is not taken over by halves, and says why", () => {
  const text = { input_mtok: 1, output_mtok: 2 };
  const tiers = (...starts: number[]) => ({
    base: 1,
    tiers: starts.map((start) => ({ start, price: 2 })),
  });
  const cases: [Parameters<typeof toColumns>[0], RegExp][] = [
    [{ input_mtok: 1 }, /no price for input and output/],
    [{}, /no price for input and output/],
    [{ ...text, cache_read_mtok: 0.003625 }, /cache_read_mtok of 0.003625 has too many decimals/],
    [{ ...text, output_citation_mtok: 2 }, /output_citation_mtok has no column/],
    [{ ...text, output_reasoning_mtok: 3 }, /output_reasoning_mtok costs other than output_mtok/],
    [{ ...text, never_seen_mtok: 3 }, /never_seen_mtok has no column/],
    [{ ...text, input_mtok: tiers(100, 200) }, /more than two tiers/],
    [{ ...text, input_audio_mtok: tiers(100) }, /has tiers, and one column/],
    [{ input_mtok: tiers(100), output_mtok: tiers(200) }, /tiers from 100 and 200 tokens/],
  ];
  for (const [prices, reason] of cases) assert(reason.test(String(converted(toColumns(prices)))));
  // Reasoning that costs what other output costs needs no column.
  assertEquals(toColumns({ ...text, output_reasoning_mtok: 2 }).kind, "columns");
});

Deno.test("an effective-dated price counts from midnight UTC of its day, and is coming until then", () => {
  const dated = model([
    { prices: { input_mtok: 10, output_mtok: 40 } },
    { constraint: { start_date: "2026-06-10" }, prices: { input_mtok: 2, output_mtok: 8 } },
    { constraint: { start_date: "2027-01-01" }, prices: { input_mtok: 1, output_mtok: 4 } },
  ]);
  const inputs = (now: string) => {
    const { today, coming } = effectivePrices(dated, new Date(now));
    return [today.map((prices) => prices["input_mtok"]), coming.map(({ from }) => from)];
  };
  assertEquals(inputs("2026-06-09T23:59:59Z"), [[10], ["2026-06-10", "2027-01-01"]]);
  assertEquals(inputs("2026-06-10T00:00:00Z"), [[2], ["2027-01-01"]]);
  assertEquals(inputs("2027-01-01T00:00:00Z"), [[1], []]);
});

Deno.test("a price that is wholly to come is no price yet", () => {
  const future = model([
    { constraint: { start_date: "2027-01-01" }, prices: { input_mtok: 1, output_mtok: 4 } },
  ]);
  assertEquals(dearest(effectivePrices(future, NOW).today), {
    kind: "unusable",
    reason: "no price of it is in force yet",
  });
});

Deno.test("of prices by the time of day the dearest counts, column by column, whatever the hour", () => {
  const byHour = model([
    { prices: { input_mtok: 9, output_mtok: 9 } },
    { constraint: { start_date: "2026-08-17" }, prices: { input_mtok: 0.2, output_mtok: 0.9 } },
    {
      constraint: { start_time: "01:00:00Z", end_time: "04:00:00Z" },
      prices: { input_mtok: 0.4, output_mtok: 0.8 },
    },
  ]);
  for (const hour of ["02", "12"]) {
    const { today } = effectivePrices(byHour, new Date(`2026-11-22T${hour}:00:00Z`));
    assertEquals(converted(dearest(today)), { input_per_1k: "0.0004", output_per_1k: "0.0009" });
  }
});

Deno.test("the packaged catalogue is the pinned one, and is parsed for every provider that it prices", async () => {
  assertEquals(
    config.imports["@pydantic/genai-prices"],
    `npm:@pydantic/genai-prices@${PACKAGE_VERSION}`,
  );
  const catalogue = await openCatalogue();
  for (const id of PRICED_PROVIDERS) {
    const { models } = catalogue.provider(namesOf(id).catalogue ?? "") ?? { models: [] };
    assert(models.length > 0, id);
    for (const model of models) {
      const price = dearest(effectivePrices(model, NOW).today);
      if (price.kind === "unusable") continue;
      // Exactly what the column holds: no float artefact survives.
      for (const [column, amount] of Object.entries(price.columns.amounts)) {
        if (amount === null || column.endsWith("_fee")) continue;
        assertEquals(amount % 1000n, 0n, `${id}:${model.id} ${column}`);
      }
    }
  }
});

Deno.test("a model is found by its id, else by the catalogue's rule, and only at its own provider", async () => {
  const catalogue = await openCatalogue();
  assertEquals(findModel(catalogue, "openai", "gpt-4o")?.id, "gpt-4o");
  assertEquals(findModel(catalogue, "x-ai", "grok-4")?.id, "grok-4-0709");
  assertEquals(findModel(catalogue, "azure", "gpt-4o")?.id, "gpt-4o", "as its maker prices it");
  assertEquals(findModel(catalogue, "groq", "gpt-4o"), undefined);
  assertEquals(catalogue.provider("chatgpt"), undefined, "no provider by mere likeness");
});

Deno.test("a family that is known to show its reasoning, or to have none, is so; any other hides it", () => {
  const shown = ["gpt-4o", "gpt-4.1-mini", "gemini-2.0-flash", "gemini-1.5-pro", "grok-3"];
  const shownToo = ["claude-3-7-sonnet", "deepseek-reasoner", "openai/gpt-4o", "llama-3.3-70b"];
  const hidden = ["gpt-5", "gpt-6-sol", "o3", "o1-pro", "gemini-2.5-pro", "gemini-3-pro-preview"];
  const hiddenToo = ["grok-3-mini", "grok-4", "claude-opus-4-8", "openai/o3", "who-knows-1"];
  for (const name of [...shown, ...shownToo]) assertEquals(hidesReasoning(name), false, name);
  for (const name of [...hidden, ...hiddenToo]) assertEquals(hidesReasoning(name), true, name);
});
