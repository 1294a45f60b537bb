/** The ways from the provider to the client that are compared; each adds one thing to the one before. */
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import type { Ledger } from "../../shared/credit/ledger.ts";
import type { Reservation } from "../../shared/credit/results.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { meterBody } from "../../shared/llm/meter_body.ts";
import { type Chunks, chunksOf } from "../../supabase/functions/chat-proxy/chunks_of.ts";
import { createHold } from "../../supabase/functions/chat-proxy/hold.ts";
import { relay } from "../../supabase/functions/chat-proxy/relay.ts";

export type Handler = (request: Request) => Response | Promise<Response>;

/**
 * `untouched`: the provider's body itself. `identity`: read and written again by JavaScript, unread.
 * `identity-small-reads`: the same with the relay's own way to read. `relay`: Farebox's relay with its meter and hold, before a ledger that answers at once. `whole`: the
 * function chat-proxy as it is deployed, with whatever ledger its environment names.
 */
export const VARIANTS = [
  "untouched",
  "identity",
  "identity-small-reads",
  "relay",
  "whole",
] as const;
export type Variant = typeof VARIANTS[number];

/** @throws Error where there is no such variant. */
export async function openVariant(variant: string, upstream: string): Promise<Handler> {
  switch (variant) {
    case "untouched":
      return forwarding(upstream, (body) => body);
    case "identity":
      return forwarding(upstream, identity);
    case "identity-small-reads":
      return forwarding(upstream, identityWithSmallReads);
    case "relay":
      return forwarding(upstream, metered);
    case "whole": {
      const { default: chatProxy } = await import("../../supabase/functions/chat-proxy/index.ts");
      return chatProxy.fetch;
    }
    default:
      throw new Error(`There is no variant ${variant}`);
  }
}

type Pass = (body: ReadableStream<Uint8Array>, abort: () => void) => ReadableStream<Uint8Array>;

function forwarding(upstream: string, pass: Pass): Handler {
  return async (request) => {
    const abort = new AbortController();
    const response = await fetch(`${upstream}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: await request.text(),
      signal: abort.signal,
    });
    if (response.body === null) throw new Error("The upstream has no body");
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(pass(response.body, () => abort.abort()), { headers });
  };
}

/** The shape of Farebox's relay, without a look at the bytes. */
function identity(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return readBy(body.getReader());
}

/** The same, reading as Farebox's relay does: into buffers of its own, of about a chunk's size. */
function identityWithSmallReads(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return readBy(chunksOf(body));
}

function readBy(chunks: Chunks): ReadableStream<Uint8Array> {
  let lastBytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.read(lastBytes);
      if (done) return controller.close();
      lastBytes = value.length;
      controller.enqueue(value);
    },
    cancel: () => chunks.cancel(),
  }, { highWaterMark: 0 });
}

/** As the ledger's defaults have it. */
const SLICE_TOKENS = 1024;
const LIMIT_TOKENS = 16_384;

function metered(body: ReadableStream<Uint8Array>, abort: () => void): ReadableStream<Uint8Array> {
  const requestId = crypto.randomUUID();
  const hold = createHold({
    ledger: atOnce,
    reservation: {
      request_id: requestId,
      output_tokens_reserved: SLICE_TOKENS,
      output_tokens_limit: LIMIT_TOKENS,
    } as Reservation,
    heartbeatMs: 15_000,
  });
  return relay({
    upstream: body,
    meter: OPENAI_CHAT.createMeter(DEFAULT_COUNTING),
    meterWhole: (bytes) => meterBody(bytes, OPENAI_CHAT, DEFAULT_COUNTING).snapshot,
    withholdUsage: false,
    abortPolicy: "abort",
    abortUpstream: abort,
    hold,
    endsAtLimit: true,
    inputTokensEstimate: 12,
    capture: null,
    heartbeatMs: 15_000,
    deadlineMs: 390_000,
    settle: (snapshot) =>
      Promise.resolve({
        cost: "0.0012",
        balance: "9.9988",
        tokens: snapshot.usage,
        basis: "reported",
      }),
    requestId,
    startedMs: Date.now(),
    now: Date.now,
    errorEvent: OPENAI_CHAT.errorEvent,
  }).body;
}

/** A ledger that grants every slice without a round trip. */
const atOnce: Pick<Ledger, "extend"> = {
  extend: ({ outputTokensTotal }) =>
    Promise.resolve({
      state: "extended",
      output_tokens_reserved: outputTokensTotal,
      available: "10",
      expires_at: null,
    }),
};
