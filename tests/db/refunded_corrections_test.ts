/** A correction after a refund: what was refunded is neither given back twice nor taken back. */
import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

interface Case {
  /** What the house gave back of the 0.00925 that were charged at the checkpoint. */
  refunded: string | null;
  /** The true usage, beside the input of 100 tokens, 0.00025. */
  outputTokens: number;
  cost: string;
  collected: string;
  uncollected: string;
  balance: string;
}

/** Each starts with $10, of which 0.00925 were charged at a checkpoint of 100 and 900 tokens. */
const CASES: Record<string, Case> = {
  "a true cost that is what the user has still paid changes nothing": {
    refunded: "0.008",
    outputTokens: 100,
    cost: "0.00125",
    collected: "0.00925",
    uncollected: "0",
    balance: "9.99875",
  },
  "a true cost below what the user has still paid gives the difference back": {
    refunded: "0.004",
    outputTokens: 100,
    cost: "0.00125",
    collected: "0.00525",
    uncollected: "0",
    balance: "9.99875",
  },
  "a true cost between what is still paid and what was charged takes no refund back": {
    refunded: "0.008",
    outputTokens: 500,
    cost: "0.00525",
    collected: "0.00925",
    uncollected: "0",
    balance: "9.99875",
  },
  "a true cost above the charge collects the difference, and leaves the refund": {
    refunded: "0.008",
    outputTokens: 1000,
    cost: "0.01025",
    collected: "0.01025",
    uncollected: "0",
    balance: "9.99775",
  },
  "a true cost above the charge, all of which was refunded, collects the difference alone": {
    refunded: null,
    outputTokens: 1000,
    cost: "0.01025",
    collected: "0.01025",
    uncollected: "0",
    balance: "9.999",
  },
};

for (const [what, expected] of Object.entries(CASES)) {
  Deno.test(`after a refund, ${what}`, () =>
    withDatabase(async ({ sql, service }) => {
      const userId = await createUser(sql);
      const requestId = await chargeAtCheckpoint(sql, service, userId);
      await call(service, "refund", {
        p_request_id: requestId,
        p_amount: expected.refunded,
        p_key: "refund",
        p_reason: "test",
      });
      const money = ({ cost, collected, uncollected }: Record<string, unknown>) => ({
        cost,
        collected,
        uncollected,
      });
      const { cost, collected, uncollected } = expected;
      const corrected = await settle(service, requestId, 100, expected.outputTokens);
      assertEquals(corrected["state"], "corrected");
      assertEquals(money(corrected), { cost, collected, uncollected });
      const again = await settle(service, requestId, 100, expected.outputTokens);
      assertEquals(again["state"], "already_settled");
      assertEquals(money(again), { cost, collected, uncollected });
      const receipt = await call(service, "receipt", { p_user_id: null, p_request_id: requestId });
      assertEquals(money(receipt), { cost, collected, uncollected });
      assertEquals(await accountOf(sql, userId), { balance: expected.balance, reserved: "0" });
      await assertReconciled(sql);
    }));
}

Deno.test("a correction that the balance cannot pay leaves the rest uncollected, never below zero", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.0105`;
    const userId = await createUser(sql);
    const requestId = await chargeAtCheckpoint(sql, service, userId);
    const corrected = await settle(service, requestId, 100, 2000);
    assertEquals(
      [corrected["cost"], corrected["collected"], corrected["uncollected"]],
      ["0.02025", "0.0105", "0.00975"],
    );
    assertEquals((await accountOf(sql, userId)).balance, "0");
    await assertReconciled(sql);
  }));

/** A worker died after 900 output tokens: 100 × 0.0025 + 900 × 0.01, per thousand, are charged. */
async function chargeAtCheckpoint(
  sql: Parameters<typeof call>[0],
  service: Parameters<typeof call>[0],
  userId: string,
): Promise<string> {
  const { requestId } = await reserve(service, { userId, outputTokensMax: 1000 });
  await call(service, "extend", {
    p_request_id: requestId,
    p_output_tokens_total: 1000,
    p_input_tokens: 100,
    p_output_tokens: 900,
  });
  await forgetHeartbeats(sql, requestId);
  assertEquals(await call(service, "expire"), { settled: 1, released: 0 });
  return requestId;
}
