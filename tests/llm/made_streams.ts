/** Small streams of each dialect, made by hand, to be spoilt in tests. */
import type { DialectName } from "../../shared/llm/dialect.ts";

/** What a stream of a dialect is made of. Each text is one event, blank line included. */
export interface MadeStream {
  readonly opening: readonly string[];
  /** An event that delivers this text. */
  content(text: string): string;
  /** The event that reports this usage. */
  report(usage: unknown): string;
  readonly closing: readonly string[];
  /** A usage of 11 tokens in and 9 out, and the names of the two counts in it. */
  readonly usage: Readonly<Record<string, unknown>>;
  readonly names: readonly [input: string, output: string];
  /** An event that says that the provider failed, with this text. */
  error(message: string): string;
  /** A whole answer with this usage. */
  whole(text: string, usage: unknown): unknown;
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: { type: string } & Record<string, unknown>) =>
  `event: ${value.type}\n${data(value)}`;

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 7,
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
});

const CHAT: MadeStream = {
  opening: [data(chunk({ role: "assistant", content: "" }))],
  content: (content) => data(chunk({ content })),
  report: (usage) => data({ ...chunk({}), choices: [], usage }),
  closing: ["data: [DONE]\n\n"],
  usage: { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 },
  names: ["prompt_tokens", "completion_tokens"],
  error: (message) => data({ error: { message, type: "server_error" } }),
  whole: (content, usage) => ({
    id: "chatcmpl-1",
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage,
  }),
};

const response = (more: object) => ({ id: "resp_1", object: "response", model: "m", ...more });
const output = (text: string) => [{
  type: "message",
  id: "msg_1",
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [] }],
}];

const RESPONSES: MadeStream = {
  opening: [named({
    type: "response.created",
    response: response({ status: "in_progress", usage: null }),
  })],
  content: (delta) =>
    named({
      type: "response.output_text.delta",
      item_id: "msg_1",
      output_index: 0,
      content_index: 0,
      delta,
    }),
  report: (usage) =>
    named({
      type: "response.completed",
      response: response({ status: "completed", output: output("…"), usage }),
    }),
  closing: [],
  usage: { input_tokens: 11, output_tokens: 9, total_tokens: 20 },
  names: ["input_tokens", "output_tokens"],
  error: (message) => named({ type: "error", code: "server_error", message, param: null }),
  whole: (text, usage) => response({ status: "completed", output: output(text), usage }),
};

const MESSAGES: MadeStream = {
  opening: [
    named({
      type: "message_start",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 11, output_tokens: 1 },
      },
    }),
    named({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  ],
  content: (text) =>
    named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  report: (usage) => named({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage }),
  closing: [named({ type: "message_stop" })],
  usage: { input_tokens: 11, output_tokens: 9 },
  names: ["input_tokens", "output_tokens"],
  error: (message) => named({ type: "error", error: { type: "overloaded_error", message } }),
  whole: (text, usage) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    usage,
  }),
};

const candidate = (text: string, finishReason?: string) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason, index: 0 }],
  modelVersion: "m",
  responseId: "r",
});

const GEMINI: MadeStream = {
  opening: [],
  content: (text) => data(candidate(text)),
  report: (usageMetadata) => data({ ...candidate("", "STOP"), usageMetadata }),
  closing: [],
  usage: { promptTokenCount: 11, candidatesTokenCount: 9, totalTokenCount: 20 },
  names: ["promptTokenCount", "candidatesTokenCount"],
  error: (message) => data({ error: { code: 503, message, status: "UNAVAILABLE" } }),
  whole: (text, usageMetadata) => ({ ...candidate(text, "STOP"), usageMetadata }),
};

/** One a dialect. */
export const MADE_STREAMS: ReadonlyMap<DialectName, MadeStream> = new Map([
  ["openai-chat", CHAT],
  ["openai-responses", RESPONSES],
  ["anthropic-messages", MESSAGES],
  ["gemini", GEMINI],
]);
