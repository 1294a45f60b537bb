/** What was used, in disjoint classes: a token is in exactly one, and reasoning is in `output`. */

/** The classes of token that have a price, input first. */
export const TOKEN_CLASSES = [
  "input",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
  "output",
] as const;

export type TokenClass = typeof TOKEN_CLASSES[number];

/** The classes that a prompt is made of. */
export const PROMPT_CLASSES = ["input", "cache_read", "cache_write_5m", "cache_write_1h"] as const;

/** Counts by class: whole, 0 or more. `input` is what was neither read from nor written to a cache. */
export type Tokens = Readonly<Record<TokenClass, number>>;

/**
 * Where counts come from. `reported`: the provider said so. `estimated`: counted from the text that
 * was received. `checkpoint`: what was known when a worker died.
 */
export type Basis = "reported" | "estimated" | "checkpoint";

/** Counts and where they come from. A usage that is not known is `null`, never zeros. */
export interface Usage {
  readonly tokens: Tokens;
  readonly basis: Basis;
}

/** No tokens: a known zero. Not to be used for "unknown". */
export const ZERO_TOKENS: Tokens = Object.freeze({
  input: 0,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  output: 0,
});

/** Tokens of the prompt, all classes: what the long-context tier is decided by. */
export function promptTokens(tokens: Tokens): number {
  return tokens.input + tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h;
}

/** Tells whether nothing at all was used. */
export function isZero(tokens: Tokens): boolean {
  return promptTokens(tokens) === 0 && tokens.output === 0;
}
