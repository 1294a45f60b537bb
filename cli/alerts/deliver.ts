/** `farebox alerts --deliver` and `alerts test`: through the project's own pricing-health. */
import * as z from "zod/mini";
import { type Alert, AlertsSchema } from "../../shared/credit/alerts.ts";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { print } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { alertTable } from "./show.ts";

const Failed = z.array(z.object({ id: z.string(), reason: z.string() }));
const Report = z.object({
  status: z.enum(["ok", "error"]),
  alerts: AlertsSchema,
  delivered: z.array(z.string()),
  logged: z.array(z.string()),
  failed: Failed,
  notices: z.object({ delivered: z.number(), failed: Failed }),
  note: z.optional(z.string()),
});
const DryRun = z.object({ alerts: AlertsSchema });
const Test = z.object({
  status: z.enum(["ok", "error"]),
  delivered: z.array(z.string()),
  failed: Failed,
  note: z.optional(z.string()),
});

/** Eight slow receivers and a proof of the ledger fit into it. */
const TIMEOUT_MS = 120_000;

/** Evaluates and delivers; 1 where something was not delivered. */
export async function deliver(target: Target, options: { dryRun: boolean }): Promise<number> {
  if (options.dryRun) return await tryDelivery(target);
  const report = await post(target, "", Report);
  print(target, report, () =>
    [
      ...alertTable(report.alerts),
      "",
      ...deliveredLines(report),
      ...(report.note === undefined ? [] : [report.note]),
    ].join("\n"));
  return report.status === "ok" ? 0 : 1;
}

async function tryDelivery(target: Target): Promise<number> {
  const { alerts } = await post(target, "?dry_run=1", DryRun);
  const due = alerts.filter(({ state }: Alert) => state === "due").map(({ rule }) => rule);
  print(target, { dry_run: true, would_deliver: due, alerts }, () =>
    [
      ...alertTable(alerts),
      "",
      due.length === 0 ? "Would deliver nothing." : `Would deliver ${due.join(", ")}.`,
    ].join("\n"));
  return 0;
}

const BALANCE = "BALANCE_WEBHOOK_URL";
/** Wanted only by who tells users by mail, so it is no error. */
const NO_BALANCE_WEBHOOK =
  `– ${BALANCE} is not set: users' low balances are shown to them in the ` +
  "app and sent nowhere.";

/** Sends a test message; 1 where it did not arrive. */
export async function testWebhooks(target: Target): Promise<number> {
  const report = await post(target, "?test=1", Test);
  const named = [...report.delivered, ...report.failed.map(({ id }) => id)];
  print(target, report, () =>
    [
      ...report.delivered.map((name) => `✓ A test message arrived at ${name}.`),
      ...report.failed.map(({ id, reason }) => `✗ ${id}: ${reason}.`),
      ...(named.includes(BALANCE) ? [] : [NO_BALANCE_WEBHOOK]),
      ...(report.note === undefined ? [] : [`✗ ${report.note}`]),
    ].join("\n"));
  return report.status === "ok" ? 0 : 1;
}

function deliveredLines({ delivered, logged, failed, notices }: z.infer<typeof Report>): string[] {
  const lines = [
    ...delivered.map((rule) => `✓ ${rule} was delivered.`),
    ...logged.map((rule) => `✓ ${rule} was written to the log of pricing-health.`),
    ...failed.map(({ id, reason }) => `✗ ${id}: ${reason}. The next evaluation tries again.`),
  ];
  if (notices.delivered > 0) {
    lines.push(`✓ Notices of low balances delivered: ${notices.delivered}.`);
  }
  lines.push(...notices.failed.map(({ id, reason }) => `✗ notice ${id}: ${reason}.`));
  return lines.length === 0 ? ["✓ Nothing was due."] : lines;
}

async function post<T extends z.ZodMiniType>(
  target: Target,
  query: string,
  answer: T,
): Promise<z.infer<T>> {
  const name = "pricing-health";
  const response = await fetch(`${target.url}/functions/v1/${name}/alerts${query}`, {
    method: "POST",
    headers: { apikey: target.secretKey },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new LedgerUnavailable(name, "network");
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok && response.status !== 404) {
    throw new LedgerUnavailable(name, `http ${response.status}`);
  }
  const parsed = answer.safeParse(body);
  if (response.ok && parsed.success) return parsed.data;
  const refusal: Refusal = {
    code: "NOT_FOUND",
    message: `${target.url} has no function ${name} that answers alerts as this tool reads them. ` +
      `Deploy it: \`supabase functions deploy ${name}\`.`,
  };
  throw refusal;
}
