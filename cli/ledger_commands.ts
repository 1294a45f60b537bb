/** Commands that ask the ledger for one thing. Each answers its exit code. */
import type { Refusal } from "../shared/edge/refusal.ts";
import { isRefusal } from "../shared/edge/refusal.ts";
import { formatUsd, parseUsd } from "../shared/pricing/money.ts";
import * as z from "zod/mini";
import { requireAmount, requireUuid } from "./arguments.ts";
import { receiptText } from "./receipt_text.ts";
import { stdoutPaint } from "./table.ts";
import type { Target } from "./target.ts";
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
  requireUuid("A user", userId);
  requireAmount(amount, options.kind === "adjustment");
  if (options.dryRun) return await tryGrant(target, userId, amount, options.kind);
  const { key, kind, note = null } = options;
  const result = accepted(await target.ledger.grantCredit({ userId, amount, kind, key, note }));
  print(
    target,
    result,
    () =>
      result.state === "granted"
        ? `✓ ${VERBS[kind]} ${usd(result.amount)}; the balance is ${usd(result.balance)}.`
        : `✓ The key "${key}" had granted ${usd(result.amount)} before; the balance is ` +
          `${usd(result.balance)}.`,
  );
  return 0;
}

const VERBS = { grant: "granted", top_up: "topped up", adjustment: "adjusted by" } as const;

const AccountPeek = z.object({
  balance: z.string(),
  available: z.string(),
  is_welcomed: z.boolean(),
});

/** Only looks: a balance that is asked for elsewhere opens the account, and welcomes the user. */
async function tryGrant(
  target: Target,
  userId: string,
  amount: string,
  kind: GrantOptions["kind"],
): Promise<number> {
  const { balance, available, is_welcomed } = await target.call(
    "account_peek",
    { p_user_id: userId },
    AccountPeek,
  );
  const isPossible = parseUsd(available) + parseUsd(amount) >= 0n;
  const verb = kind === "adjustment" ? "adjust by" : kind.replace("_", " ");
  const text = `${isPossible ? "Would" : "Could not"} ${verb} ${usd(amount)}: user ${userId} of ` +
    `${target.url} has ${usd(balance)} (${usd(available)} available)${
      is_welcomed ? "" : ", and a welcome credit due"
    }.`;
  print(
    target,
    { dry_run: true, is_possible: isPossible, kind, amount, balance, available },
    () => text,
  );
  return isPossible ? 0 : 1;
}

export type RefundOptions = { key: string; amount?: string; reason: string; dryRun: boolean };

export async function refund(
  target: Target,
  requestId: string,
  options: RefundOptions,
): Promise<number> {
  requireUuid("A request", requestId);
  if (options.amount !== undefined) requireAmount(options.amount, false);
  if (options.dryRun) return await tryRefund(target, requestId, options.amount);
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

const Refunds = z.array(z.object({ amount: z.string() }));

async function tryRefund(target: Target, requestId: string, amount?: string): Promise<number> {
  const found = accepted(await target.ledger.receipt({ userId: null, requestId }));
  if (found === null || found.user_id === null) {
    console.error(`No user was charged for request ${requestId}.`);
    return 1;
  }
  const left = z.parse(Refunds, found.refunds).reduce(
    (sum, refund) => sum - parseUsd(refund.amount),
    parseUsd(z.parse(z.string(), found.collected)),
  );
  const wanted = amount === undefined ? left : parseUsd(amount);
  const isPossible = wanted > 0n && wanted <= left;
  const text =
    `${isPossible ? "Would" : "Could not"} refund ${usd(formatUsd(wanted))} of request ` +
    `${requestId} of ${target.url}: ${usd(formatUsd(left))} of it are left to refund.`;
  print(
    target,
    { dry_run: true, is_possible: isPossible, amount: formatUsd(wanted), left: formatUsd(left) },
    () => text,
  );
  return isPossible ? 0 : 1;
}

export async function receipt(target: Target, requestId: string): Promise<number> {
  requireUuid("A request", requestId);
  const found = accepted(await target.ledger.receipt({ userId: null, requestId }));
  if (found === null) {
    console.error(`No charge has the request id ${requestId}.`);
    return 1;
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

/** The result; a refusal is thrown for `main` to tell. */
export function accepted<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw result;
  return result as T;
}

/** Prints a result as JSON for scripts, or as text. */
export function print(target: Target, value: unknown, text: () => string): void {
  console.log(target.json ? JSON.stringify(value) : text());
}
