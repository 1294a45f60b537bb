/** What a chart shows: bars of amounts, by day and by model, and what they are called. */
import type { UsageSummary, UsageSums } from "../client/types.ts";
import { amountText, parseAmount, sumAmounts } from "./amount.ts";
import { formatCost, formatCount } from "./money_text.ts";
import { type DayRange, daysOf, dayText, longDayText, rangeText } from "./usage_range.ts";

export interface Bar {
  /** A day, or a model; null for several models. */
  readonly key: string | null;
  readonly label: string;
  /** In full, where there is room for it. */
  readonly title: string;
  /** Decimal USD. */
  readonly cost: string;
  readonly detail: string;
  readonly isChosen: boolean;
  readonly isPressable: boolean;
}

/** Colours as CSS gives them. */
export interface Palette {
  readonly accent: string;
  readonly faded: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly font: string;
}

export interface BarOrder {
  readonly direction: "up" | "across";
  /** Asked whenever it is drawn. */
  readonly palette: () => Palette;
  readonly isStill: () => boolean;
  readonly press: (index: number) => void;
}

/** A chart that is drawn. */
export interface BarChart {
  show(bars: readonly Bar[]): void;
  recolour(): void;
  destroy(): void;
}

const MODELS_MAX = 8;
/** A whole number for a bar's length: of the ledger's last digit, in the units of `parseAmount`. */
const LENGTH_UNITS = 10n ** 10n;

/** Every day of the range, those without spending as 0. */
export function barsByDay(summary: UsageSummary, range: DayRange, chosen: string | null): Bar[] {
  const groups = new Map(summary.groups.map((group) => [group.key, group]));
  return daysOf(range).map((day) => {
    const group = groups.get(day);
    return {
      key: day,
      label: dayText(day),
      title: longDayText(day),
      cost: group?.cost ?? "0",
      detail: requestsText(group?.requests ?? 0),
      isChosen: day === chosen,
      isPressable: group !== undefined,
    };
  });
}

/** The dearest models first; all after the eighth are one bar. */
export function barsByModel(summary: UsageSummary, chosen: string | null): Bar[] {
  const groups = summary.groups.toSorted((a, b) => compare(b, a));
  const bars = groups.slice(0, MODELS_MAX).map((group): Bar => ({
    key: group.key,
    label: group.key,
    title: group.key,
    cost: group.cost,
    detail: requestsText(group.requests),
    isChosen: group.key === chosen,
    isPressable: true,
  }));
  const others = groups.slice(MODELS_MAX);
  if (others.length > 0) {
    bars.push({
      key: null,
      label: others.length === 1 ? "1 other" : `${others.length} others`,
      title: others.map(({ key }) => key).slice(0, 6).join(", ") + (others.length > 6 ? ", …" : ""),
      cost: sumAmounts(others.map(({ cost }) => cost)),
      detail: requestsText(others.reduce((sum, { requests }) => sum + requests, 0)),
      isChosen: false,
      isPressable: false,
    });
  }
  return bars;
}

/** For those who do not see the chart. */
export function dayChartWords(bars: readonly Bar[], range: DayRange): string {
  const spent = bars.filter(({ isPressable }) => isPressable);
  const most = spent.toSorted((a, b) => compare(b, a))[0];
  const start = `Bars of the spending by day, ${rangeText(range)}.`;
  if (most === undefined) return `${start} Nothing was spent.`;
  return `${start} ${formatCost(sumAmounts(bars.map(({ cost }) => cost)))} on ${spent.length} of ` +
    `${bars.length} days; most on ${most.label}: ${formatCost(most.cost)}.`;
}

export function modelChartWords(bars: readonly Bar[]): string {
  const start = "Bars of the spending by model.";
  if (bars.length === 0) return `${start} Nothing was spent.`;
  const dearest = bars.slice(0, 3).map(({ label, cost }) => `${label} ${formatCost(cost)}`);
  return `${start} Most first: ${dearest.join(", ")}${bars.length > 3 ? ", and more" : ""}.`;
}

/** How long a bar is: whole ten-billionths of a dollar, which are exact up to 900,000 dollars. */
export function lengthOf(cost: string): number {
  return Number((parseAmount(cost) ?? 0n) / LENGTH_UNITS);
}

/** What a mark on the axis stands for. @param length as of a bar; a part of one is left out. */
export function axisText(length: number): string {
  return formatCost(amountText(BigInt(Math.trunc(length)) * LENGTH_UNITS));
}

export function requestsText(count: number): string {
  return count === 1 ? "1 request" : `${formatCount(count)} requests`;
}

function compare(a: Pick<UsageSums, "cost">, b: Pick<UsageSums, "cost">): number {
  const difference = (parseAmount(a.cost) ?? 0n) - (parseAmount(b.cost) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
