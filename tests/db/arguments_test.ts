import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import { accountOf, call, createUser, refusalOf, reserve } from "../support/ledger_calls.ts";

/** The arguments of a user's `reserve` that is in order. */
function goodArguments(userId: string): Record<string, string | number | null> {
  return {
    p_request_id: crypto.randomUUID(),
    p_user_id: userId,
    p_guest_token_id: null,
    p_guest_address_hash: null,
    p_guest_limit: null,
    p_provider_id: "openai",
    p_model_id: "gpt-4o",
    p_input_tokens_max: 100,
    p_output_tokens_max: 100,
    p_chat_id: null,
    p_idempotency_key: null,
    p_request_hash: null,
  };
}

const GUEST = {
  p_user_id: null,
  p_guest_token_id: "t",
  p_guest_address_hash: "a",
  p_guest_limit: 3,
};

/** Each would leave a reservation that nobody could settle, or let a guest in without a limit. */
const BAD_RESERVES: Record<string, Record<string, string | number | null>> = {
  "a chat id of 129 characters": { p_chat_id: "c".repeat(129) },
  "no request id": { p_request_id: null },
  "neither a user nor a guest": { p_user_id: null },
  "a user and a guest at once": { p_guest_token_id: "t", p_guest_address_hash: "a" },
  "a guest without a limit": { ...GUEST, p_guest_limit: null },
  "a guest without an address": { ...GUEST, p_guest_address_hash: null },
  "negative input": { p_input_tokens_max: -1 },
  "no input bound": { p_input_tokens_max: null },
  "an output limit of zero": { p_output_tokens_max: 0 },
  "an unknown enforcement": { p_enforcement: "sometimes" },
  "no word on extending": { p_can_extend: null },
};

for (const [fault, change] of Object.entries(BAD_RESERVES)) {
  Deno.test(`reserve with ${fault} is INVALID_ARGUMENT, and nothing is held`, () =>
    withDatabase(async ({ sql, service }) => {
      const userId = await createUser(sql);
      const refusal = await refusalOf(
        call(service, "reserve", { ...goodArguments(userId), ...change }),
      );
      assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
      assertEquals((await accountOf(sql, userId)).reserved, "0");
      assertEquals((await sql`select from billing.reservations`).length, 0);
    }));
}

Deno.test("lesson 22: usage below zero, absent, or of an unknown basis is INVALID_ARGUMENT and stays open", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    const usage = {
      p_request_id: requestId,
      p_input_tokens: 1,
      p_cache_read_tokens: 0,
      p_cache_write_5m_tokens: 0,
      p_cache_write_1h_tokens: 0,
      p_output_tokens: 1,
      p_basis: "reported",
    };
    const counts = Object.keys(usage).filter((name) => name.endsWith("_tokens"));
    const belowZero = counts.map((name) => ({ [name]: -1 }));
    for (const change of [...belowZero, { p_input_tokens: null }, { p_basis: "guess" }]) {
      const refusal = await refusalOf(call(service, "settle", { ...usage, ...change }));
      assertEquals([change, refusal.code], [change, "INVALID_ARGUMENT"]);
    }
    assertEquals((await call(service, "settle", usage))["state"], "settled");
  }));

Deno.test("an amount that is not a decimal of at most ten places is INVALID_ARGUMENT, never rounded", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (
      const amount of ["0.00000000001", "1e3", "NaN", "Infinity", "", " 1", "1,5", "+1", "0", "-1"]
    ) {
      const credit = { p_user_id: userId, p_amount: amount, p_kind: "top_up", p_key: "k" };
      const refusal = await refusalOf(call(service, "grant_credit", credit));
      assertEquals([amount, refusal.code], [amount, "INVALID_ARGUMENT"]);
    }
    assertEquals((await accountOf(sql, userId)).balance, "10");
  }));
