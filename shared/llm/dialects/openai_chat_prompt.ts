import type { InputLimits, ModelRequest } from "../dialect.ts";
import { estimatePrompt } from "../input_estimate.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { boundPrompt, valuesBeside } from "../token_bounds.ts";

/** Fields of the body that never reach the model, so that a long one costs nothing. */
const NOT_PROMPT = new Set([
  ...["model", "models", "chat_id", "stream", "stream_options", "metadata", "user"],
  ...["safety_identifier", "prompt_cache_key", "max_tokens", "max_completion_tokens"],
  ...["temperature", "top_p", "seed"],
]);

/** Content parts that are an image. */
const IMAGE_PARTS = new Set<unknown>(["image_url", "input_image"]);

/** Upper bound of the prompt in tokens. */
export function inputTokensMax(request: ModelRequest, limits: InputLimits): number {
  const { body, hidesInput, webSearchesMax } = request;
  const messages = arrayOf(body.messages).map(objectOf).filter((message) => message !== null);
  const parts = messages.flatMap((message) => arrayOf(message.content)).map(objectOf)
    .filter((part) => part !== null);
  return boundPrompt({
    values: valuesBeside(body, NOT_PROMPT),
    messages: messages.length,
    // Only where a part may stand: a schema that calls itself an image is counted as the text it is.
    images: new Map(
      parts.filter((part) => IMAGE_PARTS.has(part.type)).map((part) => [part, "image_url"]),
    ),
    hidesInput,
    webSearchesMax,
  }, limits);
}

/** Fair estimate of the prompt in tokens. */
export function inputTokensEstimate({ body }: ModelRequest, limits: InputLimits): number {
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
