import {
  PRICE_AMOUNTS,
  PRICE_LIMITS,
  type PriceColumns,
  type PriceVersion,
} from "../../shared/credit/prices.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { accepted } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { requireName } from "./choose.ts";
import { type Cell, type Paint, stdoutPaint, table } from "../table.ts";
import { amountText, columnLabel, type Unit } from "./wording.ts";

/** Prints every version of a model's price, newest first. */
export async function history(
  target: Target,
  model: string,
  options: { per: Unit },
): Promise<number> {
  const { providerId, modelId } = requireName(model);
  const versions = accepted(await target.prices.history(providerId, modelId));
  if (versions.length === 0) {
    const refusal: Refusal = {
      code: "NOT_FOUND",
      message: `${model} never had a price. \`farebox prices list\` shows what has one.`,
    };
    throw refusal;
  }
  if (target.json) {
    console.log(JSON.stringify(versions.map(versionJson)));
    return 0;
  }
  const unit = options.per === "1k" ? "1,000" : "million";
  console.log(`Prices of ${model} at ${target.url}, USD per ${unit} tokens, newest first.\n`);
  console.log(historyText(versions, options.per, stdoutPaint()));
  return 0;
}

/** One block a version: its time, and what changed from the one before. `versions`: newest first. */
export function historyText(
  versions: readonly PriceVersion[],
  unit: Unit,
  paint: Paint,
): string {
  const rows = versions.flatMap((version, index): Cell[][] => {
    const changes = changesOf(versions[index + 1] ?? null, version, unit);
    return changes.map((change, line): Cell[] =>
      line > 0 ? ["", "", "", change] : [
        version.version.toString(),
        timeText(version.effectiveFrom),
        version.effectiveTo === null ? ["green", "in force"] : timeText(version.effectiveTo),
        change,
        ["dim", version.source],
      ]
    );
  });
  const columns = [
    { title: "VERSION", align: "right" as const },
    { title: "FROM (UTC)" },
    { title: "TO (UTC)" },
    { title: "WHAT CHANGED" },
    { title: "SOURCE" },
  ];
  return table(columns, rows, paint).join("\n");
}

/** At least one line: `output 10 → 9.5`, or the prices that a first version began with. */
function changesOf(before: PriceColumns | null, after: PriceColumns, unit: Unit): string[] {
  const amounts = PRICE_AMOUNTS.flatMap((name) => {
    const text = ({ amounts }: PriceColumns) => {
      const amount = amounts[name];
      return amount === null ? "–" : amountText(name, amount, unit);
    };
    return changeText(columnLabel(name), before && text(before), text(after));
  });
  const limits = PRICE_LIMITS.flatMap((name) => {
    const text = ({ limits }: PriceColumns) => limits[name]?.toString() ?? "–";
    return changeText(name.replaceAll("_", " "), before && text(before), text(after));
  });
  const hides = ({ hidesReasoning }: PriceColumns) => hidesReasoning ? "hidden" : "shown";
  const lines = [
    ...amounts,
    ...limits,
    ...changeText("reasoning", before && hides(before), hides(after)),
  ];
  if (lines.length === 0) return ["nothing but the source"];
  return before === null ? [lines.filter((line) => !line.endsWith(" shown")).join(" · ")] : lines;
}

function changeText(label: string, before: string | null, after: string): string[] {
  if (before === null) {
    return after === "–" || (after === "0" && label.startsWith("request"))
      ? []
      : [`${label} ${after}`];
  }
  return before === after ? [] : [`${label} ${before} → ${after}`];
}

/** `2026-11-22 16:04:31`. */
function timeText(time: string): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

function versionJson(version: PriceVersion) {
  return {
    price_version: version.version,
    effective_from: version.effectiveFrom,
    effective_to: version.effectiveTo,
    source: version.source,
    ...Object.fromEntries(PRICE_AMOUNTS.map((name) => {
      const amount = version.amounts[name];
      return [name, amount === null ? null : formatUsd(amount)];
    })),
    ...version.limits,
    hides_reasoning: version.hidesReasoning,
  };
}
