import type { InputLimits } from "./dialect.ts";
import { createTextTokens } from "./text_tokens.ts";

/** The chat template around one message: role and separators. */
const MESSAGE_TOKENS = 4;
/** What opens the answer. */
const REQUEST_TOKENS = 3;
/**
 * An image where the model's price does not say: a usual one at most models (OpenAI's tiles, Claude's
 * and Mistral's rules). A charge is made of it, so it is no bound.
 */
const IMAGE_TOKENS_DEFAULT = 800;

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
  const imageTokens = limits.imageTokensMax === null
    ? IMAGE_TOKENS_DEFAULT
    : Math.ceil(limits.imageTokensMax / 2);
  return text.estimate() + REQUEST_TOKENS + prompt.messages * MESSAGE_TOKENS +
    prompt.images * imageTokens;
}
