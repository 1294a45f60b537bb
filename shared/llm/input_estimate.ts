import type { InputLimits, JsonObject } from "./dialect.ts";
import { arrayOf, objectOf } from "./json_reading.ts";
import { createTextTokens } from "./text_tokens.ts";
import { IMAGE_TOKENS_DEFAULT } from "./token_bounds.ts";

/** The chat template around one message: role and separators. */
const MESSAGE_TOKENS = 4;
/** What opens the answer. */
const REQUEST_TOKENS = 3;

/** What a prompt is made of, for an estimate. */
export interface PromptTexts {
  /** All that the model reads as text: messages, tools and schemas as JSON. */
  readonly texts: readonly string[];
  readonly messages: number;
  readonly images: number;
}

/**
 * Fair estimate of a prompt: what is charged where the provider reports nothing, and what an
 * estimate shows. An image is half of the model's dearest. What cannot be told (sound, files) counts
 * as nothing: it is the house's risk, and the reservation has covered it.
 */
export function estimatePrompt(prompt: PromptTexts, limits: InputLimits): number {
  const text = createTextTokens();
  for (const piece of prompt.texts) text.add(piece);
  const imageTokens = Math.ceil((limits.imageTokensMax ?? IMAGE_TOKENS_DEFAULT) / 2);
  return text.estimate() + REQUEST_TOKENS + prompt.messages * MESSAGE_TOKENS +
    prompt.images * imageTokens;
}

/** Fair estimate of the prompt of a Chat Completions body. */
export function estimateInputTokens(body: JsonObject, limits: InputLimits): number {
  const texts: string[] = [];
  let images = 0;
  const messages = arrayOf(body.messages);
  for (const message of messages.map(objectOf)) {
    if (message === null) continue;
    if (typeof message.content === "string") texts.push(message.content);
    for (const part of arrayOf(message.content).map(objectOf)) {
      if (typeof part?.text === "string") texts.push(part.text);
      if (part?.type === "image_url") images++;
    }
    if (message.tool_calls !== undefined) texts.push(JSON.stringify(message.tool_calls));
  }
  if (body.tools !== undefined) texts.push(JSON.stringify(body.tools));
  if (body.response_format !== undefined) texts.push(JSON.stringify(body.response_format));
  return estimatePrompt({ texts, messages: messages.length, images }, limits);
}
