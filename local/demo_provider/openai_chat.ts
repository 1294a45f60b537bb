/** The Chat Completions dialect: one answer, whole or as the stream that OpenAI would send. */
import { composeAnswer } from "./answer.ts";
import type { Step } from "./body_stream.ts";
import { errorBody, ordered } from "./openai_errors.ts";
import type { ChatRequest } from "./openai_chat_request.ts";
import type { PromptCache } from "./prompt_cache.ts";
import { tokenize } from "./tokens.ts";

/** Milliseconds before the first token (at least, at most) and for each token. */
export interface Timing {
  readonly firstTokenMsMin: number;
  readonly firstTokenMsMax: number;
  readonly tokenMs: number;
}

/** Everything decided before the first byte. */
export interface Answer {
  readonly id: string;
  readonly created: number;
  readonly request: ChatRequest;
  /** Content, or the arguments of the tool call. */
  readonly tokens: readonly string[];
  readonly finishReason: "stop" | "length" | "tool_calls";
  readonly usage: unknown;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
}

export function composeChatAnswer(
  request: ChatRequest,
  cache: PromptCache,
  timing: Timing,
): Answer {
  const { script, tool } = request;
  const limit = request.outputTokensMax ?? Infinity;
  const reasoning = script.empty ? 0 : Math.min(request.reasoningTokens, limit);
  const wanted = wantedTokens(request);
  const tokens = wanted.slice(0, Math.max(0, limit - reasoning));
  const spread = timing.firstTokenMsMax - timing.firstTokenMsMin;
  return {
    id: `chatcmpl-${randomText(29)}`,
    created: Math.floor(Date.now() / 1000),
    request,
    tokens,
    finishReason: tokens.length < wanted.length ? "length" : tool === null ? "stop" : "tool_calls",
    usage: usageOf(request, reasoning + tokens.length, reasoning, cache.use(request.messages)),
    firstTokenMs: script.first_token_ms ?? timing.firstTokenMsMin + Math.random() * spread,
    tokenMs: script.token_ms ?? timing.tokenMs,
  };
}

function wantedTokens({ script, tool, question }: ChatRequest): string[] {
  if (script.empty) return [];
  if (tool !== null) return tokenize(JSON.stringify(exampleOf(tool.parameters)));
  if (script.text !== undefined) return tokenize(script.text);
  return composeAnswer(question, script.output_tokens);
}

function usageOf(request: ChatRequest, output: number, reasoning: number, cached: number): unknown {
  const { script, promptTokens } = request;
  if ("usage" in script) return script.usage;
  const writes = script.cache_write_tokens;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: output,
    total_tokens: promptTokens + output,
    prompt_tokens_details: {
      cached_tokens: script.cached_tokens ?? cached,
      audio_tokens: 0,
      ...(writes === undefined ? {} : { cache_write_tokens: writes }),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** The body of an answer that is not streamed. */
export function wholeAnswer(answer: Answer): unknown {
  const { request, tokens } = answer;
  const text = tokens.join("");
  const message = request.tool === null
    ? { role: "assistant", content: text, refusal: null, annotations: [] }
    : {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: `call_${randomText(24)}`,
        type: "function",
        function: { name: request.tool.name, arguments: text },
      }],
      refusal: null,
      annotations: [],
    };
  return {
    id: answer.id,
    object: "chat.completion",
    created: answer.created,
    model: request.model.snapshot,
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    ...(request.script.omit_usage ? {} : { usage: answer.usage }),
    service_tier: "default",
    system_fingerprint: "fp_demo",
  };
}

/** The frames of a streamed answer, with the faults that its script orders. */
export function* streamSteps(
  answer: Answer,
  onToken: () => void,
): Generator<Step, void, undefined> {
  const { request, tokens } = answer;
  const { script } = request;
  const send = (choices: unknown[], usage: unknown, waitMs: number): Step => ({
    kind: "send",
    text: frame(chunkOf(answer, choices, usage)),
    waitMs,
  });
  const choice = (delta: unknown, finish: string | null = null) => [
    { index: 0, delta, logprobs: null, finish_reason: finish },
  ];

  yield send(choice(firstDelta(request)), null, answer.firstTokenMs);
  for (let sent = 0;; sent++) {
    if (script.stall_ms !== undefined && sent === (script.stall_after_tokens ?? 0)) {
      yield { kind: "send", text: "", waitMs: script.stall_ms };
    }
    if (sent === script.drop_after_tokens) return yield { kind: "drop" };
    if (sent === script.end_after_tokens) return;
    if (sent === script.error_frame_after_tokens) {
      return yield { kind: "send", text: frame(errorBody(ordered(500, ""))), waitMs: 0 };
    }
    const token = tokens[sent];
    if (token === undefined) break;
    const delta = request.tool === null
      ? { content: token }
      : { tool_calls: [{ index: 0, function: { arguments: token } }] };
    onToken();
    yield send(choice(delta), null, answer.tokenMs);
  }
  yield send(choice({}, answer.finishReason), null, 0);
  if (request.includesUsage && !script.omit_usage) yield send([], answer.usage, 0);
  if (!script.omit_done) yield { kind: "send", text: "data: [DONE]\n\n", waitMs: 0 };
}

function firstDelta({ tool }: ChatRequest): unknown {
  if (tool === null) return { role: "assistant", content: "", refusal: null };
  const call = {
    index: 0,
    id: `call_${randomText(24)}`,
    type: "function",
    function: { name: tool.name, arguments: "" },
  };
  return { role: "assistant", content: null, tool_calls: [call], refusal: null };
}

/** \`usage\` is in every chunk, null but in the last, when it was asked for, and in none otherwise. */
function chunkOf(answer: Answer, choices: unknown[], usage: unknown): unknown {
  const { request } = answer;
  return {
    id: answer.id,
    object: "chat.completion.chunk",
    created: answer.created,
    model: request.model.snapshot,
    service_tier: "default",
    system_fingerprint: "fp_demo",
    choices,
    ...(request.includesUsage && !request.script.omit_usage ? { usage } : {}),
    // OpenAI pads its chunks so that their sizes do not give the words away.
    ...(request.isObfuscated
      ? { obfuscation: randomText(1 + Math.floor(Math.random() * 14)) }
      : {}),
  };
}

function frame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** Arguments that fit a JSON schema of a tool's parameters. */
function exampleOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return {};
  const { type, properties, items, enum: values } = schema as Record<string, unknown>;
  if (Array.isArray(values)) return values[0];
  switch (type) {
    case "string":
      return "Zürich";
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    case "array":
      return [exampleOf(items)];
    default:
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, value]) => [name, exampleOf(value)]),
      );
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function randomText(length: number): string {
  return Array.from(
    { length },
    () => LETTERS[Math.floor(Math.random() * LETTERS.length)],
  ).join("");
}
