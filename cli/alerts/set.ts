/** `farebox alerts set`: changes one rule. */
import { type Alert, AlertSchema, AlertsSchema } from "../../shared/credit/alerts.ts";
import { BadArgument, requireCount } from "../arguments.ts";
import { print } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { alertTable } from "./show.ts";

export type SetOptions = {
  threshold?: string;
  window?: string;
  cooldown?: string;
  enabled?: "yes" | "no";
  dryRun: boolean;
};

/** A month, as SQL has it. */
const MINUTES_MAX = 43_200;

/** Changes what is named. @throws BadArgument for a rule that there is not. */
export async function set(target: Target, rule: string, options: SetOptions): Promise<number> {
  const { threshold, window, cooldown, enabled } = options;
  if ([threshold, window, cooldown, enabled].every((value) => value === undefined)) {
    throw new BadArgument(
      "Nothing to change: give --threshold, --window, --cooldown or --enabled.",
    );
  }
  const number = (name: string, text: string | undefined, min: number, max: number) =>
    text === undefined ? null : requireCount(name, text, min, max);
  const change = {
    p_rule: rule,
    p_threshold: number("--threshold", threshold, 0, 1_000_000_000),
    p_window_minutes: number("--window", window, 1, MINUTES_MAX),
    p_cooldown_minutes: number("--cooldown", cooldown, 1, MINUTES_MAX),
    p_enabled: enabled === undefined ? null : enabled === "yes",
  };
  const rules = await target.call("alerts_read", {}, AlertsSchema);
  const before = rules.find((alert) => alert.rule === rule);
  if (before === undefined) {
    throw new BadArgument(
      `There is no rule "${rule}". There are: ${rules.map((alert) => alert.rule).join(", ")}.`,
    );
  }
  if (options.dryRun) {
    print(
      target,
      { dry_run: true, before, change },
      () =>
        `Would change of ${target.url}:\n${alertTable([before]).join("\n")}\nto: ${told(change)}`,
    );
    return 0;
  }
  const after: Alert = await target.call("set_alert_rule", change, AlertSchema);
  print(target, after, () => `✓ Changed.\n${alertTable([after]).join("\n")}`);
  return 0;
}

function told(change: Record<string, unknown>): string {
  return Object.entries(change)
    .filter(([name, value]) => value !== null && name !== "p_rule")
    .map(([name, value]) => `${name.slice(2)} ${value}`)
    .join(", ");
}
