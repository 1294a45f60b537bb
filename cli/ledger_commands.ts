/** Commands that ask the ledger for one thing. Each answers its exit code. */
import type { Refusal } from "../shared/edge/refusal.ts";
import { accepted, type GrantOptions, print, type RefundOptions } from "./ledger_answers.ts";
import { requireAmount, requireKey, requireUuid } from "./arguments.ts";
import { receiptText } from "./receipt_text.ts";
import { stdoutPaint } from "./table.ts";
import type { Target } from "./target.ts";
import { tryGrant, tryRefund } from "./try_credit.ts";
import { usd } from "./usd.ts";

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

export async function grant(
  target: Target,
  userId: string,
  amount: string,
  options: GrantOptions,
): Promise<number> {
  requireUuid("A user", userId);
  requireAmount(amount, options.kind === "adjustment");
  requireKey(options.key);
  if (options.dryRun) return await tryGrant(target, userId, amount, options);
  const { key, kind, note = null } = options;
  const result = accepted(await target.ledger.grantCredit({ userId, amount, kind, key, note }));
  print(
    target,
    result,
    () =>
      result.state === "granted"
        ? `✓ ${VERBS[kind]} ${usd(result.amount)}; the balance is ${usd(result.balance)}.`
        : `✓ The key "${key}" had ${VERBS[kind]} ${usd(result.amount)} before; the balance is ` +
          `${usd(result.balance)}.`,
  );
  return 0;
}

const VERBS = { grant: "granted", top_up: "topped up", adjustment: "adjusted by" } as const;

export async function refund(
  target: Target,
  requestId: string,
  options: RefundOptions,
): Promise<number> {
  requireUuid("A request", requestId);
  if (options.amount !== undefined) requireAmount(options.amount, false);
  requireKey(options.key);
  if (options.dryRun) return await tryRefund(target, requestId, options);
  const { key, amount = null, reason } = options;
  const result = accepted(await target.ledger.refund({ requestId, amount, key, reason }));
  print(
    target,
    result,
    () =>
      `✓ ${result.state.replace("_", " ")} ${usd(result.amount)}; the balance is ` +
      `${usd(result.balance)}.`,
  );
  return 0;
}

export async function receipt(target: Target, requestId: string): Promise<number> {
  requireUuid("A request", requestId);
  const found = accepted(await target.ledger.receipt({ userId: null, requestId }));
  if (found === null) {
    const refusal: Refusal = {
      code: "NOT_FOUND",
      message: `No charge has the request id ${requestId}.`,
    };
    throw refusal;
  }
  print(target, found, () => receiptText(found, stdoutPaint()));
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
