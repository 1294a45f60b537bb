/**
 * The alerts as their operator sees them, and the notices of a low balance: what is due is claimed,
 * delivered by the caller, and then said to be delivered. What was not is claimed again.
 */
import * as z from "zod/mini";
import type { Outcome } from "./ledger.ts";
import { LedgerUnavailable } from "./ledger_unavailable.ts";
import { createRpc, type LedgerOptions } from "./rpc.ts";

const count = z.number().check(z.int());

export const AlertSchema = z.object({
  rule: z.string(),
  /**
   * `quiet`: at most the threshold. Above it: `due` to be told, `claimed` (being told) or `cooling`
   * (was told, and is not told again yet). `unknown`: nobody can tell.
   */
  state: z.enum(["disabled", "unknown", "quiet", "due", "claimed", "cooling"]),
  value: z.nullable(count),
  threshold: count,
  /** Null: the rule looks at how things stand. */
  window_minutes: z.nullable(count),
  cooldown_minutes: count,
  /** Kinds, models and times; no person. */
  evidence: z.record(z.string(), z.unknown()),
  delivered_at: z.nullable(z.string()),
  /** Stays the same until the message is said to be delivered, so that a receiver can tell twins. */
  message_id: z.string(),
});
export type Alert = z.infer<typeof AlertSchema>;
export const AlertsSchema = z.array(AlertSchema);

/** Whether the rule is above its threshold, told or not. */
export function isFiring({ state }: Pick<Alert, "state">): boolean {
  return state === "due" || state === "claimed" || state === "cooling";
}

const NoticeSchema = z.object({
  id: z.string(),
  user_id: z.string(),
  /** `empty`: below the minimum balance, so that nothing can be asked any more. */
  kind: z.enum(["low_balance", "empty"]),
  /** USD, decimal strings. */
  balance: z.string(),
  threshold: z.string(),
  created_at: z.string(),
});
export type Notice = z.infer<typeof NoticeSchema>;

export interface AlertLedger {
  /** Every rule as it stands; writes nothing. */
  alerts(): Outcome<Alert[]>;
  /** Every rule, of which those that are `due` are the caller's to tell, for 50 seconds. */
  claimAlerts(): Outcome<Alert[]>;
  /** Begins the cool-down of these rules. */
  alertsDelivered(rules: readonly string[]): Outcome<unknown>;
  /** Proves the ledger unless that was done within the hour; true when it was done now. */
  checkDrift(): Outcome<boolean>;
  /** Notices that are the caller's to deliver, for 50 seconds. */
  claimNotices(limit: number): Outcome<Notice[]>;
  noticesDelivered(ids: readonly string[]): Outcome<unknown>;
}

/** Connects to the alerts. Make one per isolate. */
export function createAlertLedger(options: LedgerOptions): AlertLedger {
  const rpc = createRpc(options);

  async function call<T extends z.ZodMiniType>(
    name: string,
    args: Record<string, unknown>,
    answer: T,
  ): Outcome<z.infer<T>> {
    const result = await rpc(name, args);
    if (result.kind === "refused") return result.refusal;
    const parsed = answer.safeParse(result.data);
    if (parsed.success) return parsed.data;
    throw new LedgerUnavailable(name, "malformed answer: are all migrations applied?");
  }

  return {
    alerts: () => call("alerts_read", {}, AlertsSchema),
    claimAlerts: () => call("claim_alerts", {}, AlertsSchema),
    alertsDelivered: (rules) => call("alerts_delivered", { p_rules: rules }, z.unknown()),
    checkDrift: () => call("check_drift", {}, z.boolean()),
    claimNotices: (limit) => call("claim_notices", { p_limit: limit }, z.array(NoticeSchema)),
    noticesDelivered: (ids) => call("notices_delivered", { p_ids: ids }, z.unknown()),
  };
}
