/** A small answer in every dialect, event by event, for tests that send it broken. */
import type { DialectName } from "../../shared/llm/dialect.ts";

/** How one provider says the parts of an answer. */
export interface AnswerParts {
  readonly provider: string;
  /** Begins the stream. */
  readonly start: string;
  content(text: string): string;
  /** The finish reason, and this usage where there is one. */
  finish(usage?: unknown): string;
  /** The last event, where the finish is not the last. */
  readonly terminal: string;
  /** A usage as it should be: 11 of input, 22 of output. */
  readonly usage: Readonly<Record<string, unknown>>;
  /** The same that came out otherwise: 13 and 26. */
  readonly otherUsage: Readonly<Record<string, unknown>>;
  /** An event that has this usage and no end. */
  early(usage: unknown): string;
  error(message: string): string;
  /** The whole answer, not streamed. */
  whole(text: string, usage?: unknown): Record<string, unknown>;
}

const data = (event: unknown) => `data: ${JSON.stringify(event)}\n\n`;
const named = (event: { type: string }) => `event: ${event.type}\n${data(event)}`;

const chunk = (delta: unknown, more: object = {}) =>
  data({
    ...{ id: "chatcmpl-1", object: "chat.completion.chunk", model: "m" },
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  });

const CHAT: AnswerParts = {
  provider: "openai",
  start: chunk({ role: "assistant", content: "" }),
  content: (content) => chunk({ content }),
  finish: (usage) =>
    chunk({}, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
    (usage === undefined ? "" : CHAT.early(usage)),
  terminal: "data: [DONE]\n\n",
  usage: { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 },
  otherUsage: { prompt_tokens: 13, completion_tokens: 26, total_tokens: 39 },
  early: (usage) => chunk({}, { choices: [], usage }),
  error: (message) => data({ error: { message, type: "server_error", code: null } }),
  whole: (content, usage) => ({
    ...{ id: "chatcmpl-1", object: "chat.completion", model: "m" },
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    ...(usage === undefined ? {} : { usage }),
  }),
};

const response = (status: string, more: object) => ({
  ...{ id: "resp_1", object: "response", model: "m", status, output: [], ...more },
});

const RESPONSES: AnswerParts = {
  provider: "openai",
  start: named({ type: "response.created", ...{ response: response("in_progress", {}) } }),
  content: (delta) =>
    named({
      type: "response.output_text.delta",
      ...{ item_id: "msg_1", output_index: 0, content_index: 0, delta },
    }),
  finish: (usage = null) =>
    named({ type: "response.completed", ...{ response: response("completed", { usage }) } }),
  terminal: "",
  usage: { input_tokens: 11, output_tokens: 22, total_tokens: 33 },
  otherUsage: { input_tokens: 13, output_tokens: 26, total_tokens: 39 },
  early: (usage) =>
    named({ type: "response.in_progress", ...{ response: response("in_progress", { usage }) } }),
  error: (message) => named({ type: "error", ...{ code: "server_error", message, param: null } }),
  whole: (text, usage = null) =>
    response("completed", {
      output: [{
        ...{ type: "message", id: "msg_1", role: "assistant", status: "completed" },
        content: [{ type: "output_text", text, annotations: [] }],
      }],
      usage,
    }),
};

const MESSAGES: AnswerParts = {
  provider: "anthropic",
  start: named({
    type: "message_start",
    ...{
      message: {
        ...{ id: "msg_1", type: "message", role: "assistant", model: "m", content: [] },
        ...{ stop_reason: null, usage: { input_tokens: 11, output_tokens: 1 } },
      },
    },
  }) + named({
    type: "content_block_start",
    ...{ index: 0, content_block: { type: "text", text: "" } },
  }),
  content: (text) =>
    named({ type: "content_block_delta", ...{ index: 0, delta: { type: "text_delta", text } } }),
  finish: (usage) =>
    named({ type: "content_block_stop", ...{ index: 0 } }) + named({
      type: "message_delta",
      ...{
        delta: { stop_reason: "end_turn", stop_sequence: null },
        ...(usage === undefined ? {} : { usage }),
      },
    }),
  terminal: named({ type: "message_stop" }),
  usage: { input_tokens: 11, output_tokens: 22 },
  otherUsage: { input_tokens: 13, output_tokens: 26 },
  early: (usage) =>
    named({
      type: "message_delta",
      ...{ delta: { stop_reason: null, stop_sequence: null }, usage },
    }),
  error: (message) => named({ type: "error", ...{ error: { type: "overloaded_error", message } } }),
  whole: (text, usage) => ({
    ...{ id: "msg_1", type: "message", role: "assistant", model: "m", stop_reason: "end_turn" },
    content: [{ type: "text", text }],
    ...(usage === undefined ? {} : { usage }),
  }),
};

const candidate = (text: string, more: object = {}) => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...more }],
  modelVersion: "m",
});

const GEMINI: AnswerParts = {
  provider: "google",
  start: "",
  content: (text) => data(candidate(text)),
  finish: (usageMetadata) =>
    data({
      ...candidate("", { finishReason: "STOP" }),
      ...(usageMetadata === undefined ? {} : { usageMetadata }),
    }),
  terminal: "",
  usage: { promptTokenCount: 11, candidatesTokenCount: 22, totalTokenCount: 33 },
  otherUsage: { promptTokenCount: 13, candidatesTokenCount: 26, totalTokenCount: 39 },
  early: (usageMetadata) => data({ usageMetadata, modelVersion: "m" }),
  error: (message) => data({ error: { code: 503, message, status: "UNAVAILABLE" } }),
  whole: (text, usageMetadata) => ({
    ...candidate(text, { finishReason: "STOP" }),
    ...(usageMetadata === undefined ? {} : { usageMetadata }),
  }),
};

export const ANSWERS: Readonly<Record<DialectName, AnswerParts>> = {
  "openai-chat": CHAT,
  "openai-responses": RESPONSES,
  "anthropic-messages": MESSAGES,
  gemini: GEMINI,
};
