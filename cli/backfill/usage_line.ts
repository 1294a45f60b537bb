/** What a line of the functions' log says was used. Pure. */
import * as z from "zod/mini";
import { LOG } from "../../shared/edge/log.ts";
import { CLASS_OF_MEDIA, MEDIA_CLASSES, TOKEN_CLASSES } from "../../shared/pricing/usage.ts";
import { splitName } from "../prices/providers.ts";
import type { LogEntry } from "./log_entry.ts";

/** More than any model reads or writes. */
const COUNT_MAX = 100_000_000;
const count = z.int().check(z.gte(0), z.lte(COUNT_MAX));
const tokens = z.object({
  input: count,
  cache_read: count,
  cache_write_5m: count,
  cache_write_1h: count,
  output: count,
});
const media = z.object({
  input_audio: count,
  input_image: count,
  cache_read_audio: count,
  output_audio: count,
  output_image: count,
});

/** As chat-proxy's settlement.ts writes it. */
const UsageSchema = z.object({
  request_id: z.guid(),
  user_id: z.nullable(z.guid()),
  chat_id: z.nullable(z.string().check(z.maxLength(128))),
  model: z.string().check(z.refine((name) => splitName(name) !== null)),
  tokens,
  basis: z.enum(["reported", "estimated"]),
  media: z.optional(media),
  web_searches: z.optional(count),
  other_models: z.optional(
    z.array(z.object({ model: z.string().check(z.minLength(1), z.maxLength(200)), tokens }))
      .check(z.maxLength(8)),
  ),
  provider_cost: z.optional(z.string().check(z.regex(/^\d{1,10}(\.\d{1,10})?$/))),
  service_tier: z.optional(z.string()),
  flags: z.optional(z.array(z.string())),
  provider_request_id: z.nullable(z.string()),
  finish: z.nullable(z.string()),
  first_token_ms: z.nullable(count),
  duration_ms: z.nullable(count),
  /** What was charged then, USD: of recorded usage alone. */
  cost: z.optional(z.string()),
});

/** What was used by one request, and when its answer ended (ISO 8601). */
export type LoggedUsage = z.infer<typeof UsageSchema> & { at: string };

/** What an entry of the log is. */
export type Reading =
  | { kind: "usage"; usage: LoggedUsage }
  /** Something else, or usage that was settled. */
  | { kind: "ignored" }
  /** It says what was used, and cannot be read; `requestId` where that much can be. */
  | { kind: "unreadable"; reason: string; requestId: string | null };

export interface ReadOptions {
  /** Whether usage counts that was settled, to rebuild a ledger that was lost. */
  readonly recorded: boolean;
  /** When a line was written that does not say so itself. */
  readonly at: string | null;
}

const UNSETTLED = [LOG.deductionFailed, LOG.settlingRetried, LOG.settlingSlow];

/** Reads one entry. Never throws. */
export function readUsage(entry: LogEntry, options: ReadOptions): Reading {
  const messages = options.recorded ? [...UNSETTLED, LOG.usageRecorded] : UNSETTLED;
  const begin = beginOfMessage(entry.text);
  const message = messages.find((one) => entry.text.startsWith(`${one}: {`, begin));
  if (message === undefined) {
    // The rest of an export that was cut: what it would have said is not known.
    const isCut = /^\s*\{/.test(entry.text) && messages.some((one) => entry.text.includes(one));
    if (!isCut) return { kind: "ignored" };
    return { kind: "unreadable", reason: "its entry is cut off, or garbled", requestId: null };
  }
  const text = entry.text.slice(begin + message.length + 2);
  const requestId = /"request_id":"([0-9a-f-]{36})"/.exec(text)?.[1] ?? null;
  const unreadable = (reason: string) => ({ kind: "unreadable", reason, requestId } as const);

  const object = firstObject(text);
  if (object === null) {
    return unreadable(`it is cut off, or garbled, after ${text.length} characters`);
  }
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(object);
  } catch {
    return unreadable("what follows its message is no JSON");
  }
  if (message !== LOG.usageRecorded && fields["unsettled"] !== true) return { kind: "ignored" };

  const parsed = UsageSchema.safeParse(fields);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = issue?.path.join(".") || "it";
    return unreadable(`its ${name} is ${valueAt(fields, issue?.path ?? [])}`);
  }
  if (!isMediaWithin(parsed.data)) {
    return unreadable("its sound and images are more than the class that they are inside of");
  }
  const time = fields["at"] ?? entry.time ?? options.at;
  const at = timeOf(time);
  if (at !== null) return { kind: "usage", usage: { ...parsed.data, at } };
  return unreadable(
    time === null
      ? 'it does not say when: export the log with its timestamps, or give "--at <time>"'
      : `its time is ${JSON.stringify(time)}`,
  );
}

/**
 * What may stand before a message: white space, times, levels, the function's tag, a container's name.
 * Nothing else: an app that prints what its users say would let them write a charge.
 */
const BEFORE =
  /\s+|[\w.-]*(?:function|edge)[\w.-]*\s*\||\[(?:functions|chat-proxy|info|warn|warning|error|log|\d[^\]]{0,60})\]|(?:info|warn|warning|error|log|stdout|stderr)\b:?|\d[\dT:.,+Z/-]*|[|,"-]/iy;
const BEFORE_CHARS_MAX = 200;

/** Where the message of a line begins, after what a log puts before it. */
function beginOfMessage(text: string): number {
  const head = text.slice(0, 2 * BEFORE_CHARS_MAX);
  let at = 0;
  while (at < Math.min(head.length, BEFORE_CHARS_MAX)) {
    BEFORE.lastIndex = at;
    if (!BEFORE.test(head)) break;
    at = BEFORE.lastIndex;
  }
  return at;
}

/** The text of the object that a text begins with, whatever comes after it; null for a part of one. */
function firstObject(text: string): string | null {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (isInString) {
      if (char === "\\") i++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return text.slice(0, i + 1);
  }
  return null;
}

function valueAt(fields: unknown, path: readonly PropertyKey[]): string {
  let value = fields;
  for (const name of path) {
    value = value instanceof Object ? (value as Record<PropertyKey, unknown>)[name] : undefined;
  }
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 60);
}

function isMediaWithin({ tokens, media }: z.infer<typeof UsageSchema>): boolean {
  if (media === undefined) return true;
  return TOKEN_CLASSES.every((name) => {
    const inside = MEDIA_CLASSES.filter((one) => CLASS_OF_MEDIA[one] === name);
    return inside.reduce((sum, one) => sum + media[one], 0) <= tokens[name];
  });
}

/**
 * A time as ISO 8601: of a text with its zone, or of a number of seconds, milliseconds, microseconds
 * or nanoseconds since 1970, whichever is of our days. Null for anything else.
 */
export function timeOf(time: unknown): string | null {
  if (typeof time === "string" && !/^\d+(\.\d+)?$/.test(time)) {
    // Log explorers leave out the zone where it is UTC.
    const text = /(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`;
    const ms = Date.parse(text.replace(/^(\d{4}-\d\d-\d\d) /, "$1T"));
    return Number.isNaN(ms) ? null : new Date(ms).toISOString();
  }
  if (typeof time !== "string" && typeof time !== "number") return null;
  let ms = Number(time);
  if (ms < 1e11) ms *= 1_000;
  while (ms > 1e14) ms /= 1_000;
  return ms > 1e12 && ms < 4e12 ? new Date(ms).toISOString() : null;
}
