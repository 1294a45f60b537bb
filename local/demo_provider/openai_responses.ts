/** The Responses dialect: one answer, whole or as the stream that the provider would send. */
import type { Answer, Piece } from "./decide_answer.ts";
import type { DemoDialect, Frames } from "./dialect.ts";
import { OPENAI_MANNERS } from "./openai_chat.ts";
import { errorAnswer, ordered } from "./openai_errors.ts";
import { randomHex } from "./random_text.ts";
import { type ResponseEvent, ResponseItem, searchItem } from "./responses_items.ts";
import { isOpenAiError, readResponsesRequest, type ResponsesRequest } from "./responses_request.ts";
import { responsesUsage } from "./responses_usage.ts";
import { namedFrame } from "./stream_steps.ts";

export const OPENAI_RESPONSES: DemoDialect = {
  ...OPENAI_MANNERS,
  read(body, { models, provider }) {
    const read = readResponsesRequest(body, models, provider);
    if (isOpenAiError(read)) return errorAnswer(read, provider);
    return {
      ask: read.ask,
      useCache: (cache) => ({
        cacheRead: cache.use(read.ask.messages),
        cacheWrite5m: 0,
        cacheWrite1h: 0,
      }),
      speak(answer) {
        const speech = new ResponsesSpeech(answer, read, provider);
        return {
          frames: speech,
          streamType: "text/event-stream; charset=utf-8",
          whole: () => JSON.stringify(speech.whole(), null, 2),
        };
      },
    };
  },
};

type Status = "in_progress" | "completed" | "incomplete" | "failed";

class ResponsesSpeech implements Frames {
  readonly #answer: Answer;
  readonly #request: ResponsesRequest;
  readonly #provider: string;
  readonly #id: string;
  /** Null for an answer that came to its end; else why it did not. */
  readonly #incomplete: string | null;
  #sequence = 0;
  /** Items that are done. */
  readonly #output: unknown[] = [];
  #item: ResponseItem | null = null;

  constructor(answer: Answer, request: ResponsesRequest, provider: string) {
    this.#answer = answer;
    this.#request = request;
    this.#provider = provider;
    this.#id = provider === "xai" ? crypto.randomUUID() : `resp_${randomHex(50)}`;
    const { finish } = answer.ask.script;
    this.#incomplete = finish !== undefined
      ? (finish === "completed" ? null : finish)
      : answer.finish === "length"
      ? "max_output_tokens"
      : null;
  }

  /** The body of an answer that is not streamed: what its stream would end with. */
  whole(): unknown {
    this.start();
    for (const piece of this.#answer.pieces) this.piece(piece);
    this.#close();
    return this.#response(this.#incomplete === null ? "completed" : "incomplete");
  }

  start(): string {
    const { ask, counts } = this.#answer;
    const response = this.#response("in_progress");
    let text = this.#events([
      { type: "response.created", response },
      { type: "response.in_progress", response },
    ]);
    if (this.#provider === "xai") text += ": keepalive\n\n";
    for (let i = 0; i < (ask.script.web_searches ?? 0); i++) {
      const { events, item } = searchItem(this.#output.length);
      text += this.#events(events);
      this.#output.push(item);
    }
    // Reasoning has its item whether it is summed up or not.
    return counts.reasoning > 0 ? text + this.#open("reasoning") : text;
  }

  piece({ kind, text }: Piece): string {
    const opening = this.#item?.kind === kind ? "" : this.#close() + this.#open(kind);
    const isPadded = this.#request.isObfuscated && this.#provider === "openai";
    return opening + this.#events(this.#item!.add(text, isPadded));
  }

  end(): string[] {
    const { script } = this.#answer.ask;
    const frames = [this.#close()];
    const status = this.#incomplete === null ? "completed" : "incomplete";
    const terminal = { type: `response.${status}`, response: this.#response(status) };
    if (!script.omit_done) frames.push(this.#events([terminal]));
    return frames;
  }

  error(): string {
    const { type, message, param } = ordered(500);
    const error = { type, code: "server_error", message, param };
    return this.#events([
      { type: "error", error },
      { type: "response.failed", response: this.#response("failed") },
    ]);
  }

  #events(events: readonly ResponseEvent[]): string {
    return events.map((event) => namedFrame({ ...event, sequence_number: this.#sequence++ }))
      .join("");
  }

  #open(kind: Piece["kind"]): string {
    const { toolCall, showsReasoning } = this.#answer.ask;
    this.#item = new ResponseItem(kind, this.#output.length, {
      tool: toolCall?.name ?? "",
      isSummarised: showsReasoning,
      provider: this.#provider,
    });
    return this.#events(this.#item.open());
  }

  #close(): string {
    if (this.#item === null) return "";
    // What comes last of an answer that was cut is itself incomplete.
    const isLast = this.#item.kind !== "reasoning";
    const events = this.#item.close(isLast && this.#incomplete !== null);
    this.#output.push(this.#item.value());
    this.#item = null;
    return this.#events(events);
  }

  #response(status: Status): unknown {
    const { ask, created } = this.#answer;
    const { body } = this.#request;
    const isOver = status === "completed" || status === "incomplete";
    return {
      id: this.#id,
      object: "response",
      created_at: created,
      status,
      background: false,
      completed_at: status === "completed" ? Math.floor(Date.now() / 1000) : null,
      error: status === "failed" ? { code: "server_error", message: ordered(500).message } : null,
      incomplete_details: isOver && this.#incomplete !== null ? { reason: this.#incomplete } : null,
      instructions: body.instructions ?? null,
      max_output_tokens: body.max_output_tokens ?? null,
      max_tool_calls: body.max_tool_calls ?? null,
      model: ask.model.snapshot,
      output: isOver ? [...this.#output] : [],
      parallel_tool_calls: body.parallel_tool_calls ?? true,
      previous_response_id: body.previous_response_id ?? null,
      prompt_cache_key: body.prompt_cache_key ?? null,
      reasoning: body.reasoning ?? { effort: null, summary: null },
      safety_identifier: body.safety_identifier ?? null,
      service_tier: status === "in_progress" ? "auto" : "default",
      store: body.store ?? true,
      temperature: body.temperature ?? 1,
      text: body.text ?? { format: { type: "text" }, verbosity: "medium" },
      tool_choice: body.tool_choice ?? "auto",
      ...(this.#provider === "openai"
        ? {
          tool_usage: { web_search: { num_requests: isOver ? ask.script.web_searches ?? 0 : 0 } },
        }
        : {}),
      tools: body.tools ?? [],
      top_logprobs: 0,
      top_p: body.top_p ?? 1,
      truncation: body.truncation ?? "disabled",
      usage: isOver ? responsesUsage(this.#answer, this.#provider) : null,
      user: body.user ?? null,
      metadata: body.metadata ?? {},
    };
  }
}
