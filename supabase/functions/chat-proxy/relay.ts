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
  const reader = options.upstream.getReader();
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
    reader.cancel().catch(() => {});
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
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        writeAll(splitter.push(chunk.value));
      }
    } catch {
      // It was answered: how the connection ends is of no interest.
    }
    clearTimeout(timer);
    write(splitter.flush()?.bytes ?? NOTHING);
  }

  /** @param following what the provider sent with it. */
  async function pass(event: SplitEvent, following: () => readonly SplitEvent[]): Promise<void> {
    eventless.add(event);
    const kind = meter.fold(event);
    if (kind === "content") firstTokenMs ??= Math.round(options.now() - options.startedMs);
    if (kind === "usage_only" && options.withholdUsage) return;
    if (kind === "terminal") {
      const rest = () => passRest(following());
      await conclude("complete", () => ({ before: NOTHING, after: event.bytes, rest }));
      return;
    }
    write(event.bytes);
    atBoundary = event.complete;
  }

  async function endOfUpstream(): Promise<void> {
    const rest = splitter.flush();
    if (rest !== null) await pass(rest, () => []);
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

  /** Reads one chunk and passes on what it completes. True when the client got something. */
  async function step(): Promise<boolean> {
    const before = writes;
    let chunk;
    try {
      chunk = await reader.read();
    } catch {
      await breakOff();
      return true;
    }
    if (concluding !== undefined) return true;
    if (chunk.done) {
      await endOfUpstream();
      return true;
    }
    const events = splitter.push(chunk.value);
    for (const [index, event] of events.entries()) {
      await pass(event, () => events.slice(index + 1));
      if (concluding !== undefined) return true;
    }
    if (hold !== null) await keepCovered(hold);
    return writes !== before;
  }

  async function keepCovered(hold: Hold): Promise<void> {
    const { outputTokensEstimate, outputTokensUpper } = meter.snapshot();
    const inputTokens = options.inputTokensEstimate;
    // The bound itself is several times an ordinary text: it would hold too much of a balance.
    const atMost = Math.min(outputTokensUpper, outputTokensEstimate * 1.5);
    hold.progress({ inputTokens, outputTokens: outputTokensEstimate }, atMost);
    if (hold.exceedsLimit(outputTokensEstimate)) {
      return await conclude("output_limit", () => earlyEnd(meter));
    }
    const covered = hold.covers(outputTokensEstimate);
    if (covered !== true && !await covered) {
      const end = hold.refusedBy() === "spend_limit" ? "spend_limit" : "insufficient_balance";
      await conclude(end, () => earlyEnd(meter));
    }
  }

  /** Steps until the client has something, or, without a client, to the end. */
  async function run(): Promise<void> {
    isPulling = true;
    try {
      while (concluding === undefined && (!await step() || !hasClient));
    } catch (error) {
      logError("A relay failed by a bug", { request_id: options.requestId, error });
      await breakOff();
    }
    isPulling = false;
    await concluding;
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
