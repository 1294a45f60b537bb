import { assertEquals, assertMatch } from "@std/assert";
import type { PriceChange } from "../../shared/credit/prices.ts";
import type { Query } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  asRole,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

/** A good change of `openai:gpt-4o`, whose seeded version is read first. */
async function change(sql: Query, columns: Record<string, unknown>): Promise<PriceChange> {
  const [row] = await sql`select price_version from model_pricing where model_id = 'gpt-4o'`;
  return {
    provider_id: "openai",
    model_id: "gpt-4o",
    expected_version: Number(row?.["price_version"]),
    source: "a test",
    ...columns,
  };
}

const NEW: PriceChange = {
  provider_id: "openai",
  model_id: "gpt-99",
  expected_version: null,
  source: "a test",
  input_per_1k: "0.001",
  output_per_1k: "0.002",
};

async function setPrices(sql: Query, prices: unknown) {
  const text = JSON.stringify(prices);
  const [row] = await sql`select public.set_prices(${text}::text::jsonb) as answer`;
  return row?.["answer"];
}

Deno.test("prices are set as they were sent, unnamed columns stay, and the version says what was done", () =>
  withDatabase(async ({ sql, service }) => {
    const four = await change(sql, { output_per_1k: "0.0123457", input_audio_per_1k: "0.04" });
    const [added, changed] = await setPrices(service, [NEW, four]).then((all) => all.toReversed());
    assertEquals([added.state, changed.state], ["added", "changed"]);
    const rows = await sql`
      select model_id, input_per_1k::text, output_per_1k::text, input_audio_per_1k::text,
        cache_read_per_1k::text, hides_reasoning, display_name, source, price_version
      from model_pricing where model_id in ('gpt-4o', 'gpt-99') order by model_id`;
    assertEquals(rows.map((row) => Object.values(row).slice(0, -1)), [
      ["gpt-4o", "0.0025000", "0.0123457", "0.0400000", "0.0012500", false, "GPT-4o", "a test"],
      ["gpt-99", "0.0010000", "0.0020000", null, null, true, "gpt-99", "a test"],
    ]);
    assertEquals(rows.map((row) => Number(row["price_version"])), [
      changed.price_version,
      added.price_version,
    ]);
  }));

Deno.test("one bad price of many: none of them is set", () =>
  withDatabase(async ({ sql, service }) => {
    const before = await sql`select * from model_pricing order by provider_id, model_id`;
    const good = await change(sql, { output_per_1k: "0.011" });
    // Both pass what is asked of them as texts; the table's own constraints refuse the second.
    const refusal = await refusalOf(
      setPrices(service, [good, { ...NEW, input_per_1k: "10" }]),
    );
    assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
    assertEquals(await sql`select * from model_pricing order by provider_id, model_id`, before);
  }));

const BAD_PRICES: Record<string, Record<string, unknown>> = {
  "an unknown column": { input_per_1m: "2.5" },
  "a version of its own": { price_version: 1 },
  "a JSON number as an amount": { input_per_1k: 0.0025 },
  "an eighth decimal": { input_per_1k: "0.00000001" },
  "an eleventh decimal of a fee": { web_search_fee: "0.00000000001" },
  "a negative amount": { input_per_1k: "-0.001" },
  "an exponent": { input_per_1k: "1e-3" },
  "NaN": { input_per_1k: "NaN" },
  "a price per million": { input_per_1k: "10" },
  "no input price": { input_per_1k: null },
  "half a token": { max_input_tokens: 0.5 },
  "no token": { max_input_tokens: 0 },
  "a text for yes": { hides_reasoning: "yes" },
  "an empty source": { source: "" },
  "no source": { source: null },
};

for (const [fault, columns] of Object.entries(BAD_PRICES)) {
  Deno.test(`set_prices with ${fault} is INVALID_ARGUMENT, and nothing is set`, () =>
    withDatabase(async ({ sql, service }) => {
      for (const price of [{ ...NEW, ...columns }, await change(sql, columns)]) {
        const refusal = await refusalOf(setPrices(service, [price]));
        assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
      }
      const [count] = await sql`
        select count(*)::int as n from model_pricing where source = 'a test'`;
      assertEquals(count?.["n"], 0);
    }));
}

