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
 * Sound and images, where the provider tells them apart: each is inside the class that its name
 * begins with (`input_audio` is inside `input`), and may have a price of its own.
 */
export const MEDIA_CLASSES = [
  "input_audio",
  "input_image",
  "cache_read_audio",
  "output_audio",
  "output_image",
] as const;

export type MediaClass = typeof MEDIA_CLASSES[number];

/** Counts of media: whole, 0 or more, together at most the class that they are inside of. */
export type MediaTokens = Readonly<Record<MediaClass, number>>;

/** The class that each class of media is inside of, and whose price it has where it has none. */
export const CLASS_OF_MEDIA: Readonly<Record<MediaClass, TokenClass>> = {
  input_audio: "input",
  input_image: "input",
  cache_read_audio: "cache_read",
  output_audio: "output",
  output_image: "output",
};

/** No media: text alone. */
export const NO_MEDIA: MediaTokens = Object.freeze({
  input_audio: 0,
  input_image: 0,
  cache_read_audio: 0,
  output_audio: 0,
  output_image: 0,
});

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
