/** What the functions stand on, faked: a ledger of which a test tells the answers, and callers. */
import type { Ledger } from "../../shared/credit/ledger.ts";
import type { IdentifyDeps } from "../../shared/edge/identify.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";

export const USER = "11111111-2222-4333-8444-555555555555";
export const PUBLISHABLE = "sb_publishable_test";
export const SECRET = "sb_secret_test";
/** Looks like a JWT; `identifyDeps` takes it for USER's. */
export const TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";

export const AS_USER = { authorization: `Bearer ${TOKEN}`, apikey: PUBLISHABLE };
export const AS_GUEST = { apikey: PUBLISHABLE };
export const AS_OPERATOR = { authorization: `Bearer ${SECRET}` };

/** Every call of a method, as `[name, ...arguments]`, in order. */
export type LedgerCalls = [name: string, ...args: unknown[]][];

/** A ledger with the given answers. A method that has none fails the test that calls it. */
export function fakeLedger(answers: Partial<Ledger>): { ledger: Ledger; calls: LedgerCalls } {
  const calls: LedgerCalls = [];
  const ledger = new Proxy(answers, {
    get: (known, name: keyof Ledger) => (...args: never[]) => {
      calls.push([name, ...args]);
      const method = known[name] as ((...args: never[]) => unknown) | undefined;
      if (!method) throw new Error(`The test did not expect ledger.${name}`);
      return method(...args);
    },
  });
  return { ledger: ledger as Ledger, calls };
}

/** Callers as `identify` finds them, without any Auth server. */
export function identifyDeps(outcome: "user" | "anonymous" | Refusal = "user"): IdentifyDeps {
  return {
    publishableKeys: [PUBLISHABLE],
    secretKeys: [SECRET],
    verifyToken: () =>
      Promise.resolve(
        typeof outcome === "string"
          ? { userId: USER, isAnonymous: outcome === "anonymous", expiresAtMs: Infinity }
          : outcome,
      ),
    guestTokenSecret: "guest token secret",
    addressHashSalt: "address salt",
    clientAddressHeaders: ["x-forwarded-for"],
  };
}

/** Sends a request to a function and reads the answer's JSON. */
export async function send(
  handler: (request: Request) => Promise<Response>,
  path: string,
  init?: RequestInit,
) {
  const response = await handler(new Request(`http://edge.test${path}`, init));
  const text = await response.text();
  const json = text.startsWith("{") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}
