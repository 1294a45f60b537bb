/** The whole of chat-proxy on fakes: a ledger, a price cache and a provider under the test's hand. */
import { createPriceBook } from "../../../shared/pricing/price_book.ts";
import { parsePrice, type Price } from "../../../shared/pricing/price.ts";
import type { Ledger } from "../../../shared/credit/ledger.ts";
import type { FunctionSettings } from "../../../shared/credit/settings_cache.ts";
import type { Reservation, Settlement } from "../../../shared/credit/results.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { LOAD_DIALECT } from "../../../shared/llm/load_dialect.ts";
import type { ChatProxyDeps } from "../../../supabase/functions/chat-proxy/deps.ts";
import { fakeLedger, identifyDeps, PUBLISHABLE, SECRET } from "../fakes.ts";

export const ASKING = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };

export const priceOf = (changes: Record<string, unknown> = {}): Price =>
  parsePrice({
    price_version: 1,
    provider_id: "openai",
    model_id: "gpt-4o",
    input_per_1k: "0.0025",
    output_per_1k: "0.01",
    request_fee: "0",
    ...changes,
  });

export const RESERVATION: Reservation = {
  request_id: "r",
  amount: "0.01",
  output_tokens_reserved: 1000,
  output_tokens_limit: 1000,
  output_limited_by: "model",
  balance: "1",
  available: "0.99",
  price_version: 1,
  price: priceOf(),
  candidates: [{ model: "openai:gpt-4o", price: priceOf() }],
  markup_basis_points: 0,
  expires_at: "2026-01-01T00:00:00Z",
  would_refuse: null,
  guest_exchanges_left: null,
  enforcement: "enforce",
  requests_limit: null,
};

export const SETTLED: Settlement = {
  state: "settled",
  cost: "0.0012",
  collected: "0.0012",
  uncollected: "0",
  balance_before: "10",
  balance: "9.9988",
  basis: "reported",
  tokens: { input: 8, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 2 },
};

/** Settings that nobody has changed, without early starts. */
export const SETTINGS: FunctionSettings = {
  corsAllowedOrigins: ["*"],
  savesChatHistory: false,
  ownStoredItemsOnly: true,
};

/** The provider's whole answer. */
export const wholeAnswer = () =>
  Response.json({
    id: "chatcmpl-1",
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
  });

export type Proxy = {
  deps: ChatProxyDeps;
  /** Ledger calls and, as `["fetch", body]`, requests to the provider, in order. */
  steps: [name: string, ...args: unknown[]][];
  /** What was given to `waitUntil`. */
  background: Promise<unknown>[];
};

/** What the function stands on. By default everything goes well and nothing takes time. */
export function proxyOn(
  options: {
    ledger?: Partial<Ledger>;
    provider?: () => Response | Promise<Response>;
    cached?: Price;
    /** More prices in the book. */
    others?: readonly Price[];
    /** What the book has only when it is read again. */
    pricedSince?: readonly Price[];
    variables?: Record<string, string>;
  } = {},
): Proxy {
  const background: Promise<unknown>[] = [];
  const { ledger, calls: steps } = fakeLedger({
    reserve: () => Promise.resolve(RESERVATION),
    settle: () => Promise.resolve(SETTLED),
    release: () => Promise.resolve({ state: "released" }),
    recordIncident: () => Promise.resolve(null),
    rememberStoredItems: () => Promise.resolve(null),
    ...options.ledger,
  });
  const variables: Record<string, string> = {
    SUPABASE_URL: "http://127.0.0.1:9",
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET }),
    OPENAI_API_KEY: "sk-test",
    ...options.variables,
  };
  const known = [options.cached ?? priceOf(), ...(options.others ?? [])];
  const hint = { book: createPriceBook(known), markupBasisPoints: 0 };
  const newer = options.pricedSince &&
    { ...hint, book: createPriceBook([...known, ...options.pricedSince]) };
  const deps: ChatProxyDeps = {
    env: readEnv((name) => variables[name]),
    ledger,
    prices: {
      read: () => Promise.resolve(hint),
      readNewer: () => Promise.resolve(newer ?? hint),
    },
    settings: {
      read: () => Promise.resolve(SETTINGS),
    },
    identify: identifyDeps(),
    dialects: LOAD_DIALECT,
    fetch: (_, init) => {
      steps.push(["fetch", JSON.parse(String(init?.body))]);
      return Promise.resolve((options.provider ?? wholeAnswer)());
    },
    waitUntil: (promise) => void background.push(promise),
    now: Date.now,
    sleep: () => Promise.resolve(),
    recordLater: (incident) => void steps.push(["recordLater", incident]),
  };
  return { deps, steps, background };
}
