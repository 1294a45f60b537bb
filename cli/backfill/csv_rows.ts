/** Rows of a CSV export. */
import { Readable } from "node:stream";
// @ts-types="@types/papaparse"
import papaparse from "papaparse";
import type { LogEntry } from "./log_entry.ts";

/**
 * The rows below the head, each as an entry.
 * @param messageFields, timeFields names of columns, the first that there is counts.
 */
export async function* readCsv(
  text: AsyncIterable<string>,
  messageFields: readonly string[],
  timeFields: readonly string[],
): AsyncGenerator<LogEntry> {
  const rows = Readable.from(text).pipe(
    papaparse.parse(papaparse.NODE_STREAM_INPUT, { skipEmptyLines: true }),
  );
  let message = -1;
  let time = -1;
  let line = 0;
  for await (const row of rows as AsyncIterable<string[]>) {
    if (++line === 1) {
      message = firstOf(messageFields, row);
      time = firstOf(timeFields, row);
      continue;
    }
    yield { text: row[message] ?? "", time: row[time] || null, line };
  }
}

function firstOf(names: readonly string[], head: readonly string[]): number {
  return names.map((name) => head.indexOf(name)).find((index) => index !== -1) ?? -1;
}
