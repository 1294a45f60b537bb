/**
 * A provider that does what providers do on their worst day, and remembers for each request what it
 * really delivered: the truth that the ledger is held against.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { generate } from "selfsigned";
import type { Chance } from "./random.ts";
import { startCutter } from "./cutter.ts";
import { type Answer, eventsOf, wholeOf, type WireDialect, wordsOf } from "./wire.ts";

/** One attempt of the proxy's at one request. */
export interface Attempt {
  readonly atMs: number;
  /** When something was handed over for the last time. */
  lastMs: number;
  readonly fault: UpstreamFault;
  readonly dialect: WireDialect;
  readonly model: string;
  readonly stream: boolean;
  readonly promptTokens: number;
  /** Tokens that were handed to the connection; what is lost on the way is among them. */
  tokens: number;
  /** The usage was handed over, and the last event. */
  toldUsage: boolean;
  ended: boolean;
}

export type UpstreamFault = keyof typeof WEIGHTS;

/** How often what happens. */
const WEIGHTS = {
  none: 58,
  latency: 6,
  stall: 4,
  reset: 4,
  end_of_connection: 4,
  garbage: 3,
  flood: 1,
  slow: 1,
  rate_limit: 4,
  failure: 4,
  web_page: 2,
  error_frame: 3,
  no_usage: 3,
  empty: 2,
  no_terminal: 2,
} as const;
/** A storm of 429s takes so much of what comes, now and then for some seconds. */
const STORM = { share: 0.6, everyMs: 20_000, lastsMs: 2_500 };
const FLOOD_TOKENS = 3_000;
/** So slow that a worker which is killed has written several checkpoints of it. */
const SLOW = { tokens: 250, everyMs: [150, 450] } as const;

export interface ChaosUpstream {
  readonly openAiUrl: string;
  readonly anthropicUrl: string;
  /** The certificate of the second, PEM. */
  readonly certificate: string;
  /** By the proxy's request id. Forgotten by `forget`. */
  readonly attempts: Map<string, Attempt[]>;
  readonly faults: Map<UpstreamFault, number>;
  close(): Promise<void>;
}

/** Starts both servers: plain HTTP for one dialect, TLS for the other. */
export async function startChaosUpstream(chance: Chance): Promise<ChaosUpstream> {
  const attempts = new Map<string, Attempt[]>();
  const faults = new Map<UpstreamFault, number>();
  const pems = await generate([{ name: "commonName", value: "localhost" }], {
    algorithm: "sha256",
    extensions: [{
      name: "subjectAltName",
      altNames: [{ type: 2, value: "localhost" }],
    }],
  });
  const start = async (dialect: WireDialect, tls: { cert: string; key: string } | null) => {
    let cut: (port: number, afterBytes: number, how: "reset" | "end") => void = () => {};
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      async (request, info) => {
        const body = await request.json();
        const fault = nextFault(chance);
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        const attempt: Attempt = {
          atMs: Date.now(),
          lastMs: Date.now(),
          fault,
          dialect,
          model: body.model,
          stream: body.stream === true,
          promptTokens: Math.max(1, JSON.stringify(body.messages).length >> 3),
          tokens: 0,
          toldUsage: false,
          ended: false,
        };
        const id = request.headers.get("x-client-request-id") ?? "";
        attempts.set(id, [...attempts.get(id) ?? [], attempt]);
        const port = info.remoteAddr.transport === "tcp" ? info.remoteAddr.port : 0;
        return await respond(attempt, body, chance.fork(), (after, how) => cut(port, after, how));
      },
    );
    const cutter = await startCutter(server.addr.port);
    cut = cutter.cut;
    return { port: cutter.port, close: () => Promise.all([server.shutdown(), cutter.close()]) };
  };
  const plain = await start("openai", null);
  const secure = await start("anthropic", { cert: pems.cert, key: pems.private });
  return {
    openAiUrl: `http://127.0.0.1:${plain.port}/v1`,
    anthropicUrl: `https://localhost:${secure.port}`,
    certificate: pems.cert,
    attempts,
    faults,
    async close() {
      await Promise.all([plain.close(), secure.close()]);
    },
  };
}

function nextFault(chance: Chance): UpstreamFault {
  const isStorm = Date.now() % STORM.everyMs < STORM.lastsMs;
  return isStorm && chance.next() < STORM.share ? "rate_limit" : chance.weighted(WEIGHTS);
}

