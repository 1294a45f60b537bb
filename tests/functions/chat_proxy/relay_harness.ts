/** One relayed answer with everything around it under the test's hand; no network, no ledger. */
import { DEFAULT_COUNTING } from "../../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../../shared/llm/dialects/openai_chat.ts";
import { meterBody } from "../../../shared/llm/meter_body.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import type { Hold, RefusedBy } from "../../../supabase/functions/chat-proxy/hold.ts";
import {
  type Relay,
  relay,
  type RelayOptions,
} from "../../../supabase/functions/chat-proxy/relay.ts";
import type { End, Outcome } from "../../../supabase/functions/chat-proxy/ending.ts";

export type Settled = { snapshot: MeterSnapshot; end: End };

export type Relayed = Relay & { settled: Settled[]; isUpstreamAborted: () => boolean };

export const OUTCOME: Outcome = {
  cost: "0.0012",
  balance: "9.9988",
  tokens: null,
  basis: "reported",
};

/** Relays chunks. `upstream` may also be a stream of the test's own. */
export function relayed(
  upstream: readonly Uint8Array[] | ReadableStream<Uint8Array>,
  change: Partial<RelayOptions> = {},
): Relayed {
  const settled: Settled[] = [];
  let isAborted = false;
  const body = upstream instanceof ReadableStream ? upstream : ReadableStream.from(upstream);
  const answer = relay({
    upstream: body,
    meter: OPENAI_CHAT.createMeter(DEFAULT_COUNTING),
    meterWhole: (bytes) => meterBody(bytes, OPENAI_CHAT, DEFAULT_COUNTING).snapshot,
    withholdUsage: false,
    abortPolicy: "abort",
    abortUpstream: () => isAborted = true,
    hold: null,
    endsAtLimit: true,
    inputTokensEstimate: 10,
    capture: null,
    heartbeatMs: 60_000,
    deadlineMs: 60_000,
    settle: (snapshot, end) => {
      settled.push({ snapshot, end });
      return Promise.resolve(OUTCOME);
    },
    requestId: "r",
    startedMs: 0,
    now: Date.now,
    errorEvent: OPENAI_CHAT.errorEvent,
    ...change,
  });
  return { ...answer, settled, isUpstreamAborted: () => isAborted };
}

/** A hold that covers up to `tokens` and then says no: the balance does, unless told. */
export function holdOf(tokens: number, refusedBy: RefusedBy = "balance"): Hold {
  return {
    progress() {},
    covers: (used) => used < tokens,
    refusedBy: () => refusedBy,
    exceedsLimit: () => false,
    stop() {},
  };
}

/** A stream that gives the chunks and then, instead of ending, fails. */
export function breakingAfter(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.error(new Error("connection reset"));
      else controller.enqueue(chunk);
    },
  });
}

/** A chunk of Chat Completions as an event. */
export function chunkEvent(fields: Record<string, unknown>): string {
  const chunk = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m", ...fields };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** A whole streamed answer of `words`, with usage. */
export function answerOf(words: readonly string[], options: { usage?: boolean } = {}): string {
  const delta = (delta: unknown, finish: string | null = null) =>
    chunkEvent({ choices: [{ index: 0, delta, finish_reason: finish }], usage: null });
  return [
    delta({ role: "assistant", content: "" }),
    ...words.map((content) => delta({ content })),
    delta({}, "stop"),
    ...(options.usage === false ? [] : [chunkEvent({
      choices: [],
      usage: {
        prompt_tokens: 12,
        completion_tokens: words.length,
        total_tokens: 12 + words.length,
      },
    })]),
    "data: [DONE]\n\n",
  ].join("");
}

export async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(body).text();
}

/** The comment that tells the cost, with its line ends. */
export const COST_COMMENT = /: farebox [^\n]*\n\n/;
