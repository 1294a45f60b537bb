/** `farebox alerts`: every rule, as a table. */
import { type Alert, AlertsSchema, isFiring } from "../../shared/credit/alerts.ts";
import { print } from "../ledger_answers.ts";
import { type Cell, stdoutPaint, table } from "../table.ts";
import type { Target } from "../target.ts";

/** Shows the rules; 1 where one is above its threshold. */
export async function show(target: Target): Promise<number> {
  const alerts = await target.call("alerts_read", {}, AlertsSchema);
  const firing = alerts.filter(isFiring);
  print(target, { ok: firing.length === 0, alerts }, () =>
    [
      ...alertTable(alerts),
      "",
      firing.length === 0
        ? `✓ No rule of ${target.url} is above its threshold.`
        : `✗ ${firing.map(({ rule }) => rule).join(", ")}: see \`farebox incidents\`.`,
    ].join("\n"));
  return firing.length === 0 ? 0 : 1;
}

/** One line a rule. */
export function alertTable(alerts: readonly Alert[]): string[] {
  return table(
    [
      { title: "RULE" },
      { title: "STATE" },
      { title: "VALUE", align: "right" },
      { title: "FIRES ABOVE", align: "right" },
      { title: "WINDOW", align: "right" },
      { title: "COOL-DOWN", align: "right" },
      { title: "LAST TOLD" },
    ],
    alerts.map((alert) => [
      alert.rule,
      stateCell(alert),
      alert.value === null ? "?" : String(alert.value),
      String(alert.threshold),
      alert.window_minutes === null ? "now" : spanOf(alert.window_minutes),
      spanOf(alert.cooldown_minutes),
      alert.delivered_at?.slice(0, 16).replace("T", " ") ?? "",
    ]),
    stdoutPaint(),
  );
}

function stateCell(alert: Alert): Cell {
  if (isFiring(alert)) return ["red", alert.state];
  return alert.state === "quiet" ? ["green", "quiet"] : ["dim", alert.state];
}

function spanOf(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440} d`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}
