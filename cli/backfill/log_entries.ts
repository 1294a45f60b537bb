/**
 * The entries of a log, one after the other, whatever it was exported as: plain lines, JSON lines, one
 * JSON array, or CSV; packed with gzip or not. Nothing is held but the entry that is being read.
 */
import { BadArgument } from "../arguments.ts";
import { ENTRY_CHARS_MAX, readArray } from "./json_array.ts";
import { readCsv } from "./csv_rows.ts";
import type { LogEntry } from "./log_entry.ts";

/** What names the message, in exports that we have seen; and the time. */
const MESSAGE_FIELDS = ["event_message", "message", "msg", "log", "body"];
const TIME_FIELDS = ["timestamp", "time", "@timestamp", "ts", "date"];

/** Reads the entries of a log, in order. */
export async function* readLog(bytes: ReadableStream<Uint8Array>): AsyncGenerator<LogEntry> {
  const text = await textOf(bytes);
  const [head, whole] = await peek(text);
  if (/^\s*(\[\s*(\{|\]|$)|\{\s*"result"\s*:\s*\[)/.test(head)) {
    yield* readArray(whole, entryOf);
  } else if (isCsvHead(head)) {
    yield* readCsv(whole, MESSAGE_FIELDS, TIME_FIELDS);
  } else {
    for await (const { text, line } of readLines(whole)) yield entryOf(text, line);
  }
}

/** A line, or an object of JSON, as the entry that it is. */
function entryOf(text: string, line: number): LogEntry {
  const fields = text.trimStart().startsWith("{") ? readObject(text) : null;
  if (fields === null) return { text, time: null, line };
  const message = MESSAGE_FIELDS.map((name) => fields[name]).find((one) => typeof one === "string");
  const time = TIME_FIELDS.map((name) => fields[name])
    .find((one) => typeof one === "string" || typeof one === "number");
  return {
    text: typeof message === "string" ? message : text,
    time: typeof time === "string" || typeof time === "number" ? time : null,
    line,
  };
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isCsvHead(head: string): boolean {
  const names = (head.split(/\r?\n/, 1)[0] ?? "").split(",").map((name) =>
    name.trim().replace(/^"(.*)"$/, "$1")
  );
  return names.length > 1 && names.some((name) => MESSAGE_FIELDS.includes(name));
}

// ── Bytes to text to lines ──────────────────────────────────────────────────────────────────

async function textOf(bytes: ReadableStream<Uint8Array>): Promise<AsyncIterable<string>> {
  const reader = bytes.getReader();
  const first = (await reader.read()).value ?? new Uint8Array();
  const all = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(Uint8Array.from(first)),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(Uint8Array.from(value));
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const isGzip = first[0] === 0x1f && first[1] === 0x8b;
  // What a Windows shell writes when it is asked to keep a log.
  const isUtf16 = first[0] === 0xff && first[1] === 0xfe;
  const decoder = new TextDecoderStream(isUtf16 ? "utf-16le" : "utf-8");
  if (!isGzip) return all.pipeThrough(decoder).values();
  return unpacked(all.pipeThrough(new DecompressionStream("gzip")).pipeThrough(decoder));
}

async function* unpacked(text: ReadableStream<string>): AsyncGenerator<string> {
  try {
    yield* text.values();
  } catch (error) {
    throw new BadArgument(
      `Cannot unpack the log (${
        error instanceof Error ? error.message : error
      }): it is cut off or ` +
        "damaged. Get it anew; what can be unpacked, `gzip -dc` prints.",
    );
  }
}

const HEAD_CHARS = 4_096;

/** What it begins with, and all of it. */
async function peek(text: AsyncIterable<string>): Promise<[string, AsyncIterable<string>]> {
  const chunks = text[Symbol.asyncIterator]();
  let head = "";
  while (head.length < HEAD_CHARS) {
    const { done, value } = await chunks.next();
    if (done) break;
    head += value;
  }
  async function* whole() {
    yield head;
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return;
      yield value;
    }
  }
  return [head, whole()];
}

/** Lines without their ends; of a line that is too long, its beginning. */
async function* readLines(text: AsyncIterable<string>) {
  let line = 0;
  let rest = "";
  for await (const chunk of text) {
    let from = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", from)) {
      line++;
      yield { text: clip(rest + chunk.slice(from, end)), line };
      rest = "";
      from = end + 1;
    }
    rest = clip(rest + chunk.slice(from));
  }
  if (rest !== "") yield { text: rest, line: line + 1 };
}

function clip(text: string): string {
  return text.length <= ENTRY_CHARS_MAX ? text : text.slice(0, ENTRY_CHARS_MAX);
}
