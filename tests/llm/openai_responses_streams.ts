/** Events of the Responses API, as short as a test can be read, and what they are metered to. */
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { meterStream } from "./metered_text.ts";

/** Meters a stream that comes at once, or in chunks of this size. */
export const meterText = (stream: string, chunkBytes?: number) =>
  meterStream(OPENAI_RESPONSES, stream, chunkBytes === undefined ? {} : { chunkBytes });

/** Meters a whole answer. */
export const whole = (body: unknown) => OPENAI_RESPONSES.readAnswer(body, DEFAULT_COUNTING);

/** A stream of these events; a text stands for its own data. */
export const stream = (...events: (string | { type: string })[]) =>
  events.map((event) =>
    typeof event === "string"
      ? `data: ${event}\n\n`
      : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("");

export const response = (fields: object = {}) => ({
  id: "resp_1",
  object: "response",
  created_at: 7,
  status: "in_progress",
  model: "gpt-5-2025-08-07",
  output: [],
  usage: null,
  service_tier: "auto",
  ...fields,
});
export const created = { type: "response.created", response: response() };
export const delta = (delta: string, type = "output_text") => ({
  type: `response.${type}.delta`,
  output_index: 0,
  content_index: 0,
  delta,
});
export const done = (item: object) => ({
  type: "response.output_item.done",
  output_index: 0,
  item,
});
export const completed = (fields: object = {}) => ({
  type: "response.completed",
  response: response({ status: "completed", usage, service_tier: "default", ...fields }),
});

export const usage = { input_tokens: 11, output_tokens: 9, total_tokens: 20 };
export const tokens = { input: 11, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 9 };
