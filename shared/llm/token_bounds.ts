import type { InputLimits, JsonObject } from "./dialect.ts";
import { arrayOf, objectOf } from "./json_reading.ts";
import { createTextTokens } from "./text_tokens.ts";

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
    prompt.images.size * (limits.imageTokensMax ?? IMAGE_TOKENS_DEFAULT) +
    countJson(prompt.values, prompt.images);
  return Math.min(tokens, contextTokens);
}

/** Upper bound of the prompt of a Chat Completions body. */
export function inputTokensMax(body: JsonObject, limits: InputLimits): number {
  const messages = arrayOf(body.messages).map(objectOf).filter((message) => message !== null);
  const parts = messages.flatMap((message) => arrayOf(message.content)).map(objectOf)
    .filter((part) => part !== null);
  return boundPrompt({
    values: Object.entries(body).filter(([name]) => !NOT_PROMPT.has(name)).map(([, value]) =>
      value
    ),
    messages: messages.length,
    // Only where a part may stand: a schema that calls itself an image is counted as the text it is.
    images: new Map(
      parts.filter((part) => IMAGE_PARTS.has(part.type)).map((part) => [part, "image_url"]),
    ),
    hidesInput: parts.some((part) => OPAQUE_PARTS.has(part.type)),
    webSearchesMax: 0,
  }, limits);
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
