/** The balance function over a faked ledger and a few prices. */
import type { Ledger } from "../../shared/credit/ledger.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { LOAD_DIALECT } from "../../shared/llm/load_dialect.ts";
import { createPriceBook } from "../../shared/pricing/price_book.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { createHandler } from "../../supabase/functions/balance/handler.ts";
import { AS_USER, fakeLedger, identifyDeps, send as sendTo } from "./fakes.ts";

const ACCOUNT = {
  balance: "9.9988000001",
  reserved: "0.5",
  available: "9.4988000001",
  currency: "USD",
};
type PriceOf = [provider: string, model: string, outputMax: number | null, more?: object];
const PRICES: readonly PriceOf[] = [
  ["openai", "gpt-4o", 16_384],
  ["openai", "gpt-unlimited", null],
  ["azure", "shared", 100],
  ["openai", "shared", 100],
  ["openai", "searching", 1000, { web_search_fee: "0.01" }],
  ["google", "drawing", 1000, { output_image_per_1k: "0.03", input_image_per_1k: "0.003" }],
];

const priceOf = ([provider_id, model_id, max_output_tokens, more]: PriceOf) =>
  parsePrice({
    provider_id,
    model_id,
    price_version: 3,
    input_per_1k: "0.0025",
    output_per_1k: "0.01",
    max_input_tokens: 128_000,
    max_output_tokens,
    ...more,
  });

/** Sends requests to the function as anyone, or with `get` as the user that `as` makes. */
export function setUp(answers: Partial<Ledger>, as: "user" | "anonymous" | Refusal = "user") {
  const { ledger, calls } = fakeLedger(answers);
  const prices = PRICES.map(priceOf);
  const hint = { book: createPriceBook(prices), markupBasisPoints: 1000 };
  const newer = createPriceBook([...prices, { ...prices[0]!, modelId: "priced-since" }]);
  const handler = createHandler({
    ledger,
    prices: {
      read: () => Promise.resolve(hint),
      readNewer: () => Promise.resolve({ ...hint, book: newer }),
    },
    identify: identifyDeps(as),
    prompts: LOAD_DIALECT,
    freeGuestExchanges: 3,
    maxBodyBytes: 10_000,
    readOrigins: () => Promise.resolve(["*"]),
  });
  const send = (path: string, init?: RequestInit) => sendTo(handler, path, init);
  return { calls, send, get: (path: string) => send(path, { headers: AS_USER }) };
}

/** The ledger's answer about the user's account. */
export const account = () => Promise.resolve(ACCOUNT);
