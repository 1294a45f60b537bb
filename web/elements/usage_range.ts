/** Days of a usage page: UTC, as the ledger counts them, written `2026-11-22`. */

/** Both days are within it. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
  /** Until now: `to` is what this device takes for today, and its clock may be behind the ledger's. */
  readonly isOpen?: boolean;
}

/** As the functions ask for it: `from` inclusive, `to` exclusive; until now where there is none. */
export interface TimeRange {
  readonly from: string;
  readonly to?: string;
}

/** More days than these would not be bars any more. */
export const DAYS_MAX = 366;
const DAY_MS = 86_400_000;
const SHAPE = /^\d{4}-\d{2}-\d{2}$/;

/** The days until today, whichever that is to the ledger. @param count 1 to `DAYS_MAX`, brought into it. */
export function lastDays(count: number, now: Date): DayRange {
  const days = Math.min(Math.max(Math.trunc(count), 1), DAYS_MAX);
  return {
    from: dayOf(now.getTime() - (days - 1) * DAY_MS),
    to: dayOf(now.getTime()),
    isOpen: true,
  };
}

/**
 * An open range as far as there are charges, so that none is summed up and not seen.
 * @param days those with charges. @returns at most `DAYS_MAX` days.
 */
export function reachOf(
  range: DayRange,
  days: readonly { readonly key: string }[],
): DayRange {
  if (range.isOpen !== true) return range;
  const to = days.reduce((newest, { key }) => key > newest ? key : newest, range.to);
  const first = dayOf(Date.parse(to) - (DAYS_MAX - 1) * DAY_MS);
  return { ...range, from: first > range.from ? first : range.from, to };
}

/** Every day of a range, the first one first. */
export function daysOf({ from, to }: DayRange): string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, index) => dayOf(first + index * DAY_MS));
}

export function timesOf({ from, to, isOpen }: DayRange): TimeRange {
  const start = { from: `${from}T00:00:00Z` };
  if (isOpen === true) return start;
  return { ...start, to: `${dayOf(Date.parse(to) + DAY_MS)}T00:00:00Z` };
}

/** What is wrong with two dates as somebody typed them, and what to do; null for nothing. */
export function problemOf({ from, to }: DayRange): string | null {
  if (!isDay(from) || !isDay(to)) return "Give both dates.";
  if (from > to) return "The first day must not be after the last.";
  if (daysOf({ from, to }).length > DAYS_MAX) return `Choose at most ${DAYS_MAX} days.`;
  return null;
}

/** `Nov 22`, in the reader's language. */
export function dayText(day: string): string {
  return written(day, { day: "numeric", month: "short" });
}

/** `Sunday, November 22, 2026` */
export function longDayText(day: string): string {
  return written(day, { dateStyle: "full" });
}

/** `Nov 1 – 22, 2026` */
export function rangeText({ from, to }: DayRange): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" })
    .formatRange(new Date(from), new Date(to));
}

function isDay(text: string): boolean {
  // What a date field gives; years before 1970 the functions refuse.
  return SHAPE.test(text) && text >= "1970" && dayOf(Date.parse(text)) === text;
}

function dayOf(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString().slice(0, 10) : "";
}

function written(day: string, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(undefined, { ...format, timeZone: "UTC" }).format(new Date(day));
}
