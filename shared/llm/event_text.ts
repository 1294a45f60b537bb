import type { JsonObject } from "./dialect.ts";
import type { EarlyEnd } from "./meter.ts";

/** Events as the proxy writes them itself: at an early end, and for an error in mid-stream. */

/** One server-sent event, as text. */
export function eventText(data: JsonObject, name?: string): string {
  const line = name === undefined ? "" : `event: ${name}\n`;
  return `${line}data: ${JSON.stringify(data)}\n\n`;
}

/** The end of a stream from its events; nothing where an answer has said itself how it ended. */
export function endOf(closing = "", terminal = ""): EarlyEnd {
  const encoder = new TextEncoder();
  return { closing: encoder.encode(closing), terminal: encoder.encode(terminal) };
}
