/** The Messages dialect: one answer, whole or as the stream that Anthropic would send. */
import { anthropicError, errorBody, orderedAnthropicError } from "./anthropic_errors.ts";
import { isFault, readMessagesRequest } from "./anthropic_request.ts";
import { type Answer, type Piece, textOf } from "./decide_answer.ts";
import { bearerKey, type DemoDialect, type Frames } from "./dialect.ts";
import { reportedUsd } from "./list_price.ts";
import { TOKENS_MIN } from "./prompt_cache.ts";
import { randomText } from "./random_text.ts";

export const ANTHROPIC_MESSAGES: DemoDialect = {
  provider: "anthropic",
  requestIdHeader: "request-id",
  keyOf: ({ headers }) => headers.get("x-api-key") ?? bearerKey(headers),
  unreadable: ({ requestId }) =>
    anthropicError(400, "The request body is not valid JSON", requestId),
  missingKey: ({ requestId }) => anthropicError(401, "x-api-key header is required", requestId),
  wrongKey: (_key, { requestId }) => orderedAnthropicError(401, requestId),
  ordered: (status, { requestId }) => orderedAnthropicError(status, requestId),
  unknownPath: (_method, { requestId }) => anthropicError(404, "Not Found", requestId),
  read(body, { headers, models, provider, requestId }) {
    if (!headers.has("anthropic-version")) {
      return anthropicError(400, "anthropic-version: header is required", requestId);
    }
    const read = readMessagesRequest(body, models);
    if (isFault(read)) return anthropicError(read.status, read.message, requestId);
    return {
      ask: read.ask,
      useCache(cache) {
        // Nothing is cached unless the request marks it.
        if (read.cache === null) return { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
        const cacheRead = cache.use(read.cache.messages, 1);
        const marked = read.cache.messages.reduce((sum, message) => sum + message.tokens, 0);
        const written = marked < TOKENS_MIN ? 0 : marked - cacheRead;
        const isHour = read.cache.ttl === "1h";
        return {
          cacheRead,
          cacheWrite5m: isHour ? 0 : written,
          cacheWrite1h: isHour ? written : 0,
        };
      },
      speak(answer) {
        const speech = new MessagesSpeech(answer, provider, requestId);
        return {
          frames: speech,
          streamType: "text/event-stream; charset=utf-8",
          whole: () => JSON.stringify(speech.whole()),
        };
      },
    };
  },
};

const FINISHES = { stop: "end_turn", length: "max_tokens", tool_call: "tool_use" } as const;
const BLOCKS = { reasoning: "thinking", text: "text", arguments: "tool_use" } as const;

class MessagesSpeech implements Frames {
  readonly #answer: Answer;
  /** OpenRouter counts nothing before the end, names its cost there, and says [DONE]. */
  readonly #isOpenRouter: boolean;
  readonly #requestId: string;
  readonly #id = `msg_01${randomText(22)}`;
  readonly #toolId = `toolu_01${randomText(22)}`;
  readonly #signature = btoa(randomText(96));
  readonly #finish: string;
  /** The block that is open, and how many were begun. */
  #block: Piece["kind"] | null = null;
  #blocks = 0;

  constructor(answer: Answer, provider: string, requestId: string) {
    this.#answer = answer;
    this.#isOpenRouter = provider === "openrouter";
    this.#requestId = requestId;
    this.#finish = answer.ask.script.finish ?? FINISHES[answer.finish];
  }

  /** The body of an answer that is not streamed. */
  whole(): unknown {
    const { ask } = this.#answer;
    const kinds = (["reasoning", "text", "arguments"] as const).filter((kind) =>
      this.#answer.pieces.some((piece) => piece.kind === kind) || this.#omits(kind)
    );
    return {
      ...this.#message(),
      content: kinds.map((kind) => {
        const text = textOf(this.#answer, kind);
        if (kind === "reasoning") {
          return { type: "thinking", thinking: text, signature: this.#signature };
        }
        return kind === "text" ? { type: "text", text } : this.#toolUse(inputOf(text));
      }),
      stop_reason: this.#finish,
      ...(ask.script.omit_usage ? {} : { usage: this.#wholeUsage() }),
    };
  }

  start(): string {
    // What stands in the beginning for the output is a placeholder of a few tokens.
    const placeholder = Math.min(1 + Math.floor(Math.random() * 8), this.#answer.counts.words);
    const usage = this.#isOpenRouter
      ? { input_tokens: 0, output_tokens: 0 }
      : { ...this.#tokens(placeholder), ...this.#conditions() };
    const message = {
      ...this.#message(),
      ...(this.#answer.ask.script.omit_usage ? {} : { usage }),
    };
    const start = padded({ type: "message_start", message });
    return this.#omits("reasoning") ? start + this.#open("reasoning") : start;
  }

  piece({ kind, text }: Piece): string {
    const opening = this.#block === kind ? "" : this.#close() + this.#open(kind);
    const delta = kind === "reasoning"
      ? { type: "thinking_delta", thinking: text }
      : kind === "text"
      ? { type: "text_delta", text }
      : { type: "input_json_delta", partial_json: text };
    return opening + this.#delta(delta);
  }

  end(): string[] {
    const { script } = this.#answer.ask;
    const delta = padded({
      type: "message_delta",
      delta: { stop_reason: this.#finish, stop_sequence: null, stop_details: null },
      ...(script.omit_usage ? {} : { usage: this.#finalUsage() }),
    });
    const frames = [this.#close(), delta];
    if (!script.omit_done) frames.push(padded({ type: "message_stop" }));
    if (!script.omit_done && this.#isOpenRouter) frames.push("event: data\ndata: [DONE]\n\n");
    return frames;
  }

  error(): string {
    return padded(errorBody(529, "Overloaded", this.#requestId));
  }

  #message() {
    return {
      model: this.#answer.ask.model.snapshot,
      id: this.#id,
      type: "message",
      role: "assistant",
      content: [] as unknown[],
      stop_reason: null as string | null,
      stop_sequence: null,
      stop_details: null,
    };
  }

  /** What was counted until the end, or exactly what the script says. */
  #finalUsage(): unknown {
    const { ask: { model, script }, counts } = this.#answer;
    if ("usage" in script) return script.usage;
    const searches = script.web_searches;
    return {
      ...this.#tokens(counts.words + counts.reasoning),
      ...(counts.reasoning > 0
        ? { output_tokens_details: { thinking_tokens: counts.reasoning } }
        : {}),
      ...(searches === undefined
        ? {}
        : { server_tool_use: { web_search_requests: searches, web_fetch_requests: 0 } }),
      ...(this.#isOpenRouter ? { cost: reportedUsd(model.id, counts, script.cost) ?? 0 } : {}),
    };
  }

  #wholeUsage(): unknown {
    const usage = this.#finalUsage();
    return "usage" in this.#answer.ask.script
      ? usage
      : { ...usage as object, ...this.#conditions() };
  }

  /** Input is what was neither read from the cache nor written to it. */
  #tokens(output: number) {
    const { counts } = this.#answer;
    const written = counts.cacheWrite5m + counts.cacheWrite1h;
    return {
      input_tokens: Math.max(0, counts.prompt - counts.cacheRead - written),
      cache_creation_input_tokens: written,
      cache_read_input_tokens: counts.cacheRead,
      output_tokens: output,
    };
  }

  /** What is known before the first token, and not repeated at the end of a stream. */
  #conditions() {
    return {
      cache_creation: {
        ephemeral_5m_input_tokens: this.#answer.counts.cacheWrite5m,
        ephemeral_1h_input_tokens: this.#answer.counts.cacheWrite1h,
      },
      service_tier: "standard",
      inference_geo: "not_available",
    };
  }

  /** True for thinking that is billed but not shown: its block has a signature alone. */
  #omits(kind: Piece["kind"]): boolean {
    const { ask, counts } = this.#answer;
    return kind === "reasoning" && !ask.showsReasoning && counts.reasoning > 0;
  }

  #open(kind: Piece["kind"]): string {
    this.#block = kind;
    const block = kind === "reasoning"
      ? { type: BLOCKS[kind], thinking: "", signature: "" }
      : kind === "text"
      ? { type: BLOCKS[kind], text: "" }
      : this.#toolUse({});
    const start = padded({
      type: "content_block_start",
      index: this.#blocks++,
      content_block: block,
    });
    const first = kind === "arguments"
      ? this.#delta({ type: "input_json_delta", partial_json: "" })
      : "";
    return start + (this.#blocks === 1 ? 'event: ping\ndata: {"type": "ping"}\n\n' : "") + first;
  }

  #close(): string {
    if (this.#block === null) return "";
    const signature = this.#block === "reasoning"
      ? this.#delta({ type: "signature_delta", signature: this.#signature })
      : "";
    this.#block = null;
    return signature + padded({ type: "content_block_stop", index: this.#blocks - 1 });
  }

  #delta(delta: unknown): string {
    return padded({ type: "content_block_delta", index: this.#blocks - 1, delta });
  }

  #toolUse(input: unknown): unknown {
    const name = this.#answer.ask.toolCall?.name;
    return { type: BLOCKS.arguments, id: this.#toolId, name, input, caller: { type: "direct" } };
  }
}

/** The input of a call as JSON; what a limit has cut short is not. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Anthropic pads its events with spaces, so that their sizes do not give the words away. */
function padded(value: { readonly type: string; readonly [field: string]: unknown }): string {
  const json = JSON.stringify(value);
  const padding = " ".repeat(Math.floor(Math.random() * 16));
  return `event: ${value.type}\ndata: ${json.slice(0, -1)}${padding}}\n\n`;
}
