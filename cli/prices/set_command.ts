import {
  PRICE_AMOUNTS,
  PRICE_LIMITS,
  type PriceAmount,
  type PriceChange,
  type PriceRow,
} from "../../shared/credit/prices.ts";
import { formatUsd, parseUsd, type Usd } from "../../shared/pricing/money.ts";
import { BadArgument } from "../arguments.ts";
import { accepted } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { requireName } from "./choose.ts";
import { factorText, isOverThreefold } from "./decimal.ts";
import { OPERATOR } from "./plan.ts";
import { hidesReasoning } from "./reasoning.ts";
import { type Cell, type Paint, stdoutPaint, table } from "../table.ts";
import { amountText, columnLabel, type Unit } from "./wording.ts";
import { WHEN_SEEN } from "./when_seen.ts";

/** `per`, `dryRun`, and each column by its name in camel case, such as `cacheRead`, as typed. */
export type SetOptions = { per?: Unit; dryRun: boolean } & { [option: string]: unknown };

/** Sets one price by hand; what is not named stays. */
export async function set(target: Target, model: string, options: SetOptions): Promise<number> {
  const { providerId, modelId } = requireName(model);
  const columns = readColumns(options);
  const per = options.per ?? "million";
  if (Object.keys(columns).length === 0) {
    throw new BadArgument("Name at least one value to set, such as --input 2.5.");
  }
  const row = accepted(await target.prices.list())
    .find((row) => row.providerId === providerId && row.modelId === modelId) ?? null;
  if (row === null && !("input_per_1k" in columns && "output_per_1k" in columns)) {
    throw new BadArgument(`${model} has no price yet: a first one needs --input and --output.`);
  }
  const change: PriceChange = {
    ...(row === null && { hides_reasoning: hidesReasoning(modelId) }),
    ...columns,
    provider_id: providerId,
    model_id: modelId,
    expected_version: row?.version ?? null,
    source: OPERATOR,
  };
  const [written] = options.dryRun ? [] : accepted(await target.prices.set([change]));
  if (target.json) {
    console.log(JSON.stringify({ dry_run: options.dryRun, written: written ?? null, change }));
    return 0;
  }
  const unit = per === "1k" ? "1,000" : "million";
  console.log(`${model} at ${target.url}, USD per ${unit} tokens.\n`);
  console.log(`${setText(row, change, per, stdoutPaint())}\n`);
  const doubts = doubtsAbout(row, change);
  if (doubts.length > 0) {
    console.error(
      `! ${doubts.join(", ")}: more than 3× of what it was, or free. Was it meant per ${per}?\n`,
    );
  }
  const free = freeClasses(change);
  if (free.length > 0) {
    console.error(`! ${free.join(", ")}: a price of zero, nobody pays for these tokens.\n`);
  }
  console.log(
    written === undefined
      ? "A dry run: nothing was written."
      : written.state === "unchanged"
      ? `✓ unchanged; it is price version ${written.price_version} as before.`
      : `✓ ${written.state}; it is price version ${written.price_version}. ${WHEN_SEEN}`,
  );
  return 0;
}

/** Columns whose change a sync would have held back; whoever sets a price by hand is only told. */
function doubtsAbout(row: PriceRow | null, change: PriceChange): string[] {
  return PRICE_AMOUNTS.filter((column) => {
    const [from, text] = [row?.amounts[column] ?? null, change[column] ?? null];
    if (from === null || from === 0n || text === null) return false;
    return isOverThreefold(from, parseUsd(text));
  }).map(columnLabel);
}

/** Prices of tokens that are set to zero, which is right for few and a slip for most. */
function freeClasses(change: PriceChange): string[] {
  return PRICE_AMOUNTS.filter((column) => {
    const text = change[column] ?? null;
    return column.endsWith("_per_1k") && text !== null && parseUsd(text) === 0n;
  }).map(columnLabel);
}

type Columns = Omit<PriceChange, "provider_id" | "model_id" | "expected_version" | "source">;

