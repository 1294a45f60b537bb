import { PRICE_AMOUNTS, type PriceAmount, type PriceRow } from "../../shared/credit/prices.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import { accepted } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { THRESHOLD } from "./diff.ts";
import { OPERATOR } from "./plan.ts";
import { type Cell, type Column, type Paint, stdoutPaint, table } from "../table.ts";
import { amountText, columnLabel, pricePhrases, type Unit } from "./wording.ts";

export type ListOptions = { provider?: string; per: Unit };

/** Prints every current price. */
export async function list(target: Target, options: ListOptions): Promise<number> {
  const rows = accepted(await target.prices.list())
    .filter((row) => options.provider === undefined || row.providerId === options.provider);
  if (target.json) {
    console.log(JSON.stringify(rows.map(rowJson)));
    return 0;
  }
  if (rows.length === 0) {
    const whose = options.provider === undefined ? "" : ` of ${options.provider}`;
    console.log(`No model${whose} has a price. Add some with \`farebox prices sync\`.`);
    return 0;
  }
  const unit = options.per === "1k" ? "1,000" : "million";
  console.log(`Prices of ${target.url}, USD per ${unit} tokens.\n`);
  console.log(listText(rows, options.per, new Date(), stdoutPaint()));
  return 0;
}

const OWN_COLUMNS: readonly PriceAmount[] = [
  "input_per_1k",
  "output_per_1k",
  "cache_read_per_1k",
  "cache_write_5m_per_1k",
  "cache_write_1h_per_1k",
];

/** The table of prices; rarer ones share a column. */
export function listText(
  rows: readonly PriceRow[],
  unit: Unit,
  now: Date,
  paint: Paint,
): string {
  const columns: Column[] = [
    { title: "MODEL" },
    ...OWN_COLUMNS.map((name) => ({
      title: columnLabel(name).replace("cache write", "write").toUpperCase(),
      align: "right" as const,
    })),
    { title: "OTHER PRICES" },
    { title: "AGE", align: "right" },
    { title: "SOURCE" },
  ];
  const cells = rows.map((row): Cell[] => [
    `${row.providerId}:${row.modelId}`,
    ...OWN_COLUMNS.map((name): Cell => {
      const amount = row.amounts[name];
      return amount === null ? ["dim", "–"] : amountText(name, amount, unit);
    }),
    otherPrices(row, unit),
    ageText(row.updatedAt, now),
    [row.source === OPERATOR ? "yellow" : "dim", row.source],
  ]);
  return table(columns, cells, paint).join("\n");
}

function otherPrices({ amounts, limits }: PriceRow, unit: Unit): string {
  const threshold = limits[THRESHOLD];
  const others = PRICE_AMOUNTS.filter((name) =>
    !OWN_COLUMNS.includes(name) && !(name === "request_fee" && amounts[name] === 0n)
  ).map((name) => [name, amounts[name]] as const);
  return pricePhrases(
    [...others, [THRESHOLD, threshold === null ? null : BigInt(threshold)]],
    unit,
  );
}

const HOUR_MS = 3_600_000;

/** `12 min`, `5 h`, `3 d`. */
function ageText(since: string, now: Date): string {
  const age = Math.max(0, now.getTime() - new Date(since).getTime());
  if (age < HOUR_MS) return `${Math.floor(age / 60_000)} min`;
  if (age < 48 * HOUR_MS) return `${Math.floor(age / HOUR_MS)} h`;
  return `${Math.floor(age / (24 * HOUR_MS))} d`;
}

function rowJson(row: PriceRow) {
  return {
    provider_id: row.providerId,
    model_id: row.modelId,
    display_name: row.displayName,
    ...Object.fromEntries(
      PRICE_AMOUNTS.map((name) => {
        const amount = row.amounts[name];
        return [name, amount === null ? null : formatUsd(amount)];
      }),
    ),
    ...row.limits,
    hides_reasoning: row.hidesReasoning,
    source: row.source,
    price_version: row.version,
    updated_at: row.updatedAt,
  };
}
