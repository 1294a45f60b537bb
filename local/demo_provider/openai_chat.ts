/** The Chat Completions dialect: one answer, whole or as the stream that the provider would send. */
import { type ChatQuirks, chatQuirks } from "./chat_quirks.ts";
import { chatUsage } from "./chat_usage.ts";
import { type Answer, type Piece, textOf } from "./decide_answer.ts";
import { bearerKey, type DemoDialect, type Frames } from "./dialect.ts";
import { PROVIDERS } from "../../shared/llm/providers.ts";
import { type ChatRequest, isOpenAiError, readChatRequest } from "./openai_chat_request.ts";
import { errorAnswer, errorBody, invalid, missingKey, ordered, wrongKey } from "./openai_errors.ts";
import { randomText } from "./random_text.ts";
import { dataFrame } from "./stream_steps.ts";

/** What Chat Completions and Responses share: keys and errors are OpenAI's, whatever is asked. */
export const OPENAI_MANNERS: Omit<DemoDialect, "read"> = {
  provider: "openai",
  requestIdHeader: "x-request-id",
  keyOf: ({ headers }) => headers.get("api-key") ?? bearerKey(headers),
  unreadable: ({ provider }) =>
    errorAnswer(invalid("We could not parse the JSON body of your request."), provider),
  missingKey: ({ provider }) => errorAnswer(missingKey(), provider),
  wrongKey: (key, { provider }) => errorAnswer(wrongKey(key), provider),
  ordered: (status, { provider }) => errorAnswer(ordered(status), provider),
  unknownPath: (method, { provider, url }) =>
    errorAnswer({ ...invalid(`Invalid URL (${method} ${url.pathname})`), status: 404 }, provider),
};

export const OPENAI_CHAT: DemoDialect = {
  ...OPENAI_MANNERS,
  read(body, { models, provider, requestId }) {
    const read = readChatRequest(body, models, provider);
    if (isOpenAiError(read)) return errorAnswer(read, provider);
    const quirks = chatQuirks(provider);
    return {
      ask: read.ask,
      useCache: (cache) => ({
        cacheRead: cache.use(read.ask.messages),
        cacheWrite5m: 0,
        cacheWrite1h: 0,
      }),
      speak(answer) {
        const chat = new ChatSpeech(answer, read, provider, quirks, requestId);
        return {
          frames: chat,
          streamType: "text/event-stream; charset=utf-8",
          crlf: quirks.crlf,
          whole: () => quirks.padding + JSON.stringify(chat.whole(), null, 2),
          ...(provider === "openrouter" ? { headers: { "x-generation-id": chat.id } } : {}),
        };
      },
    };
  },
};

const FINISHES = { stop: "stop", length: "length", tool_call: "tool_calls" } as const;

/** What Azure's filter says of the prompt, before there is an answer. */
const FILTER_CHUNK = {
  choices: [],
  created: 0,
  id: "",
  model: "",
  object: "",
  prompt_filter_results: [{
    prompt_index: 0,
    content_filter_results: { hate: { filtered: false, severity: "safe" } },
  }],
};

class ChatSpeech implements Frames {
  readonly id: string;
  readonly #answer: Answer;
  readonly #provider: string;
  readonly #quirks: ChatQuirks;
  readonly #requestId: string;
  readonly #callId = `call_${randomText(24)}`;
  readonly #finish: string;
  readonly #usage: unknown;
  /** True when the stream reports usage: asked for, or by a provider that always does. */
  readonly #reportsUsage: boolean;
  readonly #request: ChatRequest;
  #wordsSent = 0;

  constructor(
    answer: Answer,
    request: ChatRequest,
    provider: string,
    quirks: ChatQuirks,
    requestId: string,
  ) {
    this.id = `${provider === "openrouter" ? "gen" : "chatcmpl"}-${randomText(29)}`;
    this.#answer = answer;
    this.#request = request;
    this.#provider = provider;
    this.#quirks = quirks;
    this.#requestId = requestId;
    this.#finish = answer.ask.script.finish ?? FINISHES[answer.finish];
    this.#usage = chatUsage(answer, provider);
    // Most providers but OpenAI report usage in every stream; Mistral even refuses to be asked.
    const usageSwitch = PROVIDERS.get(provider)?.endpoints["openai-chat"]?.usageSwitch;
    this.#reportsUsage = !answer.ask.script.omit_usage &&
      (request.includesUsage || (usageSwitch !== undefined && usageSwitch !== "required"));
  }

