/** In place of the functions: a server that speaks their wire format as a test orders, and a session. */
import type { Session } from "@supabase/supabase-js";
import { createFarebox } from "../../../web/client/mod.ts";
import type { Farebox, FareboxOptions, SupabaseParts } from "../../../web/client/farebox.ts";
import { memoryStorage } from "./client_harness.ts";

export const USER_ID = "7c1f0d5e-0000-4000-8000-000000000001";
export const REQUEST_ID = "01a20000-0000-7000-8000-000000000001";

/** A session that a test changes by hand. */
export interface FakeAuth {
  readonly supabase: SupabaseParts;
  /** Tells those who listen, as supabase-js does. */
  become(userId: string | null): void;
  readonly listeners: number;
}

export function fakeAuth(first: string | null = USER_ID): FakeAuth {
  const listeners = new Set<(event: string, session: Session | null) => void>();
  const sessionOf = (userId: string | null) =>
    userId === null
      ? null
      : { access_token: `token of ${userId}`, user: { id: userId } } as Session;
  let session = sessionOf(first);
  const auth = {
    getSession: () => Promise.resolve({ data: { session }, error: null }),
    refreshSession: () => Promise.resolve({ data: { session }, error: null }),
    onAuthStateChange(listen: (event: string, session: Session | null) => void) {
      listeners.add(listen);
      queueMicrotask(() => listen("INITIAL_SESSION", session));
      return { data: { subscription: { unsubscribe: () => listeners.delete(listen) } } };
    },
  };
  return {
    supabase: { auth } as unknown as SupabaseParts,
    become(userId) {
      session = sessionOf(userId);
      for (const listen of listeners) listen(userId === null ? "SIGNED_OUT" : "SIGNED_IN", session);
    },
    get listeners() {
      return listeners.size;
    },
  };
}

export interface StandIn {
  readonly url: string;
  /** Answers by the path after `/functions/v1`. */
  respond: (path: string, request: Request) => Response | Promise<Response>;
  /** Of all requests so far, oldest first. */
  readonly paths: string[];
  farebox(more?: Partial<FareboxOptions>): Farebox;
  stop(): Promise<void>;
}

export function startStandIn(auth: FakeAuth = fakeAuth()): StandIn {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname.replace("/functions/v1", "");
      standIn.paths.push(path);
      return await standIn.respond(path, request);
    },
  );
  const standIn: StandIn = {
    url: `http://127.0.0.1:${server.addr.port}`,
    respond: () => new Response("nobody said what to answer", { status: 500 }),
    paths: [],
    farebox: (more = {}) =>
      createFarebox({
        supabase: auth.supabase,
        url: standIn.url,
        publishableKey: "sb_publishable_key",
        realtime: false,
        storage: memoryStorage(),
        ...more,
      }),
    stop: () => server.shutdown(),
  };
  return standIn;
}

/** `GET balance` of a user. */
export function balanceAnswer(balance: string, reserved = "0"): Response {
  return new Response(
    `{"balance":${balance},"currency":"USD","available":"${balance}","reserved":"${reserved}"}`,
    { headers: { "content-type": "application/json" } },
  );
}

export function refusal(status: number, code: string, facts: object = {}): Response {
  return Response.json({ code, message: `It is ${code}.`, ...facts }, { status });
}

/** Pieces of an answer, each written for itself. */
export const delta = (facts: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: facts, finish_reason: finish }] })}\n\n`;
export const comment = (cost: string, balance: string | null, more: object = {}): string =>
  `: farebox ${
    JSON.stringify({ request_id: REQUEST_ID, cost, ...(balance && { balance }), ...more })
  }\n\n`;
export const DONE = "data: [DONE]\n\n";

/** The headers of an answer. */
export function streamHeaders(more: Record<string, string> = {}): Record<string, string> {
  return { "content-type": "text/event-stream", "x-request-id": REQUEST_ID, ...more };
}
