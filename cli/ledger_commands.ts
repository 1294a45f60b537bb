/** Commands that ask the ledger for one thing. Each answers its exit code. */
import type { Refusal } from "../shared/edge/refusal.ts";
import { isRefusal } from "../shared/edge/refusal.ts";
import { parseUsd } from "../shared/pricing/money.ts";
import type { Target } from "./target.ts";

export async function reconcile(target: Target): Promise<number> {
  const report = accepted(await target.ledger.reconcile());
  print(
    target,
    report,
    () =>
      report.violations.length === 0
        ? `✓ ${report.accounts} accounts: every balance is its credits minus its charges.`
        : report.violations.map((v) =>
          `✗ ${v.check} user ${v.user_id}: expected ${v.expected}, is ${v.actual}`
        ).join("\n"),
  );
  return report.violations.length === 0 ? 0 : 1;
}

export type GrantOptions = {
  key: string;
  kind: "grant" | "top_up" | "adjustment";
  note?: string;
  dryRun: boolean;
};

export async function grant(
  target: Target,
  userId: string,
  amount: string,
  options: GrantOptions,
): Promise<number> {
  parseUsd(amount);
  if (options.dryRun) {
    console.log(`Would ${options.kind} $${amount} to user ${userId} of ${target.url}.`);
    return 0;
  }
  const { key, kind, note = null } = options;
  const result = accepted(await target.ledger.grantCredit({ userId, amount, kind, key, note }));
  print(
    target,
    result,
    () =>
      result.state === "granted"
        ? `✓ ${kind} $${result.amount}; the balance is $${result.balance}.`
        : `✓ The key "${key}" had granted $${result.amount} before; the balance is $${result.balance}.`,
  );
  return 0;
}

export type RefundOptions = { key: string; amount?: string; reason: string; dryRun: boolean };

export async function refund(
  target: Target,
  requestId: string,
  options: RefundOptions,
): Promise<number> {
  if (options.dryRun) {
    const amount = options.amount === undefined ? "what is left" : `$${options.amount}`;
    console.log(`Would refund ${amount} of request ${requestId} of ${target.url}.`);
    return 0;
  }
  const { key, amount = null, reason } = options;
  const result = accepted(await target.ledger.refund({ requestId, amount, key, reason }));
  print(
    target,
    result,
    () =>
      `✓ ${result.state.replace("_", " ")} $${result.amount}; the balance is $${result.balance}.`,
  );
  return 0;
}

export async function receipt(target: Target, requestId: string): Promise<number> {
  const found = accepted(await target.ledger.receipt({ userId: null, requestId }));
  if (found === null) {
    console.error(`No charge has the request id ${requestId}.`);
    return 1;
  }
  print(target, found, () => JSON.stringify(found, null, 2));
  return 0;
}

export async function sweep(target: Target): Promise<number> {
  const result = accepted(await target.ledger.expire(1000));
  print(
    target,
    result,
    () => `✓ ${result.settled} settled at their checkpoint, ${result.released} released.`,
  );
  return 0;
}

/** The result; a refusal is thrown for `main` to tell. */
function accepted<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw result;
  return result as T;
}

function print(target: Target, value: unknown, text: () => string): void {
  console.log(target.json ? JSON.stringify(value) : text());
}
