/**
 * Prices that no two classes and no two providers share, and what an answer costs by them, counted
 * here once more: not by the code that is being tested.
 */
import { TOKEN_CLASSES, type TokenClass, type Tokens } from "../../shared/pricing/usage.ts";
import type { Sql } from "../support/connect.ts";
import { exact } from "../support/charges.ts";

/** What every provider's model is called here. */
export const MODEL = "replay";

/** Something more than what it costs, so that rounding shows. */
export const MARKUP_BASIS_POINTS = 1_237n;

/** Counts of 1e-7 USD per 1,000 tokens: prime, so that no sum of some looks like another. */
const BASE: Readonly<Record<TokenClass, bigint>> = {
  input: 11_003n,
  cache_read: 3_001n,
  cache_write_5m: 17_011n,
  cache_write_1h: 29_009n,
  output: 53_003n,
};
const REQUEST_FEE = "0.0000123457";
const WEB_SEARCH_FEE = "0.0101";

export interface Prices {
  readonly per1k: Readonly<Record<TokenClass, bigint>>;
  readonly requestFee: bigint;
  readonly webSearchFee: bigint;
}

/** The prices of a model; another `offset`, others. */
export function pricesAt(offset: number): Prices {
  const moved = TOKEN_CLASSES.map((name, i) => [name, BASE[name] + BigInt(offset * (13 + 2 * i))]);
  return {
    per1k: Object.fromEntries(moved),
    requestFee: exact(REQUEST_FEE),
    webSearchFee: exact(WEB_SEARCH_FEE),
  };
}

/** Puts them on the list. Before the first request: the functions read the list then. */
export async function insertPrices(
  sql: Sql,
  provider: string,
  model: string,
  { per1k }: Prices,
): Promise<void> {
  const usd = (name: TokenClass) => `${per1k[name]}e-7`;
  await sql`
    insert into public.model_pricing (
      provider_id, model_id, display_name, source, request_fee, web_search_fee, input_per_1k,
      cache_read_per_1k, cache_write_5m_per_1k, cache_write_1h_per_1k, output_per_1k
    ) values (
      ${provider}, ${model}, 'A replay', 'a test', ${REQUEST_FEE}, ${WEB_SEARCH_FEE},
      ${usd("input")}, ${usd("cache_read")}, ${usd("cache_write_5m")}, ${usd("cache_write_1h")},
      ${usd("output")}
    )`;
}

/** Tokens × price, in counts of 1e-10 USD: 1e-7 USD per 1,000 tokens are as many a token. */
export function costOfTokens(tokens: Tokens, { per1k }: Prices): bigint {
  return TOKEN_CLASSES.reduce((sum, name) => sum + BigInt(tokens[name]) * per1k[name], 0n);
}

/** With the markup, rounded up once. */
export function markedUp(cost: bigint): bigint {
  const scaled = cost * (10_000n + MARKUP_BASIS_POINTS);
  return scaled / 10_000n + (scaled % 10_000n === 0n ? 0n : 1n);
}
