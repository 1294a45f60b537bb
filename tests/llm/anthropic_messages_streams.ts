import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { createOutput } from "../../shared/llm/dialects/anthropic_messages_output.ts";
import { meterStream } from "./metered_text.ts";

export const meterText = (stream: string | Uint8Array) => meterStream(ANTHROPIC_MESSAGES, stream);

/** Meters a whole answer. */
export const readAnswer = (body: unknown) => ANTHROPIC_MESSAGES.readAnswer(body, DEFAULT_COUNTING);

/** The fair estimate of these texts and calls. */
export function estimateOf(texts: readonly string[], calls = 0, citations = 0): number {
  const output = createOutput();
  for (const text of texts) output.text(text);
  for (let i = 0; i < calls; i++) output.call();
  output.citations(citations);
  return output.estimate();
}

/** A stream of these events, each under its type; a text stands for itself. */
export function stream(...events: readonly (string | { readonly type: string })[]): string {
  return events.map((event) =>
    typeof event === "string" ? event : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("");
}

export const startUsage = { input_tokens: 11, output_tokens: 3, service_tier: "standard" };

export const start = (usage: unknown = startUsage, message: object = {}) => ({
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
    ...message,
  },
});
export const block = (content_block: object, index = 0) => ({
  type: "content_block_start",
  index,
  content_block,
});
export const textBlock = block({ type: "text", text: "" });
export const delta = (delta: object, index = 0) => ({ type: "content_block_delta", index, delta });
export const text = (text: string) => delta({ type: "text_delta", text });
export const stopBlock = (index = 0) => ({ type: "content_block_stop", index });
export const end = (usage: unknown, stop_reason: string | null = "end_turn") => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage,
});
export const stop = { type: "message_stop" };
export const ping = { type: "ping" };

/** An iteration, or a usage, of these counts. */
export const counts = (input: number, output: number, more: object = {}) => ({
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  ...more,
});
/** The classes that these counts are charged by. */
export const tokens = (input: number, output: number, more: object = {}) => ({
  input,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  output,
  ...more,
});
