/** The doctor's lines, for people and for scripts. */
import type { Paint, Style } from "../table.ts";
import type { Line } from "./examine.ts";
import type { Finding } from "./finding.ts";

const MARKS: Readonly<Record<Finding["state"], readonly [mark: string, style: Style]>> = {
  ok: ["✓", "green"],
  failed: ["✗", "red"],
  warning: ["!", "yellow"],
  skipped: ["–", "dim"],
};

/** So many of a list stand in the text; --json has all. */
const ITEMS_MAX = 12;

/** A line, and below it what is wrong in detail and what to do. */
export function lineText({ check, finding }: Line, paint: Paint): string {
  const [mark, style] = MARKS[finding.state];
  const items = "items" in finding ? finding.items ?? [] : [];
  const more = items.length - ITEMS_MAX;
  return [
    `${paint(style, mark)} ${check.title}${paint("dim", `: ${finding.says}`)}`,
    ...items.slice(0, ITEMS_MAX).map((item) => `    ${item}`),
    ...(more > 0 ? [`    and ${more} more (--json has all)`] : []),
    ...("todo" in finding && finding.todo ? [`    → ${finding.todo}`] : []),
  ].join("\n");
}

export type Counts = Readonly<Record<Finding["state"], number>>;

export function countStates(lines: readonly Line[]): Counts {
  const counts = { ok: 0, failed: 0, warning: 0, skipped: 0 };
  for (const { finding } of lines) counts[finding.state]++;
  return counts;
}

/** `31 ✓, 0 ✗, 1 !, 2 –`, with a word for the whole. */
export function summaryText(counts: Counts): string {
  const numbers = `${counts.ok} ✓, ${counts.failed} ✗, ${counts.warning} !, ${counts.skipped} –`;
  return counts.failed === 0 ? `All is well: ${numbers}` : `Not well: ${numbers}`;
}

/** What --json prints: a line's check, title, state, says, and todo and items where there are any. */
export function reportJson(url: string, lines: readonly Line[]): unknown {
  return {
    url,
    healthy: countStates(lines).failed === 0,
    counts: countStates(lines),
    checks: lines.map(({ check: { id, title }, finding }) => ({ check: id, title, ...finding })),
  };
}
