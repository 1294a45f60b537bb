/**
 * The answer's way to the client: bytes as they came, a copy for the meter, one owner of every way
 * that it can end.
 *
 * The relay reads only when the client does, so nothing piles up, and what was read is what was
 * delivered, give or take a chunk. It passes on whole events, so that a heartbeat can stand between
 * any two.
 */
import { logError } from "../../../shared/edge/log.ts";
import type { Meter, MeterSnapshot } from "../../../shared/llm/meter.ts";
import type { DialectError } from "../../../shared/llm/dialect.ts";
import type { AbortPolicy } from "../../../shared/llm/providers.ts";
import { createEventSplitter, type SplitEvent } from "../../../shared/llm/sse_events.ts";
import type { Capture } from "./capture.ts";
import { chunksOf } from "./chunks_of.ts";
import type { End, Outcome } from "./ending.ts";
import { createEventless } from "./eventless.ts";
import type { Hold } from "./hold.ts";
import type { Written } from "./history.ts";
import { inTime } from "./in_time.ts";
import { brokenOff, costComment, earlyEnd, NO_TAIL, type Tail } from "./tail.ts";

export type RelayOptions = {
  upstream: ReadableStream<Uint8Array>;
  meter: Meter;
  /** Meters what turns out to be a whole answer after all: JSON that no content type has told. */
  meterWhole: (bytes: Uint8Array) => MeterSnapshot;
  /** Usage was switched on for us alone. */
  withholdUsage: boolean;
  /** What a lost client means for this model at this provider. */
  abortPolicy: AbortPolicy;
  abortUpstream: () => void;
  hold: Hold | null;
  /** False where tools run at the provider: each of their rounds may have as much output. */
  endsAtLimit: boolean;
  inputTokensEstimate: number;
  heartbeatMs: number;
  /** How long the answer may still take. */
  deadlineMs: number;
  /** Gets a copy of what the client is given; null where nobody keeps it. */
  capture: Pick<Capture, "add"> | null;
  /** Settles, once; `null` when that could not be done. */
  settle: (
    snapshot: MeterSnapshot,
    end: End,
    firstTokenMs: number | null,
  ) => Promise<Outcome | null>;
  requestId: string;
  startedMs: number;
  now: () => number;
  /** The error as the last event of a stream, in the dialect's form. */
  errorEvent: (error: DialectError) => Uint8Array;
};

export type Relay = {
  body: ReadableStream<Uint8Array>;
  /** Settled, or given up on: for `waitUntil`. Never rejects. */
  done: Promise<void>;
  /** Resolves after the last byte, with how the answer came out. Never rejects. */
  written: Promise<Written>;
};

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");
const BLANK_LINE = encoder.encode("\n\n");
/** How long a provider may keep its connection open after its last event. */
const REST_MS = 1_000;

