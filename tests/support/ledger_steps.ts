/** The steps that anybody may take in the ledger, in any order: what the interleavings are made of. */
import fc from "fast-check";
import type { Sql } from "./connect.ts";
import { type Args, type Ask, call, forgetHeartbeats, reserve, settle } from "./ledger_calls.ts";

/** One call of somebody, about one of a caller's few requests: `request` picks which. */
export type Step =
  | {
    kind: "reserve";
    request: number;
    enforcement: "enforce" | "observe" | "off";
    beyondText: boolean;
  }
  | { kind: "extend"; request: number; total: number; outputTokens: number }
  | {
    kind: "settle";
    request: number;
    outputTokens: number;
    basis: "reported" | "estimated";
    more: Args;
  }
  | { kind: "release"; request: number }
  | { kind: "worker dies"; request: number }
  | { kind: "expire" }
  | { kind: "refund"; request: number; amount: string | null; key: string }
  | { kind: "credit"; amount: string; key: string }
  | { kind: "reprice"; perThousand: string };

/** How many requests a caller has. The last one is made as a guest. */
export const REQUESTS = 4;
const request = fc.nat(REQUESTS - 1);
const tokens = fc.integer({ min: 0, max: 4000 });
const key = fc.constantFrom("k1", "k2", "k3");

/** What a request may ask for that is neither text nor of one model. */
const BEYOND_TEXT: Partial<Ask> = {
  fallbackModels: ["openai:gpt-4.1", "google:gemini-2.5-flash-lite"],
  withMedia: true,
  webSearchesMax: 2,
};

/** What may be settled beside text; the model is a candidate of some requests and not of others. */
const more: fc.Arbitrary<Args> = fc.oneof(
  fc.constant({}),
  fc.record({
    p_model: fc.constantFrom(null, "openai:gpt-4.1", "google:gemini-2.5-flash-lite"),
    p_input_audio_tokens: fc.nat(100),
    p_web_searches: fc.nat(3),
    p_other_models: fc.constantFrom(
      null,
      ["gpt-4o-mini-2024-07-18", "unknown"].map((model) => (
        { model, input: 70, cache_read: 5, cache_write_5m: 3, cache_write_1h: 2, output: 11 }
      )),
    ),
    p_provider_cost: fc.constantFrom(null, "0.001"),
    p_flags: fc.constantFrom(null, ["total_mismatch"]),
  }),
);

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("reserve" as const),
      request,
      enforcement: fc.constantFrom(
        "enforce" as const,
        "enforce" as const,
        "observe" as const,
        "off" as const,
      ),
      beyondText: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("extend" as const),
      request,
      total: tokens,
      outputTokens: tokens,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      request,
      outputTokens: tokens,
      basis: fc.constantFrom("reported" as const, "estimated" as const),
      more,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), request }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("worker dies" as const), request }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("expire" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("refund" as const),
      request,
      amount: fc.constantFrom(null, "0.0001", "0.01"),
      key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("credit" as const),
      amount: fc.constantFrom("0.01", "0.0000000001", "-0.005"),
      key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("reprice" as const),
      perThousand: fc.constantFrom("0.01", "0.02", "0.0000001"),
    }),
  },
);

/** Whose steps they are: a user with an account, who is also somebody's guest. */
export interface Actor {
  userId: string;
  guest: { tokenId: string; addressHash: string };
  requestIds: string[];
}

/** Does one step as `actor`. Throws what the ledger raises: a refusal, or a fault. */
export async function perform(
  { sql, service }: { sql: Sql; service: Sql },
  actor: Actor,
  step: Step,
): Promise<unknown> {
  const requestId = "request" in step ? actor.requestIds[step.request]! : "";
  switch (step.kind) {
    case "reserve":
      return await reserve(service, {
        requestId,
        // The last request is a guest's, who has no account.
        ...(step.request === REQUESTS - 1 ? { guest: actor.guest } : { userId: actor.userId }),
        outputTokensMax: 3000,
        enforcement: step.enforcement,
        ...(step.beyondText && BEYOND_TEXT),
      });
    case "extend":
      return await call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: step.total,
        p_input_tokens: 100,
        p_output_tokens: step.outputTokens,
      });
    case "settle":
      return await settle(service, requestId, 100, step.outputTokens, step.basis, step.more);
    case "release":
      return await call(service, "release", { p_request_id: requestId, p_reason: "failed" });
    case "worker dies":
      return await forgetHeartbeats(sql, requestId);
    case "expire":
      return await call(service, "expire");
    case "refund":
      return await call(service, "refund", {
        p_request_id: requestId,
        p_amount: step.amount,
        p_key: `${actor.userId}:${step.key}`,
        p_reason: "test",
      });
    case "credit":
      return await call(service, "grant_credit", {
        p_user_id: actor.userId,
        p_amount: step.amount,
        p_kind: "adjustment",
        p_key: `${actor.userId}:credit:${step.key}`,
      });
    case "reprice":
      return await sql`update model_pricing set output_per_1k = ${step.perThousand}::numeric
        where model_id = 'gpt-4o'`;
  }
}
