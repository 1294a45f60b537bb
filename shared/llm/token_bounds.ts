import type { InputLimits, JsonObject } from "./dialect.ts";
import { arrayOf, objectOf } from "./json_reading.ts";

/**
 * How many tokens a text can be, before anybody has counted. Two answers: an upper bound, which
 * reservations are made with, and a fair estimate, which a charge without a report is made with.
 * Both are linear and incremental; neither knows a tokenizer.
 */

/** What one image is taken for where the model's price does not say. */
export const IMAGE_TOKENS_DEFAULT = 1600;

/** A context window where the model's price does not say: the largest that is common. */
export const CONTEXT_TOKENS_DEFAULT = 1_000_000;

/** The chat template: role, separators, name. OpenAI's takes 3 to 4 a message, others up to 8. */
const MESSAGE_OVERHEAD_TOKENS = 8;
/** What opens the answer, and a hidden preamble for tools. */
const REQUEST_OVERHEAD_TOKENS = 16;
/** Quotes, colon, comma or brackets around one value of JSON. */
const JSON_VALUE_OVERHEAD_TOKENS = 3;

/** Counts text as it comes, in pieces of any size. */
export interface TextTokens {
  add(text: string): void;
  /** Upper bound: half a token an ASCII letter, digit or space, one any other byte of UTF-8. */
  upper(): number;
  /** Fair estimate: four ASCII characters a token, one of any other character. */
  estimate(): number;
}

export function createTextTokens(): TextTokens {
  let wordChars = 0; // ASCII letters, digits and spaces
  let signChars = 0; // other ASCII
  let otherChars = 0; // UTF-16 units beyond ASCII
  let otherBytes = 0; // the same in UTF-8

  function add(text: string): void {
    let words = 0;
    let ascii = 0;
    let bytes = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) {
        ascii++;
        words += WORD[unit] ?? 0;
      } else if (unit < 0x800) bytes += 2;
      else if (unit >= 0xd800 && unit < 0xe000) bytes += 2; // half of a pair of 4 bytes
      else bytes += 3;
    }
    wordChars += words;
    signChars += ascii - words;
    otherChars += text.length - ascii;
    otherBytes += bytes;
  }

  return {
    add,
    upper: () => Math.ceil(wordChars / 2) + signChars + otherBytes,
    estimate: () => Math.ceil((wordChars + signChars) / 4) + otherChars,
  };
}

/** 1 for the ASCII letters, digits and the space. */
const WORD = Uint8Array.from(
  { length: 0x80 },
  (_, unit) => /[A-Za-z0-9 ]/.test(String.fromCharCode(unit)) ? 1 : 0,
);

/** Fair estimate of the tokens of a text. */
export function estimateTokens(text: string): number {
  const tokens = createTextTokens();
  tokens.add(text);
  return tokens.estimate();
}

/**
 * Upper bound of the prompt of an OpenAI-style body: every string in it, messages, tools, schemas
 * and fields that we do not know alike, for all of it may reach the model. An image counts as the
 * model's dearest image, whatever its bytes; any other file or sound, whose tokens its bytes do not
 * tell, as the whole context window. At most the context window, which the provider enforces.
 */
export function inputTokensMax(body: JsonObject, limits: InputLimits): number {
  const contextTokens = limits.maxInputTokens ?? CONTEXT_TOKENS_DEFAULT;
  const messages = arrayOf(body.messages).map(objectOf).filter((message) => message !== null);
  const parts = messages.flatMap((message) => arrayOf(message.content)).map(objectOf)
    .filter((part) => part !== null);
  if (parts.some((part) => OPAQUE_PARTS.has(part.type))) return contextTokens;

  // Only where a part may stand: a schema that calls itself an image is counted as the text it is.
  const images = new Set<unknown>(parts.filter((part) => IMAGE_PARTS.has(part.type)));
  const json = countJson(
    Object.entries(body).filter(([name]) => !NOT_PROMPT.has(name)).map(([, value]) => value),
    images,
  );
  const tokens = REQUEST_OVERHEAD_TOKENS + messages.length * MESSAGE_OVERHEAD_TOKENS +
    images.size * (limits.imageTokensMax ?? IMAGE_TOKENS_DEFAULT) + json;
  return Math.min(tokens, contextTokens);
}

/** Content parts that are an image. */
const IMAGE_PARTS = new Set<unknown>(["image_url", "input_image"]);

/** Content parts whose tokens cannot be told from their bytes. */
const OPAQUE_PARTS = new Set<unknown>([
  ...["input_audio", "audio_url", "file", "input_file", "document", "video_url", "input_video"],
]);

/** Fields of the body that never reach the model, so that a long one costs nothing. */
const NOT_PROMPT = new Set([
  ...["model", "stream", "stream_options", "chat_id", "metadata", "user", "safety_identifier"],
  ...["prompt_cache_key", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed"],
]);

/** Upper bound of JSON as text: strings, numbers, names and structure, but not what images hold. */
function countJson(values: readonly unknown[], images: ReadonlySet<unknown>): number {
  const text = createTextTokens();
  let structure = 0;
  // A stack of our own: a body nested 100,000 deep must not overflow the one of the machine.
  const pending = [...values];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === "string") text.add(value);
    else if (typeof value === "number") text.add(String(value));
    else if (Array.isArray(value)) {
      for (const item of value) pending.push(item);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        text.add(name);
        structure += JSON_VALUE_OVERHEAD_TOKENS;
        if (name !== "image_url" || !images.has(value)) pending.push(item);
      }
    }
  }
  return text.upper() + structure;
}
