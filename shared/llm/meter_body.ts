import type { CountingRules } from "./counting_rules.ts";
import type { Dialect } from "./dialect.ts";
import { parseJson } from "./json_reading.ts";
import { type MeterSnapshot, NOTHING_METERED } from "./meter.ts";
import { createEventSplitter } from "./sse_events.ts";

/** A response body, metered as a whole. */
export interface MeteredBody {
  /** How the body was framed, by the look of it. `empty`: it has no byte but white space. */
  readonly framing: "stream" | "whole" | "empty";
  readonly snapshot: MeterSnapshot;
}

/**
 * Meters a body that has ended, as the proxy does one that passes: event by event, or parsed whole.
 * Which of the two it is, the body says itself: an answer that is JSON begins with a brace or a
 * bracket, after white space, a BOM or comments, which some providers send to keep a connection
 * open. Never throws; what cannot be read is flagged `unreadable`.
 */
export function meterBody(
  bytes: Uint8Array,
  dialect: Dialect,
  rules: CountingRules,
): MeteredBody {
  const text = new TextDecoder().decode(bytes); // Drops a BOM.
  const first = text[startOfContent(text)];
  if (first === undefined) return { framing: "empty", snapshot: NOTHING_METERED };
  // "<": a page is no stream of events, whatever its lines look like.
  return first === "{" || first === "[" || first === "<"
    ? { framing: "whole", snapshot: dialect.readAnswer(parseContent(text), rules) }
    : { framing: "stream", snapshot: meterEvents(bytes, dialect, rules) };
}

/**
 * The JSON that a whole answer is, after white space, a BOM or comments; `undefined` where it is none.
 * The proxy reads whole answers by it, as `meterBody` does.
 */
export function parseWhole(bytes: Uint8Array): unknown {
  return parseContent(new TextDecoder().decode(bytes)); // Drops a BOM.
}

function parseContent(text: string): unknown {
  return parseJson(text.slice(startOfContent(text)));
}

function meterEvents(bytes: Uint8Array, dialect: Dialect, rules: CountingRules): MeterSnapshot {
  const splitter = createEventSplitter();
  const meter = dialect.createMeter(rules);
  for (const event of splitter.push(bytes)) meter.fold(event);
  const rest = splitter.flush();
  if (rest !== null) meter.fold(rest);
  return meter.snapshot();
}

/** Where the first line begins that is neither blank nor a comment. */
function startOfContent(text: string): number {
  let at = 0;
  while (at < text.length) {
    if (" \t\r\n".includes(text[at]!)) at++;
    else if (text[at] === ":") {
      while (at < text.length && text[at] !== "\r" && text[at] !== "\n") at++;
    } else break;
  }
  return at;
}
