import type { JsonObject } from "../dialect.ts";
import { objectOf, parseJson } from "../json_reading.ts";
import type { SplitEvent } from "../sse_events.ts";

/**
 * The last event of an answer repeats its whole prompt and output, so it can pass the splitter's cap,
 * and it alone has the bill. Of an event too long to be read, its beginning and its end are: the id
 * comes before all that grows and `usage` after it, both in OpenAI's order (id, …, output, tools, …,
 * usage, user) and in the alphabet's.
 */

/** The name, and the first fields of a response: its id is before its prompt. */
const HEAD_BYTES = 512;
/** A usage takes some 300 bytes; metadata, the longest that can follow it, at most 10 KiB. */
const TAIL_BYTES = 16 * 1024;

/** What could be read of an oversized event. */
export interface OversizedEvent {
  /** The name of the event, `null` until it is known. */
  readonly type: string | null;
  /** The id of its response, or of whatever it is about; only once the event is complete. */
  readonly id: string | null;
  /** Its usage; only once the event is complete. */
  readonly usage: JsonObject | null;
}

/** Reads the parts of oversized events as they come. */
export function createOversizedReader(): (event: SplitEvent) => OversizedEvent {
  let head = "";
  let tail: Uint8Array = new Uint8Array(0);
  const decoder = new TextDecoder();

  return (event) => {
    // Each part but the last is longer than the splitter's cap, so the first has all of the head.
    if (head === "") head = decoder.decode(event.bytes.subarray(0, HEAD_BYTES));
    tail = lastBytes(tail, event.bytes);
    const type = (/^(?:\uFEFF)?event: ?([\w.]+)[\r\n]/.exec(head) ??
      /"type"\s*:\s*"(response\.[\w.]+)"/.exec(head))?.[1] ?? null;
    if (!event.complete) return { type, id: null, usage: null };
    const id = /"id"\s*:\s*"([\w-]+)"/.exec(head)?.[1] ?? null;
    const usage = usageIn(decoder.decode(tail));
    head = "";
    tail = new Uint8Array(0);
    return { type, id, usage };
  };
}

function lastBytes(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.length >= TAIL_BYTES) return bytes.slice(-TAIL_BYTES);
  const kept = before.subarray(Math.max(0, before.length + bytes.length - TAIL_BYTES));
  const joined = new Uint8Array(kept.length + bytes.length);
  joined.set(kept);
  joined.set(bytes, kept.length);
  return joined;
}

/**
 * The last object under the name `usage` in a piece of JSON. None can be within a text, where the
 * quote after the name would be escaped.
 */
function usageIn(text: string): JsonObject | null {
  const names = [...text.matchAll(/"usage"\s*:\s*(?=\{)/g)];
  for (const name of names.toReversed()) {
    const start = name.index + name[0].length;
    const usage = objectOf(parseJson(text.slice(start, endOfObject(text, start))));
    if (typeof usage?.input_tokens === "number") return usage;
  }
  return null;
}

/** Where the object ends that starts here; it holds no text with braces if it is a usage. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  return text.length;
}
