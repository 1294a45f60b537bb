import { accepted } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { openCatalogue } from "./catalogue.ts";
import { differsByOverOnePercent } from "./decimal.ts";
import { notePricesChecked } from "./note_checked.ts";
import { OPERATOR, type Plan, planPrices, type PricePlan } from "./plan.ts";
import { planJson } from "./plan_json.ts";
import { changeRows, models } from "./plan_text.ts";
import { type Paint, stdoutPaint } from "../table.ts";
import { holdText, type Unit } from "./wording.ts";

export type CheckOptions = {
  provider?: string;
  ignoreOperator: boolean;
  catalogue?: string;
  per: Unit;
};

/** Compares what is sold with the catalogue; 1 where a price is missing or off by more than 1 %. */
export async function check(target: Target, options: CheckOptions): Promise<number> {
  const catalogue = await openCatalogue(options.catalogue);
  const sold = accepted(await target.prices.list());
  const candidates = sold
    .filter((row) => options.provider === undefined || row.providerId === options.provider)
    .filter((row) => !options.ignoreOperator || row.source !== OPERATOR)
    .map((row) => ({ providerId: row.providerId, modelId: row.modelId, row }));
  const plan = planPrices({
    catalogue,
    candidates,
    sold,
    secondSource: null,
    accepted: new Set(),
    now: new Date(),
  });
  const different = plan.prices.filter(isDifferent);
  if (target.json) {
    const names = different.map(({ name }) => name);
    console.log(JSON.stringify({ ok: names.length === 0, different: names, ...planJson(plan) }));
  } else {
    const unit = options.per === "1k" ? "1,000" : "million";
    console.log(`Prices of ${target.url} against ${plan.source}, USD per ${unit} tokens.\n`);
    console.log(checkText(plan, different, options.per, stdoutPaint()));
  }
  if (different.length > 0) return 1;
  await notePricesChecked(target);
  return 0;
}

/** A missing price, or one that is off by more than 1 %. */
export function isDifferent(price: PricePlan): boolean {
  return price.changes.some(({ from, to }) => from === null || differsByOverOnePercent(from, to));
}

function checkText(
  plan: Plan,
  different: readonly PricePlan[],
  unit: Unit,
  paint: Paint,
): string {
  const lines: string[] = [];
  if (different.length > 0) lines.push(...changeRows(different, unit, paint), "");
  if (plan.unpriced.length > 0) {
    lines.push(
      "Cannot be compared:",
      ...plan.unpriced.map(({ name, reason }) => `  ${name}: ${reason}`),
      "",
    );
  }
  const same = plan.prices.length - different.length;
  lines.push(
    `${different.length === 0 ? paint("green", "✓") : paint("red", "✗")} ${models(same)} within ` +
      `1 % of the catalogue, ${different.length} not.`,
    ...whatToDo(plan, different, unit),
  );
  return lines.join("\n");
}

function whatToDo(plan: Plan, different: readonly PricePlan[], unit: Unit): string[] {
  const advice: string[] = [];
  if (different.length > 0) {
    advice.push("→ `farebox prices sync` takes the catalogue's prices over, once you say yes.");
  }
  for (const { name, holds } of different) {
    if (holds.length === 0) continue;
    const reasons = holds.map((hold) => holdText(hold, unit)).join("; ");
    advice.push(`→ ${name}: ${reasons}. Only \`sync --accept ${name}\` changes it.`);
  }
  if (plan.unpriced.length > 0) {
    advice.push("→ What cannot be compared is priced by hand: `farebox prices set`.");
  }
  return advice;
}
