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
import { type End, END_CODES, type Outcome } from "./ending.ts";
import type { Hold } from "./hold.ts";
import { inTime } from "./in_time.ts";

export type RelayOptions = {
  upstream: ReadableStream<Uint8Array>;
  meter: Meter;
  /** Usage was switched on for us alone. */
  withholdUsage: boolean;
  /** What a lost client means for this model at this provider. */
  abortPolicy: AbortPolicy;
  abortUpstream: () => void;
  hold: Hold | null;
  inputTokensEstimate: number;
  heartbeatMs: number;
  /** How long the answer may still take. */
  deadlineMs: number;
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
};

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");
const BLANK_LINE = encoder.encode("\n\n");
/** How long a provider may keep its connection open after its last event. */
const REST_MS = 1_000;

/** What is written around the cost comment when an answer ends. */
type Tail = { before: Uint8Array; after: Uint8Array };
const NO_TAIL: Tail = { before: NOTHING, after: NOTHING };

export function relay(options: RelayOptions): Relay {
  const { meter, hold } = options;
  const reader = options.upstream.getReader();
  const splitter = createEventSplitter();
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

  const heartbeat = setInterval(() => {
    const isIdle = options.now() - lastWriteMs >= options.heartbeatMs;
    if (isPulling && atBoundary && isIdle && concluding === undefined) write(KEEP_ALIVE);
  }, Math.max(250, options.heartbeatMs / 4));
  const deadline = setTimeout(() => void conclude("deadline", earlyEnd), options.deadlineMs);

  function write(bytes: Uint8Array): void {
    if (!hasClient || bytes.length === 0) return;
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
  function conclude(end: End, tail: () => Tail): Promise<void> {
    return concluding ??= (async () => {
      hold?.stop();
      try {
        // Nobody was there any more: the deadline only ended our reading on for the usage.
        const how = end === "deadline" && !hasClient ? "cancelled" : end;
        const settled = options.settle(meter.snapshot(), how, firstTokenMs);
        settled.then(markDone, markDone);
        if (end !== "complete") leaveUpstream();
        if (hasClient) {
          const { before, after } = tail();
          writeEvent(before);
          writeEvent(await costComment(settled, end));
          writeEvent(after);
        }
      } catch (error) {
        logError("Could not end an answer", { request_id: options.requestId, error });
        markDone();
      }
      clearInterval(heartbeat);
      clearTimeout(deadline);
      if (hasClient) controller.close();
    })();
  }

  async function costComment(settled: Promise<Outcome | null>, end: End): Promise<Uint8Array> {
    const outcome = await inTime(settled);
    const code = END_CODES[end];
    if (outcome === null && code === null) return NOTHING;
    // JSON escapes line breaks, so nothing in it can end the comment.
    const facts = JSON.stringify(
      { request_id: options.requestId, ...outcome, code },
      (_, value) => value ?? undefined,
    );
    return encoder.encode(`: farebox ${facts}\n\n`);
  }

  /** As the dialect ends an answer at a length limit. */
  function earlyEnd(): Tail {
    const { closing, terminal } = meter.earlyEnd();
    return { before: closing, after: terminal };
  }

  /** The provider broke off. What it delivered is charged; the client is told in its own terms. */
  function brokenOff(): Tail {
    const message = meter.snapshot().hasContent
      ? "The provider broke off. What was received is charged; ask again for the rest."
      : "The provider broke off before it answered. Nothing was charged; try again.";
    const error = { status: 502, code: "UPSTREAM_ERROR", message };
    return { before: NOTHING, after: options.errorEvent(error) };
  }

  /**
   * Closes the connection to the provider. The abort alone may not: a fetch of Deno 2.9 can lose its
   * signal once the headers are there, and the provider would go on, and bill.
   */
  function leaveUpstream(): void {
    options.abortUpstream();
    reader.cancel().catch(() => {});
  }

  /** A connection that is read to its end can be used again; but nobody waits for it long. */
  async function readRest(): Promise<void> {
    const timer = setTimeout(leaveUpstream, REST_MS);
    try {
      while (!(await reader.read()).done);
    } catch {
      // It was answered: how the connection ends is of no interest.
    }
    clearTimeout(timer);
  }

  async function pass(event: SplitEvent): Promise<void> {
    const kind = meter.fold(event);
    if (kind === "content") firstTokenMs ??= Math.round(options.now() - options.startedMs);
    if (kind === "usage_only" && options.withholdUsage) return;
    if (kind === "terminal") {
      await conclude("complete", () => ({ before: NOTHING, after: event.bytes }));
      void readRest();
      return;
    }
    write(event.bytes);
    atBoundary = event.complete;
  }

  async function endOfUpstream(): Promise<void> {
    const rest = splitter.flush();
    if (rest !== null) await pass(rest);
    const { finish, usage, error } = meter.snapshot();
    // Neither a last event nor any of what comes before one: it did not end, it stopped.
    const isBroken = finish === null && usage === null && error === null;
    await (isBroken ? conclude("upstream_error", brokenOff) : conclude("complete", () => NO_TAIL));
  }

  /** Reads one chunk and passes on what it completes. True when the client got something. */
  async function step(): Promise<boolean> {
    const before = writes;
    let chunk;
    try {
      chunk = await reader.read();
    } catch {
      await conclude("upstream_error", brokenOff);
      return true;
    }
    if (concluding !== undefined) return true;
    if (chunk.done) {
      await endOfUpstream();
      return true;
    }
    for (const event of splitter.push(chunk.value)) {
      await pass(event);
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
    if (hold.exceedsLimit(outputTokensEstimate)) return await conclude("output_limit", earlyEnd);
    const covered = hold.covers(outputTokensEstimate);
    if (covered !== true && !await covered) await conclude("insufficient_balance", earlyEnd);
  }

  /** Steps until the client has something, or, without a client, to the end. */
  async function run(): Promise<void> {
    isPulling = true;
    try {
      while (concluding === undefined && (!await step() || !hasClient));
    } catch (error) {
      logError("A relay failed by a bug", { request_id: options.requestId, error });
      await conclude("upstream_error", brokenOff);
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

  return { body, done };
}