  /** The body of an answer that is not streamed. */
  whole(): unknown {
    const { ask } = this.#answer;
    const text = textOf(this.#answer, "text");
    const reasoning = textOf(this.#answer, "reasoning");
    const call = {
      id: this.#callId,
      type: "function",
      function: { name: ask.toolCall?.name, arguments: textOf(this.#answer, "arguments") },
    };
    const message = {
      role: "assistant",
      content: ask.toolCall === null ? text : null,
      ...(reasoning === "" ? {} : { [this.#quirks.reasoningField]: reasoning }),
      ...(ask.toolCall === null ? {} : { tool_calls: [call] }),
      refusal: null,
      annotations: [],
    };
    return {
      id: this.id,
      object: "chat.completion",
      created: this.#answer.created,
      model: ask.model.snapshot,
      choices: [{ index: 0, message, logprobs: null, finish_reason: this.#finish }],
      ...(ask.script.omit_usage ? {} : { usage: this.#usage }),
      service_tier: "default",
      system_fingerprint: "fp_demo",
      ...(this.#provider === "groq" ? { x_groq: { id: this.#requestId } } : {}),
    };
  }

  start(): string {
    const { toolCall } = this.#answer.ask;
    const call = {
      index: 0,
      id: this.#callId,
      type: "function",
      function: { name: toolCall?.name, arguments: "" },
    };
    const delta = toolCall === null
      ? { role: "assistant", content: "", refusal: null }
      : { role: "assistant", content: null, tool_calls: [call], refusal: null };
    const { comment, hasFilterChunk } = this.#quirks;
    return (comment === null ? "" : `: ${comment}\n\n`) +
      (hasFilterChunk ? dataFrame(FILTER_CHUNK) : "") +
      this.#chunk(this.#choice(delta), {
        more: this.#provider === "groq" ? { x_groq: { id: this.#requestId } } : {},
      });
  }

  piece({ kind, text }: Piece): string {
    if (kind !== "reasoning") this.#wordsSent++;
    return this.#chunk(this.#choice(
      kind === "text"
        ? { content: text }
        : kind === "reasoning"
        ? { [this.#quirks.reasoningField]: text }
        : { tool_calls: [{ index: 0, function: { arguments: text } }] },
    ));
  }

  end(): string[] {
    const usage = this.#usage;
    const { usageIn, hasDone } = this.#quirks;
    const inFinish = this.#reportsUsage && (usageIn === "finish_chunk" || usageIn === "groq");
    // Without being asked, Groq has it in its own field alone.
    const more = inFinish && usageIn === "groq"
      ? { x_groq: { id: this.#requestId, usage } }
      : undefined;
    const inChoice = this.#reportsUsage && usageIn === "finish_choice" ? { usage } : {};
    const frames = [this.#chunk(this.#choice({}, this.#finish, inChoice), {
      ...(inFinish && (usageIn === "finish_chunk" || this.#request.includesUsage) ? { usage } : {}),
      ...(more === undefined ? {} : { more }),
    })];
    if (this.#reportsUsage) {
      if (usageIn === "own_chunk" || (usageIn === "groq" && this.#request.includesUsage)) {
        frames.push(this.#chunk([], { usage }));
      }
      if (usageIn === "chunk_after_finish") {
        const delta = { role: "assistant", content: "" };
        frames.push(this.#chunk(this.#choice(delta), { usage }));
      }
    }
    if (hasDone && !this.#answer.ask.script.omit_done) frames.push("data: [DONE]\n\n");
    return frames;
  }

  error(): string {
    const error = ordered(500);
    if (this.#provider === "groq") {
      return `event: error\n${dataFrame(errorBody(error))}`;
    }
    if (this.#provider === "openrouter") {
      const delta = { role: "assistant", content: "" };
      return this.#chunk(this.#choice(delta, "error"), {
        more: { error: { code: 502, message: error.message } },
      }) + "data: [DONE]\n\n";
    }
    return dataFrame(errorBody(error));
  }

  #usageSoFar(): unknown {
    const counts = { ...this.#answer.counts, words: this.#wordsSent };
    return chatUsage({ ...this.#answer, counts }, this.#provider);
  }

  #choice(delta: unknown, finish: string | null = null, more: object = {}): unknown[] {
    return [{ index: 0, delta, logprobs: null, finish_reason: finish, ...more }];
  }

  #chunk(
    choices: unknown[],
    { usage, more = {} }: { readonly usage?: unknown; readonly more?: object } = {},
  ): string {
    const { ask, created } = this.#answer;
    const { usageIn, hasNullBefore } = this.#quirks;
    const reported = usage !== undefined
      ? usage
      : usageIn === "every_chunk"
      ? this.#usageSoFar()
      : hasNullBefore
      ? null
      : undefined;
    return dataFrame({
      id: this.id,
      object: "chat.completion.chunk",
      created,
      model: ask.model.snapshot,
      ...(this.#provider === "openrouter" ? { provider: "Demo" } : {}),
      service_tier: "default",
      system_fingerprint: "fp_demo",
      choices,
      ...(this.#reportsUsage && reported !== undefined ? { usage: reported } : {}),
      ...more,
      // OpenAI pads its chunks so that their sizes do not give the words away.
      ...(this.#request.isObfuscated && this.#provider === "openai"
        ? { obfuscation: randomText(1 + Math.floor(Math.random() * 14)) }
        : {}),
    });
  }
}
