import { assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../shared/credit/ledger.ts";
import type { FunctionSettings } from "../../shared/credit/results.ts";
import { createSettingsCache } from "../../shared/credit/settings_cache.ts";
import { fakeDataApi } from "./fake_data_api.ts";

const UNSET: FunctionSettings = {
  cors_allowed_origins: null,
  save_chat_history: false,
  own_stored_items_only: true,
};
const OF_ENV = ["https://env.example"];

/** A cache over a ledger that answers what the test says, and a clock that it turns. */
function setUp(
  answer: () => Promise<FunctionSettings | null>,
  saveChatHistory: "on" | "off" = "off",
) {
  const state = { asked: 0, nowMs: 0, answer, failures: 0, refreshes: [] as Promise<unknown>[] };
  const cache = createSettingsCache({
    ledger: {
      functionSettings() {
        state.asked++;
        return state.answer();
      },
    },
    env: { corsAllowedOrigins: OF_ENV, saveChatHistory },
    now: () => state.nowMs,
    waitUntil: (refresh) => state.refreshes.push(refresh),
    onRefreshError: () => state.failures++,
    timeoutMs: 20,
  });
  return { state, cache };
}

const resolved = (settings: Partial<FunctionSettings>) => () =>
  Promise.resolve({ ...UNSET, ...settings });
const away = () => Promise.reject(new LedgerUnavailable("function_settings", "network"));

Deno.test("what is not set is what the environment says, and what is set counts instead", async () => {
  const { state, cache } = setUp(resolved({}));
  assertEquals(await cache.read(), {
    corsAllowedOrigins: OF_ENV,
    savesChatHistory: false,
    ownStoredItemsOnly: true,
  });
  state.answer = resolved({
    cors_allowed_origins: ["https://set.example"],
    save_chat_history: true,
  });
  state.nowMs = 5_000;
  assertEquals(await cache.read(), {
    corsAllowedOrigins: ["https://set.example"],
    savesChatHistory: true,
    ownStoredItemsOnly: true,
  });
});

Deno.test("history is saved where the environment says so, whatever the setting says", async () => {
  assertEquals((await setUp(resolved({}), "on").cache.read()).savesChatHistory, true);
  assertEquals(
    (await setUp(() => Promise.resolve(null), "on").cache.read()).savesChatHistory,
    true,
  );
});

Deno.test("whose an answer is, is asked while nothing is known, and not of migrations that cannot say", async () => {
  const asks = async (answer: () => Promise<FunctionSettings | null>) =>
    (await setUp(answer).cache.read()).ownStoredItemsOnly;
  assertEquals(await asks(away), true);
  assertEquals(await asks(resolved({ own_stored_items_only: false })), false);
  const older = { cors_allowed_origins: null, save_chat_history: false };
  assertEquals(await asks(() => Promise.resolve(older)), false);
  assertEquals(await asks(() => Promise.resolve(null)), false);
});

Deno.test("a change is seen by the first request 5 seconds later, and a busy isolate waits for none", async () => {
  const { state, cache } = setUp(resolved({ cors_allowed_origins: ["https://old.example"] }));
  await cache.read();
  state.answer = resolved({ cors_allowed_origins: ["https://new.example"] });
  state.nowMs = 3_999;
  await cache.read();
  assertEquals(state.asked, 1);
  state.nowMs = 4_000;
  assertEquals((await cache.read()).corsAllowedOrigins, ["https://old.example"], "behind it");
  await Promise.all(state.refreshes);
  assertEquals((await cache.read()).corsAllowedOrigins, ["https://new.example"]);
  assertEquals(state.asked, 2);
});

Deno.test("on a cold isolate a ledger that is away, or silent, leaves what the environment says, after the timeout at most", async () => {
  for (const answer of [away, () => new Promise<never>(() => {})]) {
    const { state, cache } = setUp(answer);
    const { corsAllowedOrigins, savesChatHistory } = await cache.read();
    assertEquals([corsAllowedOrigins, savesChatHistory], [OF_ENV, false]);
    await cache.read();
    assertEquals([state.asked, state.failures], [1, 1], "asked once, not with every request");
  }
});

Deno.test("during an outage the last word of the ledger counts", async () => {
  const { state, cache } = setUp(resolved({ cors_allowed_origins: [] }));
  await cache.read();
  state.answer = away;
  state.nowMs = 60_000;
  assertEquals((await cache.read()).corsAllowedOrigins, []);
});

Deno.test("100 requests of a cold isolate ask once", async () => {
  const { state, cache } = setUp(resolved({}));
  await Promise.all(Array.from({ length: 100 }, () => cache.read()));
  assertEquals(state.asked, 1);
});

Deno.test("migrations that do not know the function yet are no outage: there is nothing set", async () => {
  const missing = fakeDataApi(() =>
    Response.json({ code: "PGRST202", message: "Could not find the function" }, { status: 404 })
  );
  assertEquals(await missing.ledger.functionSettings(), null);
  const known = fakeDataApi(() => Response.json(UNSET));
  assertEquals(await known.ledger.functionSettings(), UNSET);
});

Deno.test("the day's bound on early starts comes with when it was asked for; absent where they are off, or unknown", async () => {
  const early_starts = { loss_left: "0.25", minimum_balance: "0.01" };
  const { cache, state } = setUp(resolved({ early_starts }));
  state.nowMs = 7;
  assertEquals((await cache.read()).earlyStarts, {
    lossLeft: 2_500_000_000n,
    minimumBalance: 100_000_000n,
    askedAtMs: 7,
  });
  for (const off of [{ early_starts: null }, {}]) {
    assertEquals("earlyStarts" in await setUp(resolved(off)).cache.read(), false);
  }
});
