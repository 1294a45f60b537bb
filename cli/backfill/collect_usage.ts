/** What a whole log says was used: each request once, kept in a file, as there may be millions. */
import { createHash } from "node:crypto";
import { BadArgument } from "../arguments.ts";
import { type Progress, startProgress } from "../progress.ts";
import { readLog } from "./log_entries.ts";
import { type LoggedUsage, type ReadOptions, readUsage } from "./usage_line.ts";

export interface Unreadable {
  readonly line: number;
  readonly reason: string;
  readonly requestId: string | null;
}

export interface Collected {
  /** Entries of the log, whatever they are about. */
  readonly entries: number;
  /** Requests that it says the usage of. */
  readonly requests: number;
  /** Entries that say again what an earlier one has said. */
  readonly repeats: number;
  readonly ignored: number;
  /** The first of them. */
  readonly unreadable: readonly Unreadable[];
  readonly unreadableCount: number;
  /** Usage that counts, with the line that it is from, in the order of the log. */
  usages(): AsyncGenerator<{ usage: LoggedUsage; line: number }>;
  /** Forgets the usages. */
  discard(): Promise<void>;
}

/** More than anybody reads. */
const UNREADABLE_TOLD = 1_000;

/**
 * Reads a log from beginning to end.
 *
 * Of several lines of a request the first counts: its worker writes what it settles with, and writes
 * the same each time it cannot. A line that says otherwise is no line of ours, and is unreadable.
 *
 * @throws BadArgument where there is no such file.
 */
export async function collectUsage(path: string, options: ReadOptions): Promise<Collected> {
  const { bytes, progress } = await open(path);
  const spoolPath = await Deno.makeTempFile({ prefix: "farebox-backfill-" });
  const discard = () => Deno.remove(spoolPath);
  try {
    using spool = await Deno.open(spoolPath, { append: true });
    const writer = spool.writable.getWriter();
    const encoder = new TextEncoder();
    const counts = { entries: 0, repeats: 0, ignored: 0 };
    /** By request: the line that counts, and a hash of what it says. */
    const seen = new Map<string, string>();
    const unreadable: Unreadable[] = [];
    for await (const entry of readLog(bytes)) {
      counts.entries++;
      const reading = readUsage(entry, options);
      if (reading.kind === "ignored") counts.ignored++;
      else if (reading.kind === "unreadable") unreadable.push({ ...reading, line: entry.line });
      else {
        const { usage } = reading;
        const hash = hashOf(usage);
        const [line, before] = seen.get(usage.request_id)?.split(" ") ?? [];
        if (before === undefined) {
          seen.set(usage.request_id, `${entry.line} ${hash}`);
          await writer.write(encoder.encode(`${JSON.stringify({ usage, line: entry.line })}\n`));
        } else if (before === hash) counts.repeats++;
        else {
          unreadable.push({
            line: entry.line,
            reason: `it says other usage than line ${line} of the same request`,
            requestId: null,
          });
        }
      }
    }
    await writer.close();
    // What is cut in one line and whole in another is not missing.
    const missing = unreadable.filter(({ requestId }) =>
      requestId === null || !seen.has(requestId)
    );
    return {
      ...counts,
      repeats: counts.repeats + unreadable.length - missing.length,
      requests: seen.size,
      unreadable: missing.slice(0, UNREADABLE_TOLD),
      unreadableCount: missing.length,
      usages: () => readSpool(spoolPath),
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  } finally {
    progress?.stop();
  }
}

/** What two lines of a request must have in common to be the same. */
function hashOf(usage: LoggedUsage): string {
  const { user_id, model, tokens, basis, media, web_searches, other_models } = usage;
  const said = [user_id, model, tokens, basis, media, web_searches, other_models];
  return createHash("sha1").update(JSON.stringify(said)).digest("base64").slice(0, 16);
}

async function* readSpool(path: string) {
  using file = await Deno.open(path);
  let rest = "";
  for await (const chunk of file.readable.pipeThrough(new TextDecoderStream()).values()) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as { usage: LoggedUsage; line: number };
  }
}

// ── The log ─────────────────────────────────────────────────────────────────────────────────

const MEGABYTE = 1_000_000;

/** A file, with a bar of its megabytes; `-` is what comes in, of which nobody knows the end. */
async function open(
  path: string,
): Promise<{ bytes: ReadableStream<Uint8Array>; progress: Progress | null }> {
  if (path === "-") return { bytes: Deno.stdin.readable, progress: null };
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "there is no such file" : `${error}`;
    throw new BadArgument(`Cannot read the log ${path}: ${reason}.`);
  }
  const { size, isDirectory } = await file.stat();
  if (isDirectory) {
    file.close();
    throw new BadArgument(`Cannot read the log ${path}: it is a folder; name a file in it.`);
  }
  const progress = startProgress(Math.ceil(size / MEGABYTE), "MB");
  let read = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      read += chunk.length;
      progress.at(Math.round(read / MEGABYTE));
      controller.enqueue(chunk);
    },
  });
  return { bytes: file.readable.pipeThrough(counted), progress };
}
