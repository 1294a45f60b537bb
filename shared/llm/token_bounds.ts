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
        if (name !== "image_url" || !images.has(value)) pending.push(item);
      }
    }
  }
  return text.upper() + structure;
}
