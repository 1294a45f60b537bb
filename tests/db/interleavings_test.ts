import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

/** One call of somebody, about one of a few requests: `request` picks which. */
type Step =
  | { kind: "reserve"; request: number; enforcement: "enforce" | "observe" | "off" }
  | { kind: "extend"; request: number; total: number; outputTokens: number }
  | { kind: "settle"; request: number; outputTokens: number; basis: "reported" | "estimated" }
  | { kind: "release"; request: number }
  | { kind: "worker dies"; request: number }
  | { kind: "expire" }
  | { kind: "refund"; request: number; amount: string | null; key: string }
  | { kind: "credit"; amount: string; key: string }
  | { kind: "reprice"; perThousand: string };

const REQUESTS = 4;
const request = fc.nat(REQUESTS - 1);
const tokens = fc.integer({ min: 0, max: 4000 });
const key = fc.constantFrom("k1", "k2", "k3");

const step: fc.Arbitrary<Step> = fc.oneof(
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

/** Four callers, each on a connection of its own, each doing its steps one after the other. */
const callers = fc.array(fc.array(step, { minLength: 3, maxLength: 12 }), {
  minLength: 4,
  maxLength: 4,
});

async function perform(
  { sql, service }: { sql: Sql; service: Sql },
  ids: { userId: string; requestIds: string[] },
  step: Step,
): Promise<unknown> {
  const requestId = "request" in step ? ids.requestIds[step.request]! : "";
  switch (step.kind) {
    case "reserve":
      return await reserve(service, {
        requestId,
        // The last request is a guest's, who has no account.
        ...(step.request === REQUESTS - 1
          ? { guest: { tokenId: ids.userId, addressHash: ids.userId } }
          : { userId: ids.userId }),
        outputTokensMax: 3000,
        enforcement: step.enforcement,
      });
    case "extend":
      return await call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: step.total,
        p_input_tokens: 100,
        p_output_tokens: step.outputTokens,
      });
    case "settle":
      return await settle(service, requestId, 100, step.outputTokens, step.basis);
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
        p_key: `${ids.userId}:${step.key}`,
        p_reason: "test",
      });
    case "credit":
      return await call(service, "grant_credit", {
        p_user_id: ids.userId,
        p_amount: step.amount,
        p_kind: "adjustment",
        p_key: `${ids.userId}:credit:${step.key}`,
      });
    case "reprice":
      return await sql`update model_pricing set output_per_1k = ${step.perThousand}::numeric
        where model_id = 'gpt-4o'`;
  }
}

Deno.test("any interleaving of all transitions on several connections ends with clean books", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.05, markup_basis_points = 777`;
    await fc.assert(
      fc.asyncProperty(callers, async (scripts) => {
        const userId = await createUser(sql);
        const requestIds = Array.from({ length: REQUESTS }, () => crypto.randomUUID());
        await Promise.all(scripts.map(async (script) => {
          for (const step of script) {
            // Whatever is not a refusal is a fault: a deadlock, a broken constraint.
            await perform({ sql, service }, { userId, requestIds }, step).catch((error) =>
              refusalOf(Promise.reject(error))
            );
          }
        }));
        await assertReconciled(sql);

        // Every worker dies; the sweeper must leave nothing open and nothing reserved.
        await forgetHeartbeats(sql);
        await call(service, "expire");
        await assertReconciled(sql);
        const [left] = await sql`
          select
            (select count(*)::int from billing.reservations where state = 'open') as open,
            (select coalesce(sum(reserved), 0)::text from public.user_balances) as reserved,
            (select count(*)::int from billing.guest_exchanges where pending <> 0) as pending,
            (select count(*)::int from billing.incidents where kind = 'expire_failed') as failed`;
        assertEquals({ ...left, reserved: Number(left?.["reserved"]) }, {
          open: 0,
          reserved: 0,
          pending: 0,
          failed: 0,
        });

        // The dead come back, each twice at once, and tell what was really used.
        await Promise.all(
          [...requestIds, ...requestIds].map((requestId) =>
            settle(service, requestId, 90, 700).catch((error) => refusalOf(Promise.reject(error)))
          ),
        );
        await assertReconciled(sql);

        // Each request was charged once, and corrected at most once; its receipt adds up.
        const charges = await sql<{ request_id: string; cost: string; n: number }[]>`
          select request_id, trim_scale(sum(cost))::text as cost, count(*)::int as n
          from public.usage_records where request_id = any(${requestIds}) group by request_id`;
        for (const { request_id, cost, n } of charges) {
          assertEquals(n <= 2, true, "a charge and at most one correction");
          const receipt = await call(service, "receipt", {
            p_user_id: null,
            p_request_id: request_id,
          });
          assertEquals(receipt["cost"], cost);
        }
      }),
      { numRuns: 40 },
    );
  }, { connections: 8 }));
