/** The words of alerts and notices. They name no user by anything but an id, and hold no secret. */
import type { Alert, Notice } from "../../../shared/credit/alerts.ts";
import type { Message } from "./webhook.ts";

type Words = { what: string; next: string };

/** What each rule counts, and what its operator does next. */
const WORDS: Readonly<Record<string, Words>> = {
  failed_deductions: {
    what: "charges that failed or were not collected in full",
    next: "See `farebox incidents`; what the log holds unsettled is settled by `farebox backfill`.",
  },
  missing_price: {
    what: "requests for models without a price",
    next: "Price a model that should be sold: `farebox prices sync --model …` or `prices set`.",
  },
  database_errors: {
    what: "calls of the ledger that failed",
    next: "See `farebox incidents --kind database_error`, and the database's own health.",
  },
  stuck_reservations: {
    what: "reservations open long past their expiry",
    next: "Does the sweeper run? `farebox sweep` runs it once; `farebox doctor` looks at the job.",
  },
  drift: {
    what: "violations in the proof of the ledger",
    next: "See `farebox reconcile`, before any other change of balances.",
  },
  price_age: {
    what: "days since prices were changed or compared with a catalogue",
    next: "Compare them: `farebox prices check`.",
  },
  provider_cost_difference: {
    what: "charges other than what the provider says that it bills",
    next: "See `farebox incidents --kind provider_cost_difference`, then `farebox prices check`.",
  },
  provider_refused_credentials: {
    what: "times that a provider refused our key",
    next: "Set a new key with `supabase secrets set`, and look at the account there.",
  },
};

/** The message of an alert. @param project the host of the project, for who has several. */
export function alertMessage(alert: Alert, project: string): Message {
  const { what, next } = WORDS[alert.rule] ?? { what: "a rule of yours", next: "" };
  const within = alert.window_minutes === null ? "" : ` in ${spanOf(alert.window_minutes)}`;
  const models = modelsOf(alert);
  const { message_id, state: _, delivered_at: __, ...payload } = alert;
  const sentences = [
    `Farebox (${escape(project)}): ${alert.rule} is at ${alert.value}${within}, above ` +
    `${alert.threshold}: ${what}.`,
    models.length === 0 ? "" : `Models: ${models.map(escape).join(", ")}.`,
    next,
  ];
  return {
    id: message_id,
    text: sentences.filter((sentence) => sentence !== "").join(" "),
    metadata: { event_type: "farebox_alert", event_payload: { ...payload, project } },
  };
}

/** What `farebox alerts test` sends. */
export function testMessage(project: string, id: string): Message {
  return {
    id,
    text: `Farebox (${escape(project)}): this is a test. Alerts arrive here.`,
    metadata: { event_type: "farebox_alert_test", event_payload: { project } },
  };
}

/** The event of a balance that fell. */
export function noticeMessage(notice: Notice, project: string): Message {
  const left = `the balance is $${notice.balance}`;
  return {
    id: `balance_notice_${notice.id}`,
    text: notice.kind === "empty"
      ? `Farebox (${escape(project)}): user ${notice.user_id} has no credit left: ${left}.`
      : `Farebox (${escape(project)}): user ${notice.user_id} is low on credit: ${left}, below ` +
        `$${notice.threshold}.`,
    metadata: { event_type: "balance.low", event_payload: { ...notice, project } },
  };
}

function modelsOf({ evidence }: Alert): string[] {
  const models = evidence["models"];
  return Array.isArray(models) ? models.map((model) => String(model).slice(0, 100)) : [];
}

function spanOf(minutes: number): string {
  return minutes % 60 === 0 && minutes >= 120 ? `${minutes / 60} hours` : `${minutes} minutes`;
}

/** Anybody can invent a model's name: in Slack it must be no link, mention or markup. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll(/[`*~\n]/g, " ");
}
