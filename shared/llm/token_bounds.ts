import type { InputLimits, JsonObject } from "./dialect.ts";
import { createTextTokens } from "./text_tokens.ts";

/**
 * The dearest image where the model's price does not say: gpt-4o-mini's own is 48,169 tokens, the
 * most that is known. Most models take a tenth or less, so a price should say `image_tokens_max`.
 */
export const IMAGE_TOKENS_MAX_DEFAULT = 50_000;

/** A context window where the model's price does not say: the largest that is common. */
export const CONTEXT_TOKENS_DEFAULT = 1_000_000;

/** The chat template: role, separators, name. OpenAI's takes 3 to 4 a message, others up to 8. */
const MESSAGE_OVERHEAD_TOKENS = 8;
/** What opens the answer, and a hidden preamble for tools. */
const REQUEST_OVERHEAD_TOKENS = 16;
/** Quotes, colon, comma or brackets around one value of JSON. */
const JSON_VALUE_OVERHEAD_TOKENS = 3;

/** What a prompt is made of, as its dialect sees it. */
export interface PromptParts {
  /** All that may reach the model, as JSON: messages, tools, schemas, and what we do not know. */
  readonly values: readonly unknown[];
  /** How many messages or items, each with its place in the chat template. */
  readonly messages: number;
  /** The parts that are images, and the name of the field that holds each one's bytes or address. */
  readonly images: ReadonlyMap<unknown, string>;
  /** True where something in it cannot be counted from here; see `ModelRequest.hidesInput`. */
  readonly hidesInput: boolean;
  /** How often the provider may search: each time the prompt is read again, with what was found. */
  readonly webSearchesMax: number;
}

/**
 * Upper bound of a prompt: every string in it, for all of it may reach the model. An image counts as
 * the model's dearest image, whatever its bytes; what cannot be counted, as the whole context
 * window. At most the context window, which the provider enforces, once for each reading.
 */
export function boundPrompt(prompt: PromptParts, limits: InputLimits): number {
  const contextTokens = limits.maxInputTokens ?? CONTEXT_TOKENS_DEFAULT;
  if (prompt.webSearchesMax > 0) return contextTokens * (prompt.webSearchesMax + 1);
  if (prompt.hidesInput) return contextTokens;
  const tokens = REQUEST_OVERHEAD_TOKENS + prompt.messages * MESSAGE_OVERHEAD_TOKENS +
    prompt.images.size * (limits.imageTokensMax ?? IMAGE_TOKENS_MAX_DEFAULT) +
    countJson(prompt.values, prompt.images);
  return Math.min(tokens, contextTokens);
}

/** The values of a body that may reach the model: of all fields but these. */
export function valuesBeside(body: JsonObject, notPrompt: ReadonlySet<string>): unknown[] {
  return Object.entries(body).filter(([name]) => !notPrompt.has(name)).map(([, value]) => value);
}

/** Upper bound of JSON as text: strings, numbers, names and structure, but not what images hold. */
function countJson(values: readonly unknown[], images: ReadonlyMap<unknown, string>): number {
  const text = createTextTokens();
  let structure = 0;
  // A stack of our own: a body nested 100,000 deep must not overflow the one of the machine.
  const pending = [...values];
  while (pending.length > 0) {
    const value = pending.pop();
    text.separate();
    if (typeof value === "string") text.add(value);
    else if (typeof value === "number") text.add(String(value));
    else if (Array.isArray(value)) {
      structure += value.length * JSON_VALUE_OVERHEAD_TOKENS;
      for (const item of value) pending.push(item);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        text.separate();
        text.add(name);
        structure += JSON_VALUE_OVERHEAD_TOKENS;
        if (images.get(value) !== name) pending.push(item);
      }
    }
  }
  return text.upper() + structure;
}
