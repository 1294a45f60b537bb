import { assertEquals, assertRejects } from "@std/assert";
import { type Catalogue, LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { createPriceCache } from "../../shared/credit/price_cache.ts";
import { parsePrice } from "../../shared/pricing/price.ts";

const MINUTE_MS = 60_000;

function catalogue(modelId: string): Catalogue {
  const price = parsePrice({
    provider_id: "openai",
    model_id: modelId,
    price_version: 1,
    input_per_1k: "0.0025",
    output_per_1k: "0.01",
  });
  return { prices: [price], markupBasisPoints: 100 };
}

/** A cache over a ledger whose answers the test gives, one a question, and a clock it turns. */
function setUp() {
  const state = { asked: 0, nowMs: 0, failures: 0, refreshes: [] as Promise<unknown>[] };
  let pending = Promise.withResolvers<Catalogue>();
  const cache = createPriceCache({
    ledger: {
      pricingCatalogue() {
        state.asked++;
        return pending.promise;
      },
    },
    now: () => state.nowMs,
    waitUntil: (refresh) => state.refreshes.push(refresh),
    onRefreshError: () => state.failures++,
  });
  const next = () => {
    const answered = pending;
    pending = Promise.withResolvers<Catalogue>();
    return answered;
  };
  const models = async () => (await cache.read()).book.prices.map((price) => price.modelId);
  return { state, cache, next, models };
}

Deno.test("100 first readers ask the ledger once and all get its prices", async () => {
  const { state, cache, next } = setUp();
  const readers = Promise.all(Array.from({ length: 100 }, () => cache.read()));
  next().resolve(catalogue("gpt-4o"));
  assertEquals(new Set(await readers).size, 1);
  assertEquals(state.asked, 1);
  assertEquals((await cache.read()).markupBasisPoints, 100);
});

Deno.test("after 5 minutes the old prices are served while one refresh is under way", async () => {
  const { state, models, next } = setUp();
  const first = models();
  next().resolve(catalogue("old"));
  assertEquals(await first, ["old"]);

  state.nowMs = 5 * MINUTE_MS - 1;
  await models();
  assertEquals(state.asked, 1);
  state.nowMs = 5 * MINUTE_MS;
  assertEquals(await models(), ["old"]);
  assertEquals(await models(), ["old"]);
  assertEquals([state.asked, state.refreshes.length], [2, 1]);

  next().resolve(catalogue("new"));
  await state.refreshes[0];
  assertEquals(await models(), ["new"]);
  assertEquals(state.asked, 2);
});

Deno.test("a failed refresh keeps the old prices and is tried again after 10 seconds, not before", async () => {
  const { state, models, next } = setUp();
  const first = models();
  next().resolve(catalogue("old"));
  await first;

  state.nowMs = 6 * MINUTE_MS;
  await models();
  next().reject(new LedgerUnavailable("pricing_catalogue", "timeout"));
  await state.refreshes[0];
  assertEquals([await models(), state.asked, state.failures], [["old"], 2, 1]);
  state.nowMs += 10_000;
  await models();
  assertEquals(state.asked, 3);
});

Deno.test("with nothing ever read an outage is thrown, and the next reader asks again", async () => {
  const { state, cache, models, next } = setUp();
  const first = cache.read();
  next().reject(new LedgerUnavailable("pricing_catalogue", "network"));
  await assertRejects(() => first, LedgerUnavailable);
  const second = models();
  next().resolve(catalogue("gpt-4o"));
  assertEquals([await second, state.asked], [["gpt-4o"], 2]);
});

Deno.test("prices of an isolate that idled 15 minutes are refreshed before use, by one question", async () => {
  const { state, models, next } = setUp();
  const first = models();
  next().resolve(catalogue("old"));
  await first;

  state.nowMs = 15 * MINUTE_MS;
  const readers = Promise.all([models(), models()]);
  next().resolve(catalogue("new"));
  assertEquals(await readers, [["new"], ["new"]]);
  assertEquals(state.asked, 2);
});

Deno.test("prices older than 15 minutes are served all the same while the ledger is away", async () => {
  const { state, models, next } = setUp();
  const first = models();
  next().resolve(catalogue("old"));
  await first;

  state.nowMs = 20 * MINUTE_MS;
  const second = models();
  next().reject(new LedgerUnavailable("pricing_catalogue", "timeout"));
  assertEquals([await second, await models(), state.asked, state.failures], [
    ["old"],
    ["old"],
    2,
    1,
  ]);
  state.nowMs += 10_000;
  const third = models();
  next().resolve(catalogue("new"));
  assertEquals(await third, ["new"]);
});

Deno.test("a model that was just priced is found at once: newer prices are asked for and waited for", async () => {
  const { state, cache, next } = setUp();
  const first = cache.read();
  next().resolve(catalogue("old"));
  const old = await first;

  const readers = Promise.all([cache.readNewer(old), cache.readNewer(old), cache.readNewer(old)]);
  next().resolve(catalogue("new"));
  const [newer, ...others] = await readers;
  assertEquals(newer?.book.prices[0]?.modelId, "new");
  assertEquals(others, [newer, newer]);
  assertEquals(await cache.readNewer(old), newer, "who comes late gets what was read since");
  assertEquals(state.asked, 2);
});

Deno.test("newer prices are asked for at most once in 5 seconds, and an outage leaves the old ones", async () => {
  const { state, cache, next } = setUp();
  const first = cache.read();
  next().resolve(catalogue("old"));
  const old = await first;

  const failing = cache.readNewer(old);
  next().reject(new LedgerUnavailable("pricing_catalogue", "network"));
  assertEquals([await failing, state.failures], [old, 1]);
  state.nowMs = 4_999;
  assertEquals([await cache.readNewer(old), state.asked], [old, 2]);
  state.nowMs = 5_000;
  const again = cache.readNewer(old);
  next().resolve(catalogue("new"));
  assertEquals((await again).book.prices[0]?.modelId, "new");
  assertEquals(state.asked, 3);
});