function readColumns(options: SetOptions): Columns {
  const typed = (option: string): string | undefined => {
    const value = options[option];
    return typeof value === "string" ? value : undefined;
  };
  const amounts = PRICE_AMOUNTS.flatMap((column) => {
    const name = column.replace(/_per_1k$/, "");
    const text = typed(camelCase(name));
    return text === undefined ? [] : [[column, readAmount(column, name, text, options.per)]];
  });
  const limits = PRICE_LIMITS.flatMap((column) => {
    const text = typed(camelCase(column));
    return text === undefined ? [] : [[column, readCount(column, text)]];
  });
  const [hides, name] = [typed("hidesReasoning"), typed("displayName")];
  return {
    ...Object.fromEntries([...amounts, ...limits]),
    ...(hides !== undefined && { hides_reasoning: hides === "yes" }),
    ...(name !== undefined && { display_name: name }),
  };
}

/** `long_cache_write_5m` → `longCacheWrite5m`, as the options are named once read. */
function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The column's decimal string; `null` for "none". */
function readAmount(
  column: PriceAmount,
  name: string,
  text: string,
  unit: Unit | undefined,
): string | null {
  const option = `--${name.replaceAll("_", "-")}`;
  if (text === "none") {
    if (!["input_per_1k", "output_per_1k", "request_fee"].includes(column)) return null;
    throw new BadArgument(`${option} cannot be none: write 0 for what costs nothing.`);
  }
  if (!/^\d{1,10}(\.\d{1,10})?$/.test(text)) {
    throw new BadArgument(
      `${option} ${text} is not an amount in USD: send a plain number of 0 or more, such as 0.28.`,
    );
  }
  const amount = parseUsd(text);
  if (!column.endsWith("_per_1k")) return formatUsd(amount);
  if (unit === undefined) {
    throw new BadArgument(`${option} is a price of tokens: say --per million or --per 1k.`);
  }
  // Seven decimals per 1,000 tokens are four per million.
  const [step, decimals] = unit === "million" ? [1_000_000n, 4] : [1000n, 7];
  if (amount % step !== 0n) {
    throw new BadArgument(
      `${option} ${text} is too fine: a price per ${unit} tokens has at most ${decimals} decimals.`,
    );
  }
  return formatUsd(unit === "million" ? amount / 1000n : amount);
}

function readCount(column: string, text: string): number | null {
  if (text === "none") return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new BadArgument(
    `--${column.replaceAll("_", "-")} ${text} is not a whole number of tokens above zero.`,
  );
}

/** The columns that are named: now and then. */
function setText(row: PriceRow | null, change: PriceChange, unit: Unit, paint: Paint): string {
  const value = (column: PriceAmount, amount: Usd | null) =>
    amount === null ? "–" : amountText(column, amount, unit);
  const amounts = PRICE_AMOUNTS.filter((column) => column in change).map((column): Cell[] => {
    const text = change[column] ?? null;
    const [from, to] = [row?.amounts[column] ?? null, text === null ? null : parseUsd(text)];
    const factor = from === null || to === null ? "" : factorText(from, to);
    return [columnLabel(column), value(column, from), value(column, to), factor];
  });
  const limits = PRICE_LIMITS.filter((column) => column in change).map((column): Cell[] => [
    column.replaceAll("_", " "),
    row?.limits[column]?.toString() ?? "–",
    change[column]?.toString() ?? "–",
  ]);
  const hides = (value: boolean) => value ? "hidden" : "shown";
  const reasoning: Cell[][] = change.hides_reasoning === undefined ? [] : [[
    "reasoning",
    row === null ? "–" : hides(row.hidesReasoning),
    hides(change.hides_reasoning),
  ]];
  const columns = [
    { title: "PRICE" },
    { title: "NOW", align: "right" as const },
    { title: "NEW", align: "right" as const },
    { title: "FACTOR", align: "right" as const },
  ];
  return table(columns, [...amounts, ...limits, ...reasoning], paint).join("\n");
}
