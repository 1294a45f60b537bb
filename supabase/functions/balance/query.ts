/**
 * Reads the query of a report. Parameters that nobody knows are ignored: clients and gateways add
 * their own.
 */
import * as z from "zod/mini";
import type { Refusal } from "../../../shared/edge/refusal.ts";

const PAGE_RECORDS_DEFAULT = 50;
/** What the browser can show and the Data API gives in one answer. */
const PAGE_RECORDS_MAX = 200;

const time = (name: string) =>
  z.nullable(
    z.string().check(
      z.refine(
        isTime,
        `${name} must be a date or time in ISO 8601, such as 2026-11-01 or 2026-11-01T00:00:00Z`,
      ),
    ),
  );
const text = (name: string, charsMax: number) =>
  z.nullable(
    z.string().check(
      z.maxLength(charsMax, `${name} must have at most ${charsMax} characters`),
      // PostgreSQL cannot even compare some of these with what it stores.
      z.refine(isPrintable, `${name} must have no control characters`),
    ),
  );

const limitRule = `limit must be a whole number from 1 to ${PAGE_RECORDS_MAX}`;
const limit = z.pipe(
  z.nullable(z.string().check(z.regex(/^[1-9]\d{0,3}$/, limitRule))),
  z.pipe(
    z.transform((value: string | null) => value === null ? PAGE_RECORDS_DEFAULT : Number(value)),
    z.number().check(z.maximum(PAGE_RECORDS_MAX, limitRule)),
  ),
);
const before = z.nullable(
  z.string().check(
    z.regex(
      // As billing.cursor_of writes it: microseconds, and a key that breaks ties.
      /^\d{1,18}\.[\da-f-]{1,60}$/,
      "before must be the next_before of the previous page",
    ),
  ),
);

/** Both times are ISO 8601; `from` is inclusive, `to` is not. */
const range = { from: time("from"), to: time("to") };

export const UsageQuery = z.object({
  ...range,
  model: text("model", 200),
  chat_id: text("chat_id", 128),
  limit,
  before,
});
export const SummaryQuery = z.object({
  ...range,
  by: z._default(z.enum(["day", "model"], "by must be day or model"), "day"),
});
export const PageQuery = z.object({ limit, before });

/** The `+` of a time zone, as it arrives from a client that did not encode it. */
const SPACED_OFFSET = /^([\d-]+T[\d:.]+) (\d{2}:\d{2})$/;

/** The parameters as the schema says, or INVALID_REQUEST naming the first that is wrong. */
export function readQuery<T extends z.ZodMiniObject>(
  url: string,
  schema: T,
): z.infer<T> | Refusal {
  const given = new URL(url).searchParams;
  const values = Object.fromEntries(
    Object.keys(schema.shape).map((name) => {
      // A default stands in for what is undefined, null says "not asked for".
      const absent = schema.shape[name] instanceof z.ZodMiniDefault ? undefined : null;
      return [name, given.get(name)?.replace(SPACED_OFFSET, "$1+$2") || absent];
    }),
  );
  const parsed = schema.safeParse(values);
  if (parsed.success) {
    const { from, to } = values;
    if (from && to && Date.parse(from) >= Date.parse(to)) {
      return {
        code: "INVALID_REQUEST",
        message: "from must be earlier than to.",
        param: "from",
      };
    }
    return parsed.data;
  }
  const issue = parsed.error.issues[0]!;
  return {
    code: "INVALID_REQUEST",
    message: `${issue.message}.`,
    param: String(issue.path[0]),
  };
}

const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?$/;

/** Whether Postgres will read it as the same time; JavaScript alone would take February 30th. */
function isTime(value: string): boolean {
  const [, year, month, day] = ISO_8601.exec(value)?.map(Number) ?? [];
  if (year === undefined || year < 1970 || !Number.isFinite(Date.parse(value))) return false;
  return new Date(Date.UTC(year, month! - 1, day)).getUTCDate() === day;
}

/** Whether a text has no control characters and no half ones. */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}
