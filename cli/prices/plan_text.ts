/** A plan as a person reads it: what would change, what waits, what stays. */
import type { Change } from "./diff.ts";
import { isHeld, isQuarantined, type Plan, type PricePlan } from "./plan.ts";
import { type Cell, type Column, type Paint, table } from "../table.ts";
import {
  changeFactor,
  columnLabel,
  disagreementText,
  holdText,
  pricePhrases,
  type Unit,
  valueText,
} from "./wording.ts";

const CHANGE_COLUMNS: readonly Column[] = [
  { title: "MODEL" },
  { title: "PRICE" },
  { title: "NOW", align: "right" },
  { title: "NEW", align: "right" },
  { title: "FACTOR", align: "right" },
];

/** The whole plan, section by section; a section without a row is not there. */
export function planText(plan: Plan, unit: Unit, paint: Paint): string {
  const open = plan.prices.filter((price) => price.write !== null && !isHeld(price));
  const quarantined = plan.prices.filter(isQuarantined);
  const operators = plan.prices.filter((price) => isHeld(price) && !isQuarantined(price));
  const same = plan.prices.filter((price) => price.write === null).length;
  const lines = [
    ...section("To change", changeRows(open.filter((price) => !price.isNew), unit, paint), paint),
    ...section("New models", newRows(open.filter((price) => price.isNew), unit, paint), paint),
    ...section(
      "Held back: look at each, then let it through with --accept provider:model",
      heldRows(quarantined, unit, paint),
      paint,
      "yellow",
    ),
    ...section(
      "Set by you (source operator), left alone unless named with --accept",
      changeRows(operators, unit, paint),
      paint,
    ),
    ...section("Kept: the catalogue has no such price", keptRows(plan, unit, paint), paint),
    ...section("Coming, not applied before its day", comingRows(plan, unit, paint), paint),
    ...section(
      "Not taken over",
      table(
        [{ title: "MODEL" }, { title: "WHY" }],
        plan.unpriced.map(({ name, reason }) => [name, reason]),
        paint,
      ),
      paint,
    ),
    ...section(
      "OpenRouter has another price (a hint, nothing more)",
      hintRows(plan, unit, paint),
      paint,
    ),
    ...aliases(plan, paint),
  ];
  if (same > 0) lines.push(paint("dim", `${models(same)} as the catalogue says.`));
  return lines.join("\n");
}

/** `1 model is`, `3 models are`. */
export function models(count: number): string {
  return count === 1 ? "1 model is" : `${count} models are`;
}

function section(title: string, rows: string[], paint: Paint, style: "bold" | "yellow" = "bold") {
  // A table without a row is its titles alone.
  return rows.length <= 1 ? [] : [paint(style, title), ...rows, ""];
}

/** Rows of changes; a model is named once. */
export function changeRows(prices: readonly PricePlan[], unit: Unit, paint: Paint): string[] {
  const rows = prices.flatMap((price) =>
    price.changes.map((change, index): Cell[] => [
      index === 0 ? price.name : "",
      ...changeCells(change, unit),
    ])
  );
  return table(CHANGE_COLUMNS, rows, paint);
}

function changeCells(change: Change, unit: Unit): Cell[] {
  const { column, from, to } = change;
  const isDearer = from !== null && to > from;
  return [
    columnLabel(column),
    from === null ? "–" : valueText(column, from, unit),
    valueText(column, to, unit),
    [from === null ? "dim" : isDearer ? "red" : "green", changeFactor(change)],
  ];
}

function newRows(prices: readonly PricePlan[], unit: Unit, paint: Paint): string[] {
  const columns: Column[] = [
    { title: "MODEL" },
    { title: "INPUT", align: "right" },
    { title: "OUTPUT", align: "right" },
    { title: "CONTEXT", align: "right" },
    { title: "REASONING" },
    { title: "OTHER PRICES" },
  ];
  const rows = prices.map(({ name, changes, write }): Cell[] => {
    const value = (wanted: string) => {
      const change = changes.find(({ column }) => column === wanted);
      return change === undefined ? "" : valueText(change.column, change.to, unit);
    };
    const others = changes.filter(({ column }) =>
      column !== "input_per_1k" && column !== "output_per_1k"
    );
    return [
      name,
      value("input_per_1k"),
      value("output_per_1k"),
      write?.max_input_tokens?.toString() ?? "?",
      write?.hides_reasoning ? "hidden" : "shown",
      pricePhrases(others.map(({ column, to }) => [column, to]), unit),
    ];
  });
  return table(columns, rows, paint);
}

function heldRows(prices: readonly PricePlan[], unit: Unit, paint: Paint): string[] {
  const [titles = "", ...rows] = changeRows(prices, unit, paint);
  const blocks = prices.flatMap((price) => [
    ...rows.splice(0, price.changes.length),
    ...price.holds.map((hold) => paint("yellow", `    ! ${holdText(hold, unit)}`)),
  ]);
  return [titles, ...blocks];
}

function keptRows(plan: Plan, unit: Unit, paint: Paint): string[] {
  const rows = plan.prices.flatMap(({ name, kept }) =>
    kept.map(({ column, value }, index): Cell[] => [
      index === 0 ? name : "",
      columnLabel(column),
      valueText(column, value, unit),
    ])
  );
  const columns: Column[] = [{ title: "MODEL" }, { title: "PRICE" }, {
    title: "OURS",
    align: "right",
  }];
  return table(columns, rows, paint);
}

function comingRows(plan: Plan, unit: Unit, paint: Paint): string[] {
  const rows = plan.prices.flatMap(({ name, coming }) =>
    coming.flatMap(({ from, changes }) =>
      changes.map((change, index): Cell[] => [
        index === 0 ? name : "",
        index === 0 ? from : "",
        ...changeCells(change, unit),
      ])
    )
  );
  const [model, ...rest] = CHANGE_COLUMNS;
  return table([...(model ? [model] : []), { title: "FROM (UTC)" }, ...rest], rows, paint);
}

function hintRows(plan: Plan, unit: Unit, paint: Paint): string[] {
  const rows = plan.prices.flatMap(({ name, hints }) =>
    hints.map((hint): Cell[] => [name, disagreementText(hint, unit)])
  );
  return table([{ title: "MODEL" }, { title: "OPENROUTER SAYS" }], rows, paint);
}

function aliases(plan: Plan, paint: Paint): string[] {
  const named = plan.prices.filter(({ pricedAs }) => pricedAs !== null);
  if (named.length === 0) return [];
  const pairs = named.map(({ name, pricedAs }) => `${name} as ${pricedAs}`);
  return [paint("dim", `Priced under another name: ${pairs.join(", ")}.`)];
}