export function relay(options: RelayOptions): Relay {
  const { meter, hold } = options;
  const chunks = chunksOf(options.upstream);
  /** Length of the last chunk. */
  let lastBytes = 0;
  const splitter = createEventSplitter();
  const eventless = createEventless();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  /** True while the client waits for more: only then is a heartbeat of use. */
  let isPulling = false;
  /** How often something was written; tells `pull` whether it has done its duty. */
  let writes = 0;
  /** True while the bytes written end where an event ends. */
  let atBoundary = true;
  let hasClient = true;
  let lastWriteMs = options.now();
  let firstTokenMs: number | null = null;
  /** Set once the end has begun: what still comes from upstream is none of the answer. */
  let concluding: Promise<void> | undefined;
  let markDone!: () => void;
  const done = new Promise<void>((resolve) => markDone = resolve);
  const { promise: written, resolve: markWritten } = Promise.withResolvers<Written>();

  const heartbeat = setInterval(() => {
    const isIdle = options.now() - lastWriteMs >= options.heartbeatMs;
    if (isPulling && atBoundary && isIdle && concluding === undefined) write(KEEP_ALIVE);
  }, Math.max(250, options.heartbeatMs / 4));
  const deadline = setTimeout(
    () => void conclude("deadline", () => earlyEnd(meter)),
    options.deadlineMs,
  );

  function write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Of an answer that is read on without its client, the copy is whole all the same.
    if (bytes !== KEEP_ALIVE) options.capture?.add(bytes);
    if (!hasClient) return;
    controller.enqueue(bytes);
    lastWriteMs = options.now();
    writes++;
  }

  /** Writes what is an event of its own, whatever the last bytes were. */
  function writeEvent(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (!atBoundary) write(BLANK_LINE);
    atBoundary = true;
    write(bytes);
  }

  /**
   * The one way out. Whoever comes first says how the answer ended; it is settled by what has been
   * seen by then, the client is told, and everything is closed. Never rejects.
   */
  function conclude(end: End, tail: () => Tail, whole?: MeterSnapshot): Promise<void> {
    return concluding ??= (async () => {
      hold?.stop();
      // Nobody was there any more: the deadline only ended our reading on for the usage.
      const how = end === "deadline" && !hasClient ? "cancelled" : end;
      const snapshot = whole ?? meter.snapshot();
      try {
        const settled = options.settle(snapshot, how, firstTokenMs);
        settled.then(markDone, markDone);
        if (end !== "complete") leaveUpstream();
        const { before, after, rest } = tail();
        if (hasClient || (options.capture !== null && end === "complete")) {
          writeEvent(before);
          const outcome = await inTime(settled);
          // After JSON a comment would be no comment.
          if (!whole) writeEvent(costComment(options.requestId, outcome, end));
          writeEvent(after);
        }
        await rest?.();
      } catch (error) {
        logError("Could not end an answer", { request_id: options.requestId, error });
        markDone();
      }
      clearInterval(heartbeat);
      clearTimeout(deadline);
      if (hasClient) controller.close();
      markWritten({ end: how, snapshot });
    })();
  }

  const breakOff = () => conclude("upstream_error", () => brokenOff(meter, options.errorEvent));

  /**
   * Closes the connection to the provider. The abort alone may not: a fetch of Deno 2.9 can lose its
   * signal once the headers are there, and the provider would go on, and bill.
   */
  function leaveUpstream(): void {
    options.abortUpstream();
    chunks.cancel().catch(() => {});
  }

  /**
   * What a provider sends after its last event, such as OpenRouter's `[DONE]` after `message_stop`, is
   * passed on as well; but nobody waits for it long. A connection that is read to its end can be
   * used again.
   */
  async function passRest(events: readonly SplitEvent[]): Promise<void> {
    const timer = setTimeout(leaveUpstream, REST_MS);
    const writeAll = (rest: readonly SplitEvent[]) => rest.forEach(({ bytes }) => write(bytes));
    writeAll(events);
    try {
      const read = () => chunks.read(lastBytes);
      for (let chunk = await read(); !chunk.done; chunk = await read()) {
        writeAll(splitter.push(chunk.value));
      }
    } catch {
      // It was answered: how the connection ends is of no interest.
    }
    clearTimeout(timer);
    write(splitter.flush()?.bytes ?? NOTHING);
  }

  /**
   * Passes on what one chunk has completed, in as few pieces as it can: events side by side go as
   * the piece of the chunk that they are. Where one of them is the last, the answer is concluded.
   */
  function passAll(events: readonly SplitEvent[]): void {
    let piece: Uint8Array = NOTHING;
    for (const event of events) {
      eventless.add(event);
      const kind = meter.fold(event);
      if (kind === "content") firstTokenMs ??= Math.round(options.now() - options.startedMs);
      if (kind === "usage_only" && options.withholdUsage) continue;
      if (kind === "terminal") {
        write(piece);
        const rest = () => passRest(events.slice(events.indexOf(event) + 1));
        void conclude("complete", () => ({ before: NOTHING, after: event.bytes, rest }));
        return;
      }
      const joined = joinedViews(piece, event.bytes);
      if (joined === null) write(piece);
      piece = joined ?? event.bytes;
      atBoundary = event.complete;
    }
    write(piece);
  }

  async function endOfUpstream(): Promise<void> {
    const rest = splitter.flush();
    if (rest !== null) passAll([rest]);
    if (concluding !== undefined) return await concluding;
    const bytes = eventless.bytes();
    const whole = bytes && options.meterWhole(bytes);
    if (whole && (whole.usage !== null || whole.hasContent)) {
      return await conclude("complete", () => NO_TAIL, whole);
    }
    const { finish, usage, error } = meter.snapshot();
    // Neither a last event nor any of what comes before one: it did not end, it stopped.
    const isBroken = finish === null && usage === null && error === null;
    await (isBroken ? breakOff() : conclude("complete", () => NO_TAIL));
  }

  /** Stops an answer that the reservation no longer covers, or that ignores its limit. */
  function keepCovered(hold: Hold): void | Promise<void> {
    const outputTokens = meter.outputTokensEstimate();
    // The bound itself is several times an ordinary text: it would hold too much of a balance.
    const atMost = Math.min(meter.outputTokensUpper(), outputTokens * 1.5);
    hold.progress({ inputTokens: options.inputTokensEstimate, outputTokens }, atMost);
    if (hold.exceedsLimit(outputTokens)) return conclude("output_limit", () => earlyEnd(meter));
    const covered = hold.covers(outputTokens);
    if (covered !== true) return refuseUnless(covered, hold);
  }

  async function refuseUnless(covered: boolean | Promise<boolean>, hold: Hold): Promise<void> {
    if (await covered) return;
    const end = hold.refusedBy() === "spend_limit" ? "spend_limit" : "insufficient_balance";
    await conclude(end, () => earlyEnd(meter));
  }

  /**
   * Reads until the client has something, or, without a client, to the end. All that a chunk needs
   * is done within one turn: each further `await` a chunk would be felt in the CPU of long answers.
   */
  async function run(): Promise<void> {
    isPulling = true;
    try {
      while (concluding === undefined) {
        const before = writes;
        let chunk;
        try {
          chunk = await chunks.read(lastBytes);
        } catch {
          await breakOff();
          break;
        }
        if (concluding !== undefined) break;
        if (chunk.done) {
          await endOfUpstream();
          break;
        }
        lastBytes = chunk.value.length;
        passAll(splitter.push(chunk.value));
        if (concluding !== undefined) break;
        const covering = hold === null ? undefined : keepCovered(hold);
        if (covering !== undefined) await covering;
        if (writes !== before && hasClient) break;
      }
    } catch (error) {
      logError("A relay failed by a bug", { request_id: options.requestId, error });
      await breakOff();
    }
    isPulling = false;
    if (concluding !== undefined) await concluding;
  }

  const body = new ReadableStream<Uint8Array>({
    start(c) {
      controller = c;
    },
    pull: run,
    async cancel() {
      hasClient = false;
      if (concluding !== undefined) return;
      // After the finish only the usage is still to come: whoever hangs up there has read it all.
      if (options.abortPolicy === "drain" || meter.snapshot().finish !== null) {
        // A pull under way reads on by itself.
        if (!isPulling) void run();
        return;
      }
      await conclude("cancelled", () => NO_TAIL);
    },
  }, { highWaterMark: 0 });

  return { body, done, written };
}

/** Two views as one, where the second begins in their buffer at the end of the first; else `null`. */
function joinedViews(first: Uint8Array, second: Uint8Array): Uint8Array | null {
  if (first.buffer !== second.buffer) return null;
  if (first.byteOffset + first.byteLength !== second.byteOffset) return null;
  const length = first.byteLength + second.byteLength;
  return new Uint8Array(first.buffer, first.byteOffset, length);
}
