/**
 * Stands between the functions and the platform, and does what networks and pools do: delays, errors in
 * PostgREST's words, connections that break before a call or, worse, after its commit.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "./random.ts";

/** `away`: every call is refused, for longer than a reservation lives without a heartbeat. */
export type PlatformFault = "none" | "delay" | "error" | "lost_before" | "lost_after" | "away";

/** A heartbeat, as it went by. */
export interface Heartbeat {
  readonly sentMs: number;
  /** Null while nobody has answered. */
  answeredMs: number | null;
  /** It was in the ledger then, whether or not the functions heard of it. */
  isDone: boolean;
  /** What was delivered, as the worker counts it. */
  readonly outputTokens: number;
}

export interface ChaosPlatform {
  readonly url: string;
  /** What happens to a part of the calls from now on. */
  fault: PlatformFault;
  /** Where the platform is; changes when it is started again. */
  target: string;
  /** How many calls were hit. */
  readonly hits: Map<PlatformFault, number>;
  /** By request. */
  readonly heartbeats: Map<string, Heartbeat[]>;
  close(): Promise<void>;
}

/** The share of calls that a fault hits. */
const SHARE = 0.4;

/** What PostgREST says of a deadlock, a serialisation failure, and a pool that is empty. */
const ERRORS = [
  { status: 500, body: { code: "40P01", message: "deadlock detected", details: null, hint: null } },
  {
    status: 500,
    body: {
      code: "40001",
      message: "could not serialize access due to concurrent update",
      details: null,
      hint: null,
    },
  },
  {
    status: 504,
    body: {
      code: "PGRST003",
      message: "Timed out acquiring connection from connection pool.",
      details: null,
      hint: null,
    },
  },
] as const;

export function startChaosPlatform(chance: Chance): ChaosPlatform {
  const hits = new Map<PlatformFault, number>();
  const heartbeats = new Map<string, Heartbeat[]>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => breakOff() },
    async (request) => {
      const { fault: current } = platform;
      const isHit = current === "away" || current !== "none" && chance.next() < SHARE;
      const fault = isHit ? current : "none";
      if (fault !== "none") hits.set(fault, (hits.get(fault) ?? 0) + 1);
      const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
      const { pathname, search } = new URL(request.url);
      const heartbeat = noteHeartbeat(pathname, body, heartbeats);
      const answered = () => {
        if (heartbeat !== null) heartbeat.answeredMs = Date.now();
      };
      if (fault === "lost_before") {
        answered();
        return breakOff();
      }
      if (fault === "delay") await sleep(chance.int(50, 2_500));
      if (fault === "error" || fault === "away") {
        answered();
        const { status, body } = chance.pick(ERRORS);
        return Response.json(body, { status });
      }
      const headers = new Headers(request.headers);
      headers.delete("host");
      const response = await fetch(platform.target + pathname + search, {
        method: request.method,
        headers,
        body,
      }).finally(answered);
      if (heartbeat !== null) heartbeat.isDone = response.ok;
      if (fault === "lost_after") {
        // It has committed: read to its end, and never told.
        await response.arrayBuffer();
        return breakOff();
      }
      return new Response(response.body, response);
    },
  );
  const platform: ChaosPlatform = {
    url: `http://127.0.0.1:${server.addr.port}`,
    fault: "none",
    target: "",
    hits,
    heartbeats,
    close: () => server.shutdown(),
  };
  return platform;
}

function noteHeartbeat(
  pathname: string,
  body: Uint8Array | null,
  heartbeats: Map<string, Heartbeat[]>,
): Heartbeat | null {
  if (!pathname.endsWith("/rpc/extend") || body === null) return null;
  const { p_request_id: id, p_output_tokens: outputTokens } = JSON.parse(
    new TextDecoder().decode(body),
  );
  const heartbeat = { sentMs: Date.now(), answeredMs: null, isDone: false, outputTokens };
  heartbeats.set(id, [...heartbeats.get(id) ?? [], heartbeat]);
  return heartbeat;
}

/** A response that ends before its first byte: the client sees a broken connection. */
function breakOff(): Response {
  return new Response(
    new ReadableStream({
      pull(controller) {
        controller.error(new Error("broken off on purpose"));
      },
    }),
    { status: 200, headers: { "content-type": "application/json" } },
  );
}
