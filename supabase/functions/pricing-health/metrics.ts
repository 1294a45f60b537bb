/**
 * The ledger's counters in the text format that Prometheus reads (version 0.0.4).
 */
import type { HealthDetails } from "../../../shared/credit/reports.ts";

/** The content type that belongs to the text. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * One metric: where its value stands in the details, and what it says. Numbers, decimal strings and
 * times (which become seconds since 1970) are values; with `label`, an object of them is one a key.
 */
type Metric = { name: string; help: string; path: readonly string[]; label?: string };

const METRICS: readonly Metric[] = [
  { name: "pricing_models", help: "Models that have a price.", path: ["pricing_rows"] },
  {
    name: "newest_price_timestamp_seconds",
    help: "When a price was last changed.",
    path: ["newest_price_at"],
  },
  { name: "accounts", help: "Accounts with a balance.", path: ["accounts"] },
  { name: "balance_usd", help: "Sum of all balances.", path: ["balance_total"] },
  { name: "reserved_usd", help: "Sum of all open reservations.", path: ["reserved_total"] },
  { name: "reservations_open", help: "Reservations under way.", path: ["reservations_open"] },
  {
    name: "reservations_overdue",
    help: "Open reservations past their expiry, which the sweeper should have closed.",
    path: ["reservations_overdue"],
  },
  {
    name: "charges_24h",
    help: "Requests charged in the last 24 hours.",
    path: ["charges_24h", "count"],
  },
  {
    name: "charges_cost_usd_24h",
    help: "Cost of the requests of the last 24 hours.",
    path: ["charges_24h", "cost"],
  },
  {
    name: "charges_uncollected_usd_24h",
    help: "Cost of the last 24 hours that no balance covered.",
    path: ["charges_24h", "uncollected"],
  },
  {
    name: "charges_guest_cost_usd_24h",
    help: "Cost of guests' requests in the last 24 hours, which the house paid.",
    path: ["charges_24h", "guest_cost"],
  },
  {
    name: "incidents_24h",
    help: "Incidents of the last 24 hours by kind.",
    path: ["incidents_24h"],
    label: "kind",
  },
  {
    name: "alert_firing",
    help: "1 for an alert rule that is above its threshold, told or not.",
    path: ["alerts_firing"],
    label: "rule",
  },
];

/** Renders the metrics. What the details do not hold is left out: absent is not zero. */
export function renderMetrics(details: HealthDetails): string {
  return METRICS.flatMap((metric) => {
    const found = metric.path.reduce<unknown>(
      (value, key) => isObject(value) ? value[key] : undefined,
      details,
    );
    const name = `farebox_${metric.name}`;
    const samples = metric.label === undefined
      ? [sample(name, "", found)]
      : Object.entries(isObject(found) ? found : {}).map(([key, value]) =>
        sample(name, `{${metric.label}="${escapeLabel(key)}"}`, value)
      );
    const lines = samples.filter((line) => line !== undefined);
    if (lines.length === 0) return [];
    return [`# HELP ${name} ${escapeHelp(metric.help)}`, `# TYPE ${name} gauge`, ...lines];
  }).map((line) => `${line}\n`).join("");
}

function sample(name: string, labels: string, value: unknown): string | undefined {
  const number = numberText(value);
  return number === undefined ? undefined : `${name}${labels} ${number}`;
}

/** A decimal string is passed on digit by digit: no float on the way. */
function numberText(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value !== "string") return undefined;
  if (/^-?\d+(\.\d+)?$/.test(value)) return value;
  const timeMs = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : NaN;
  return Number.isFinite(timeMs) ? String(timeMs / 1000) : undefined;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