async function respond(
  attempt: Attempt,
  body: { max_tokens?: number; max_completion_tokens?: number; wanted?: number },
  chance: Chance,
  cut: (afterBytes: number, how: "reset" | "end") => void,
): Promise<Response> {
  const { fault, dialect } = attempt;
  const refused = refusal(fault, dialect, chance);
  if (refused !== null) return refused;
  if (fault === "latency") await sleep(chance.int(20, 900));
  const limit = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
  const wanted = fault === "flood"
    ? FLOOD_TOKENS
    : fault === "slow"
    ? SLOW.tokens
    : fault === "empty"
    ? 0
    : chance.next() < 0.05
    ? chance.int(200, 1_500)
    : chance.int(1, 60);
  const count = Math.min(wanted, limit);
  const answer: Answer = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    model: attempt.model,
    promptTokens: attempt.promptTokens,
    words: wordsOf(count),
    finish: count < wanted ? "length" : "stop",
    hasUsage: fault !== "no_usage" && fault !== "empty",
    hasTerminal: fault !== "no_terminal",
    errorAfter: fault === "error_frame" ? chance.int(0, Math.max(0, count - 1)) : null,
  };
  if (fault === "garbage") return new Response(garbage(chance), EVENT_STREAM);
  if (!attempt.stream) {
    const text = wholeOf(dialect, answer);
    if (isCut(fault)) cut(chance.int(0, text.length), fault === "reset" ? "reset" : "end");
    attempt.tokens = count;
    attempt.toldUsage = answer.hasUsage;
    attempt.ended = true;
    return new Response(text, { headers: { "content-type": "application/json" } });
  }
  const events = eventsOf(dialect, answer);
  if (isCut(fault)) {
    const bytes = events.reduce((sum, { text }) => sum + text.length, 300);
    cut(chance.int(0, bytes), fault === "reset" ? "reset" : "end");
  }
  return new Response(streamOf(attempt, events, chance), EVENT_STREAM);
}

const EVENT_STREAM = { headers: { "content-type": "text/event-stream" } };

/** The connection breaks: what was handed to it need not have arrived. */
export const isCut = (fault: UpstreamFault): boolean =>
  fault === "reset" || fault === "end_of_connection";

function refusal(fault: UpstreamFault, dialect: WireDialect, chance: Chance): Response | null {
  const error = (status: number, type: string, headers: Record<string, string> = {}) =>
    Response.json(
      dialect === "openai"
        ? { error: { message: "No", type, code: null, param: null } }
        : { type: "error", error: { type, message: "No" } },
      { status, headers },
    );
  switch (fault) {
    case "rate_limit":
      return error(429, "rate_limit_error", { "retry-after": chance.pick(["1", "30"]) });
    case "failure":
      return error(chance.pick([500, 502, 503, 529]), "server_error");
    case "web_page":
      return new Response("<html>Please sign in</html>", {
        headers: { "content-type": "text/html" },
      });
    default:
      return null;
  }
}

function streamOf(
  attempt: Attempt,
  events: readonly { text: string; tokens: number; tellsUsage: boolean }[],
  chance: Chance,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const stallAt = attempt.fault === "stall" ? chance.int(0, events.length - 1) : -1;
  // A provider's pace, or all at once: then a chunk has several events.
  const isSlow = attempt.fault === "slow";
  const isPaced = isSlow || attempt.fault !== "flood" && chance.next() < 0.5;
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at === stallAt) await sleep(chance.int(300, 3_000));
      else if (isSlow && at % 8 === 0) await sleep(chance.int(...SLOW.everyMs));
      else if (isPaced && at % 8 === 0) await sleep(chance.int(1, 12));
      const upTo = Math.min(events.length, at + (isPaced ? 1 : chance.int(1, 40)));
      const batch = events.slice(at, upTo);
      at = upTo;
      const last = batch.at(-1);
      if (last !== undefined) {
        attempt.lastMs = Date.now();
        attempt.tokens = last.tokens;
        attempt.toldUsage = last.tellsUsage;
        controller.enqueue(encoder.encode(batch.map(({ text }) => text).join("")));
      }
      if (at >= events.length) {
        attempt.ended = true;
        controller.close();
      }
    },
  }, { highWaterMark: 0 });
}

function garbage(chance: Chance): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: chance.int(1, 4_000) }, () => chance.int(0, 255));
}
