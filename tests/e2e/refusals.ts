/** What every refusal of the stack owes its caller, and what it must not leave behind. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TestStack } from "../support/stack.ts";
import { whatWasAsked } from "./clients_harness.ts";

export interface Told {
  readonly code: string;
  readonly message: string;
  readonly param?: string | undefined;
  readonly response: Response;
  /** The whole body. */
  readonly text: string;
}

/** Reads a refusal: the expected status and code, in both error shapes, with a sentence. */
export async function readRefusal(
  stack: TestStack,
  response: Response,
  status: number,
  code: string,
): Promise<Told> {
  const text = await response.text();
  assertEquals(response.status, status, text.slice(0, 500));
  const body = JSON.parse(text);
  assertEquals(body.code, code, text);
  // A sentence that says what to do, and not a dump.
  assertMatch(body.message, /^[A-Z`"'\w].{10,700}[.?]$/s);
  assertEquals(body.error.code, code);
  assertEquals(body.error.message, body.message);
  assert(typeof body.error.type === "string");
  assert("param" in body.error);
  // At the top an absent one is empty text, which some SDKs insist on.
  assertEquals(body.error.param, body.param || null);
  assertEquals(body.request_id, response.headers.get("x-request-id"));
  assertMatch(body.request_id, /^[0-9a-f-]{36}$/);
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
  assertMatch(response.headers.get("access-control-expose-headers") ?? "", /x-request-id/);
  assertMatch(response.headers.get("content-type") ?? "", /^application\/json/);
  assertEquals(response.headers.get("cache-control"), "no-store");
  const everything = text + JSON.stringify([...response.headers]);
  const { secretKey, dbUrl } = stack.details;
  for (const secret of [secretKey, dbUrl, "sk-demo", "postgres://", "    at "]) {
    assert(!everything.includes(secret), `It tells ${secret}: ${everything}`);
  }
  return { code, message: body.message, param: body.param || undefined, response, text };
}

/** Runs what must change nothing: no request to the provider, no reservation, no charge, no cent. */
export async function changingNothing<T>(stack: TestStack, run: () => Promise<T>): Promise<T> {
  const state = async () => {
    const [row] = await stack.sql`
      select
        (select count(*)::int from billing.reservations) as reservations,
        (select count(*)::int from public.usage_records) as charges,
        (select coalesce(sum(answered + pending), 0)::int from billing.guest_exchanges) as places,
        (select jsonb_object_agg(user_id, billing.usd(balance) || '/' || billing.usd(reserved))
          from public.user_balances) as accounts`;
    return { ...row, asked: (await whatWasAsked(stack)).length };
  };
  const before = await state();
  const result = await run();
  assertEquals(await state(), before);
  return result;
}
