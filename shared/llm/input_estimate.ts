import type { InputLimits, JsonObject } from "./dialect.ts";
import { createTextTokens } from "./text_tokens.ts";
import { IMAGE_TOKENS_DEFAULT } from "./token_bounds.ts";

/** The chat template around one message: role and separators. */
const MESSAGE_TOKENS = 4;
/** What opens the answer. */
const REQUEST_TOKENS = 3;

/**
 * Fair estimate of the prompt of an OpenAI-style body: what is charged where the provider reports
 * nothing, and what an estimate shows. The texts, the tools as JSON, an image as half of the
 * model's dearest. What cannot be told (sound, files) counts as nothing: it is the house's risk, and
 * the reservation has covered it.
 */
export function estimateInputTokens(
  body: JsonObject,
  limits: InputLimits,
): number {
  const text = createTextTokens();
  const messages: readonly unknown[] = Array.isArray(body.messages) ? body.messages : [];
  let others = REQUEST_TOKENS + messages.length * MESSAGE_TOKENS;
  const imageTokens = Math.ceil(
    (limits.imageTokensMax ?? IMAGE_TOKENS_DEFAULT) / 2,
  );

  for (const message of messages) {
    if (!isObject(message)) continue;
    if (typeof message.content === "string") text.add(message.content);
    if (Array.isArray(message.content)) {
      for (const part of message.content as readonly unknown[]) {
        if (!isObject(part)) continue;
        if (typeof part.text === "string") text.add(part.text);
        if (part.type === "image_url") others += imageTokens;
      }
    }
    if (message.tool_calls !== undefined) {
      text.add(JSON.stringify(message.tool_calls));
    }
  }
  if (body.tools !== undefined) text.add(JSON.stringify(body.tools));
  if (body.response_format !== undefined) {
    text.add(JSON.stringify(body.response_format));
  }
  return text.estimate() + others;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}
