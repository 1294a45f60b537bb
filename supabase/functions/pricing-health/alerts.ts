/**
 * `POST /alerts`: evaluates the rules, tells what is due, and delivers notices of low balances. Called
 * every minute; calls at the same moment tell each thing once.
 */
import type { Alert, AlertLedger, Notice } from "../../../shared/credit/alerts.ts";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { logError, logWarning } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { alertMessage, noticeMessage, testMessage } from "./messages.ts";
import type { Failure, Send } from "./webhook.ts";

export type AlertsDeps = {
  ledger: AlertLedger;
  /** The project's host. */
  project: string;
  /** Null where no webhook is set. */
  sendAlert: Send | null;
  sendNotice: Send | null;
};

type Failed = { id: string; reason: string };

/** What came of an evaluation. */
export type AlertsReport = {
  /** `error` when something could not be delivered; it is tried again by the next evaluation. */
  status: "ok" | "error";
  /** Every rule as it was found. */
  alerts: Alert[];
  /** Rules whose alert reached the webhook. */
  delivered: string[];
  /** Rules whose alert went to the log alone, because no webhook is set. */
  logged: string[];
  failed: Failed[];
  notices: { delivered: number; failed: Failed[] };
  note?: string;
};

/** As many at a time as a small receiver takes. */
const NOTICES_AT_ONCE = 25;
/** No new batch after that: an evaluation ends before the next one, or soon after. */
const NOTICES_MS_MAX = 30_000;
const NO_WEBHOOK =
  "ALERT_WEBHOOK_URL is not set, so nothing was delivered: alerts are lines `Alert: {…}` of the log.";

/** Evaluates and delivers. A refusal of the ledger is passed on; an outage throws. */
export async function deliverAlerts(deps: AlertsDeps): Promise<AlertsReport | Refusal> {
  await checkDrift(deps);
  const alerts = await deps.ledger.claimAlerts();
  if (isRefusal(alerts)) return alerts;
  const due = alerts.filter(({ state }) => state === "due");
  const { told, failed } = await tell(due, deps);
  if (told.length > 0) {
    const noted = await deps.ledger.alertsDelivered(told);
    if (isRefusal(noted)) return noted;
  }
  const notices = await deliverNotices(deps);
  if (isRefusal(notices)) return notices;
  const isLogged = deps.sendAlert === null;
  return {
    status: failed.length + notices.failed.length === 0 ? "ok" : "error",
    alerts,
    delivered: isLogged ? [] : told,
    logged: isLogged ? told : [],
    failed,
    notices,
    ...(isLogged && { note: NO_WEBHOOK }),
  };
}

/** Sends a test to each webhook that is set; answers what came of it, by the variable's prefix. */
export async function testWebhooks(deps: AlertsDeps): Promise<
  { status: "ok" | "error"; delivered: string[]; failed: Failed[]; note?: string }
> {
  const delivered: string[] = [];
  const failed: Failed[] = [];
  for (
    const [id, send] of [
      ["ALERT_WEBHOOK_URL", deps.sendAlert],
      ["BALANCE_WEBHOOK_URL", deps.sendNotice],
    ] as const
  ) {
    if (send === null) continue;
    const reason = await send(testMessage(deps.project, `test_${crypto.randomUUID()}`));
    if (reason === null) delivered.push(id);
    else failed.push({ id, reason });
  }
  return {
    status: deps.sendAlert !== null && failed.length === 0 ? "ok" : "error",
    delivered,
    failed,
    ...(deps.sendAlert === null && { note: NO_WEBHOOK }),
  };
}

/** A proof that takes too long is told by its own incident; the other rules do not wait for it. */
async function checkDrift({ ledger }: AlertsDeps): Promise<void> {
  try {
    await ledger.checkDrift();
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    logError("The ledger could not be proven", { error });
  }
}

async function tell(
  due: readonly Alert[],
  { sendAlert, project }: AlertsDeps,
): Promise<{ told: string[]; failed: Failed[] }> {
  if (sendAlert === null) {
    for (const { rule, value, threshold, evidence } of due) {
      logWarning("Alert", { rule, value, threshold, evidence });
    }
    return { told: due.map(({ rule }) => rule), failed: [] };
  }
  const sent = await Promise.all(due.map(async (alert) => ({
    id: alert.rule,
    failure: await sendAlert(alertMessage(alert, project)),
  })));
  return { told: arrived(sent), failed: lost("Alert not delivered", sent) };
}

async function deliverNotices(
  { ledger, project, sendNotice }: AlertsDeps,
): Promise<AlertsReport["notices"] | Refusal> {
  const report = { delivered: 0, failed: [] as Failed[] };
  if (sendNotice === null) return report;
  const untilMs = Date.now() + NOTICES_MS_MAX;
  for (;;) {
    const notices = await ledger.claimNotices(NOTICES_AT_ONCE);
    if (isRefusal(notices)) return notices;
    const sent = await Promise.all(notices.map(async (notice: Notice) => ({
      id: notice.id,
      failure: await sendNotice(noticeMessage(notice, project)),
    })));
    const ids = arrived(sent);
    if (ids.length > 0) {
      const noted = await ledger.noticesDelivered(ids);
      if (isRefusal(noted)) return noted;
    }
    report.delivered += ids.length;
    report.failed.push(...lost("Notice not delivered", sent));
    const isLast = notices.length < NOTICES_AT_ONCE;
    if (isLast || report.failed.length > 0 || Date.now() > untilMs) return report;
  }
}

type Sent = { id: string; failure: Failure };

const arrived = (sent: readonly Sent[]) =>
  sent.filter(({ failure }) => failure === null).map(({ id }) => id);

function lost(message: string, sent: readonly Sent[]): Failed[] {
  return sent.flatMap(({ id, failure }) => {
    if (failure === null) return [];
    logError(message, { id, reason: failure });
    return [{ id, reason: failure }];
  });
}