Deno.test("what is no list of prices, or says of no version, is INVALID_ARGUMENT", () =>
  withDatabase(async ({ service }) => {
    const { expected_version: _, ...unversioned } = NEW;
    const { output_per_1k: __, ...halved } = NEW;
    for (const bad of [null, {}, [], [null], ["a"], [unversioned], [halved]]) {
      const refusal = await refusalOf(setPrices(service, bad));
      assertEquals(refusal.code, "INVALID_ARGUMENT", JSON.stringify(bad));
    }
  }));

Deno.test("a price that changed since it was read is not overwritten unseen", () =>
  withDatabase(async ({ sql, service }) => {
    const stale = await change(sql, { output_per_1k: "0.011" });
    await sql`update model_pricing set output_per_1k = 0.02 where model_id = 'gpt-4o'`;
    for (
      const price of [stale, { ...stale, expected_version: null }, { ...NEW, expected_version: 1 }]
    ) {
      const refusal = await refusalOf(setPrices(service, [price]));
      assertEquals([refusal.sqlstate, refusal.code], ["PT409", "KEY_CONFLICT"]);
    }
    await setPrices(service, [NEW]);
    assertEquals((await refusalOf(setPrices(service, [NEW]))).code, "KEY_CONFLICT", "added twice");
    assertEquals(
      (await refusalOf(setPrices(service, [
        { ...NEW, model_id: "twice" },
        { ...NEW, model_id: "twice" },
      ]))).code,
      "KEY_CONFLICT",
      "twice in one call",
    );
  }));

Deno.test("two syncs at once: one is written, the other is told, in whatever order they name models", () =>
  withDatabase(async ({ sql, service }) => {
    const prices = await sql`
      select provider_id, model_id, price_version::int as expected_version, 'a test' as source
      from model_pricing`;
    const both = await Promise.allSettled([
      setPrices(service, prices.map((price) => ({ ...price, output_per_1k: "0.05" }))),
      setPrices(service, prices.map((price) => ({ ...price, output_per_1k: "0.06" })).toReversed()),
    ]);
    assertEquals(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const amounts = await sql`select distinct output_per_1k from model_pricing`;
    assertEquals(amounts.length, 1);
  }));

Deno.test("a price that is so already makes no version", () =>
  withDatabase(async ({ sql, service }) => {
    const [seeded] = await sql`select source from model_pricing where model_id = 'gpt-4o'`;
    const same = await change(sql, { output_per_1k: "0.01", source: seeded?.["source"] });
    const [{ state, price_version }] = await setPrices(service, [same]);
    assertEquals([state, price_version], ["unchanged", same.expected_version]);
  }));

Deno.test("a request that was reserved before a sync is charged at its old version", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const before = await reserve(service, { userId });
    await setPrices(service, [await change(sql, { input_per_1k: "0.005", output_per_1k: "0.02" })]);
    const after = await reserve(service, { userId });
    // 100 × 0.0025 + 100 × 0.01, per thousand; then twice that.
    assertEquals((await settle(service, before.requestId, 100, 100))["cost"], "0.00125");
    assertEquals((await settle(service, after.requestId, 100, 100))["cost"], "0.0025");
    await assertReconciled(sql);
  }));

Deno.test("the history has every version, newest first, each from the end of the one before", () =>
  withDatabase(async ({ sql, service }) => {
    await setPrices(service, [await change(sql, { output_per_1k: "0.011" })]);
    const ask = { p_provider_id: "openai", p_model_id: "gpt-4o" };
    const versions = await call<Record<string, unknown>[]>(service, "price_history", ask);
    const [newest, previous] = versions;
    assertEquals(
      [newest?.["output_per_1k"], previous?.["output_per_1k"], newest?.["effective_to"]],
      ["0.011", "0.01", null],
    );
    assertEquals(newest?.["effective_from"], previous?.["effective_to"]);
    assertEquals(newest?.["source"], "a test");
    const none = await call(service, "price_history", { ...ask, p_model_id: "gpt-99" });
    assertEquals(none, [] as unknown as Record<string, unknown>);
  }));

Deno.test("users and guests can neither set prices nor read their history", () =>
  withDatabase(async ({ sql }) => {
    for (const role of ["anon", "authenticated"] as const) {
      for (const text of ["set_prices('[]')", "price_list()", "price_history('a', 'b')"]) {
        const attempt = asRole(sql, role, {}, (role) => role.unsafe(`select public.${text}`));
        const error = await attempt.then(() => null, (error: Error) => error);
        assertMatch(error?.message ?? "it ran", /permission denied/, `${role}: ${text}`);
      }
    }
  }));
