/** One question and its answer, as it comes. */
import { FareboxError } from "./errors.ts";
import {
  aborted,
  badAnswer,
  brokenConnection,
  errorInStream,
  parseJson,
  textOf,
} from "./failures.ts";
import type { Answer, Http, Owner } from "./http.ts";
import { createChunkReader } from "./read_chunk.ts";
import { createEventReader, type StreamItem } from "./read_events.ts";
import { costOf, settledReceipt } from "./settled_receipt.ts";
import type { ChatCost, ChatEvent, ChatOptions, ChatRequest, ChatStream } from "./types.ts";

/** Who is told of what an answer changes. */
export interface ChatListener {
  cost(cost: ChatCost, owner: Owner): void;
  freeExchangesLeft(left: number, owner: Owner): void;
  /** Something may have been charged, or refused for the balance, and nobody said how much is left. */
  unsure(): void;
}

/** How long the receipt is waited for after `stop()`. Some providers write to their end first. */
const STOPPED_WAIT_MS = 10_000;
/** An answer that is whole lacks its cost only where the ledger was slow. */
const SLOW_LEDGER_WAIT_MS = 4_000;

export function createChatStream(
  http: Http,
  request: ChatRequest,
  options: ChatOptions,
  listener: ChatListener,
): ChatStream {
  const hangUp = new AbortController();
  const { signal } = options;
  let isStopped = false;
  let isBegun = false;

  async function* run(): AsyncGenerator<ChatEvent> {
    if (signal?.aborted) throw aborted(signal);
    if (isStopped) return yield stopped();
    const onAbort = () => hangUp.abort();
    signal?.addEventListener("abort", onAbort);
    let isOver = false;
    try {
      yield* answer();
      isOver = true;
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      hangUp.abort();
      // Whoever leaves early, or is refused, does not hear what that came to.
      if (!isOver) listener.unsure();
    }
  }

  async function* answer(): AsyncGenerator<ChatEvent> {
    let answered: Answer;
    try {
      answered = await http.send("/chat-proxy/v1/chat/completions", {
        body: { ...request, stream: true },
        headers: headersOf(options),
        signal: hangUp.signal,
      });
    } catch (error) {
      if (!isStopped || signal?.aborted) throw error;
      // No answer had begun: its id is not known, and mostly nothing is charged.
      listener.unsure();
      return yield stopped();
    }
    const { response, owner } = answered;
    const { headers } = response;
    const requestId = headers.get("x-original-request-id") ?? headers.get("x-request-id") ?? "";
    const left = headers.get("x-free-exchanges-left");
    const freeExchangesLeft = left === null ? null : Number(left);
    if (freeExchangesLeft !== null) listener.freeExchangesLeft(freeExchangesLeft, owner);
    yield {
      type: "start",
      requestId,
      model: headers.get("x-model") ?? request.model,
      outputLimitedBy: limitedBy(headers.get("x-output-limited-by")),
      freeExchangesLeft,
    };

    const chunks = createChunkReader();
    let cost: ChatCost | null = null;
    let code: string | null = null;
    let isDone = false;
    let failure: FareboxError | null = null;
    let broken: unknown;
    try {
      for await (const item of itemsOf(response, requestId)) {
        if (item.type === "done") isDone = true;
        else if (item.type === "cost") {
          code = item.code;
          cost ??= item.cost;
          if (item.cost !== null) listener.cost(item.cost, owner);
        } else if (item.chunk.error) failure ??= errorInStream(item.chunk.error, requestId);
        else yield* chunks.read(item.chunk);
      }
    } catch (error) {
      broken = error;
    }
    if (signal?.aborted) throw aborted(signal);
    const finish = chunks.finishReason();
    const isWhole = isDone || finish !== null || (cost !== null && code === null);
    if (failure === null && !isWhole && !isStopped) {
      throw broken instanceof FareboxError ? broken : brokenConnection(requestId, broken);
    }
    if (isWhole && failure === null) yield* chunks.toolCalls();
    if (cost === null && failure === null && owner !== null) {
      cost = await lookUp(requestId, isWhole ? SLOW_LEDGER_WAIT_MS : STOPPED_WAIT_MS);
      if (cost !== null) {
        cost = { ...cost, code };
        listener.cost(cost, owner);
      }
    }
    if (signal?.aborted) throw aborted(signal);
    if (cost !== null) yield { type: "cost", cost };
    else listener.unsure();
    if (failure !== null) throw failure;
    yield isWhole ? { type: "end", finishReason: finish } : stopped();
  }

  /** Null where nothing was charged, or nobody can tell: the answer itself came all the same. */
  async function lookUp(requestId: string, waitMs: number): Promise<ChatCost | null> {
    try {
      return costOf(await settledReceipt(http, requestId, waitMs, signal));
    } catch {
      return null;
    }
  }

  return {
    stop() {
      if (isStopped) return;
      isStopped = true;
      hangUp.abort();
    },
    [Symbol.asyncIterator]() {
      if (isBegun) throw new TypeError("An answer can be iterated once.");
      isBegun = true;
      return run();
    },
  };
}

/** What the body says, step by step; of JSON too, which some providers send in place of a stream. */
async function* itemsOf(response: Response, requestId: string): AsyncGenerator<StreamItem> {
  if (response.body === null) throw badAnswer(response);
  const events = createEventReader();
  const decoder = new TextDecoder();
  /** All that came, as long as it was no event; null from the first one on. */
  let whole: string | null = "";
  const reader = response.body.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const items = events.push(read.value);
      if (items.length > 0) whole = null;
      if (whole !== null) whole += decoder.decode(read.value, { stream: true });
      yield* items;
    }
    const items = events.flush();
    yield* items;
    if (whole !== null && items.length === 0) yield* itemsOfWhole(whole, response, requestId);
  } finally {
    // Left early: the connection is not needed any more. An error has closed it already.
    reader.cancel().catch(() => {});
  }
}

function itemsOfWhole(text: string, response: Response, requestId: string): StreamItem[] {
  const { headers } = response;
  const chunk = parseJson(text);
  if (chunk === undefined) {
    // A stream that broke off before its first event is no bad answer.
    if (/^text\/event-stream\b/i.test(headers.get("content-type") ?? "")) return [];
    throw badAnswer(response);
  }
  const cost = headers.get("x-cost");
  if (cost === null) return [{ type: "chunk", chunk }];
  const balance = textOf(headers.get("x-balance"));
  const facts = { request_id: requestId, cost, balance, tokens: null, basis: null, code: null };
  return [{ type: "chunk", chunk }, { type: "cost", cost: facts, code: null }];
}

function headersOf(
  { chatId, idempotencyKey, fallbackModels }: ChatOptions,
): Record<string, string> {
  return {
    ...(chatId !== undefined && { "x-chat-id": chatId }),
    ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
    ...(fallbackModels?.length && { "x-fallback-models": fallbackModels.join(", ") }),
  };
}

function limitedBy(value: string | null): "balance" | "guest" | "spend_limit" | null {
  return value === "balance" || value === "guest" || value === "spend_limit" ? value : null;
}

function stopped(): ChatEvent {
  return { type: "end", finishReason: "stopped" };
}
