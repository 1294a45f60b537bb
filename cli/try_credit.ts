/** What a grant, an adjustment or a refund would do, found out without doing it. */
import * as z from "zod/mini";
import type { Refusal } from "../shared/edge/refusal.ts";
import { formatUsd, parseUsd } from "../shared/pricing/money.ts";
import { accepted, type GrantOptions, print, type RefundOptions } from "./ledger_answers.ts";
import type { Target } from "./target.ts";
import { usd } from "./usd.ts";

const AccountPeek = z.object({
  balance: z.string(),
  available: z.string(),
  is_welcomed: z.boolean(),
  /** The credit that was given on the key, to whomever. */
  prior: z.nullish(z.object({
    user_id: z.string(),
    kind: z.string(),
    amount: z.string(),
    request_id: z.nullable(z.string()),
  })),
});
type AccountPeek = z.infer<typeof AccountPeek>;

/** Only looks: a balance that is asked for elsewhere opens the account, and welcomes the user. */
function peek(target: Target, userId: string, key: string): Promise<AccountPeek> {
  return target.call("account_peek", { p_user_id: userId, p_key: key }, AccountPeek);
}

/** Answers 0 where the real run would do it, or has done it on this key; else 1, or its refusal. */
export async function tryGrant(
  target: Target,
  userId: string,
  amount: string,
  { kind, key }: GrantOptions,
): Promise<number> {
  const account = await peek(target, userId, key);
  const { balance, available, is_welcomed, prior } = account;
  if (prior) {
    const isSame = prior.user_id === userId.toLowerCase() && prior.kind === kind &&
      parseUsd(prior.amount) === parseUsd(amount);
    if (!isSame) throw conflict(key);
    return tellRepeated(target, key, kind.replace("_", " "), account);
  }
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

const Refunds = z.array(z.object({ amount: z.string() }));

/** The same of a refund. */
export async function tryRefund(
  target: Target,
  requestId: string,
  { key, amount }: RefundOptions,
): Promise<number> {
  const found = accepted(await target.ledger.receipt({ userId: null, requestId }));
  if (found === null || found.user_id === null) {
    const refusal: Refusal = {
      code: "REQUEST_NOT_FOUND",
      message: `No user was charged for request ${requestId}.`,
    };
    throw refusal;
  }
  const account = await peek(target, z.parse(z.string(), found.user_id), key);
  const { prior } = account;
  if (prior) {
    const isSame = prior.request_id === requestId.toLowerCase() &&
      (amount === undefined || parseUsd(prior.amount) === parseUsd(amount));
    if (!isSame) throw conflict(key);
    return tellRepeated(target, key, "refund", account);
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

/** What the real run is refused with; whose credit it was is not told. */
function conflict(key: string): Refusal {
  return {
    code: "CONFLICT",
    message:
      `The key '${key}' was used for another credit. Use a new key for a new one; the same ` +
      "key only repeats the same one.",
  };
}

function tellRepeated(
  target: Target,
  key: string,
  what: string,
  { balance, available, prior }: AccountPeek,
): number {
  const amount = prior?.amount ?? "0";
  print(
    target,
    { dry_run: true, is_possible: true, is_repeated: true, amount, balance, available },
    () =>
      `Would do nothing: the key "${key}" has made this ${what} of ${usd(amount)} before; the ` +
      `balance is ${usd(balance)}.`,
  );
  return 0;
}
