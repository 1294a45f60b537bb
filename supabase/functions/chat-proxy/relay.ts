/**
 * The answer's way to the client: bytes as they came, a copy for the meter, one owner of every way
 * that it can end.
 *
 * The relay reads only when the client does, so nothing piles up, and what was read is what was
 * delivered, give or take a chunk. It passes on whole events, so that a heartbeat can stand between
 * any two.
 */
import type { Meter, MeterSnapshot } from "../../../shared/llm/meter.ts";
import type { DialectError } from "../../../shared/llm/dialect.ts";
import type { AbortPolicy } from "../../../shared/llm/providers.ts";
import { createEventSplitter, type SplitEvent } from "../../../shared/llm/sse_events.ts";
import type { Hold } from "./hold.ts";
import { inTime } from "./in_time.ts";
import type { Outcome } from "./settlement.ts";

/** How an answer ended. `complete` is the only one that the provider chose. */
export type End =
  | "complete"
  | "upstream_error"
  | "cancelled"
  | "deadline"
  | "insufficient_balance";

export type RelayOptions = {
  upstream: ReadableStream<Uint8Array>;
  meter: Meter;
  /** Usage was switched on for us alone. */
  withholdUsage: boolean;
  /** What a lost client means for this provider. */
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
  /** Settled, or given up on: for `waitUntil`. Never rejects by the client's doing. */
  done: Promise<unknown>;
};

const KEEP_ALIVE = new TextEncoder().encode(": keep-alive\n\n");
const encoder = new TextEncoder();

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
  let isEnded = false;
  /** True once we end the answer ourselves: what still comes from upstream is none of it. */
  let isEnding = false;
  let lastWriteMs = options.now();
  let firstTokenMs: number | null = null;
  let settling: Promise<Outcome | null> | undefined;
  let markDone!: () => void;
  const drained = new Promise<void>((resolve) => markDone = resolve);

  const heartbeat = setInterval(() => {
    const idleMs = options.now() - lastWriteMs;
    if (isPulling && atBoundary && idleMs >= options.heartbeatMs) {
      write(KEEP_ALIVE);
    }
  }, Math.max(250, options.heartbeatMs / 4));
  const deadline = setTimeout(
    () => void endEarly("deadline"),
    options.deadlineMs,
  );

  function write(bytes: Uint8Array): void {
    if (!hasClient || isEnded || bytes.length === 0) return;
    controller.enqueue(bytes);
    lastWriteMs = options.now();
    writes++;
  }

  /** Settles by what has been seen; the first caller says how it ended. */
  function settle(end: End): Promise<Outcome | null> {
    hold?.stop();
    return settling ??= options.settle(meter.snapshot(), end, firstTokenMs);
  }

  /** Ends everything, in whatever state it is. */
  function finish(): void {
    if (isEnded) return;
    isEnded = true;
    clearInterval(heartbeat);
    clearTimeout(deadline);
    if (hasClient) controller.close();
    markDone();
  }

  /**
   * Closes the connection to the provider. The abort alone may not: a fetch of Deno 2.9 can lose its
   * signal once the headers are there, and the provider would go on, and bill.
   */
  function leaveUpstream(): void {
    options.abortUpstream();
    reader.cancel().catch(() => {});
  }

  async function costComment(
    settled: Promise<Outcome | null>,
    end: End,
  ): Promise<Uint8Array> {
    const outcome = await inTime(settled);
    const code = END_CODES[end];
    if (outcome === null && code === null) return new Uint8Array(0);
    // JSON escapes line breaks, so nothing in it can end the comment.
    const facts = JSON.stringify(
      { request_id: options.requestId, ...outcome, code },
      (_, value) => value ?? undefined,
    );
    return encoder.encode(`: farebox ${facts}\n\n`);
  }

  /** We end the answer, as the dialect ends one at a length limit. */
  async function endEarly(
    end: "deadline" | "insufficient_balance",
  ): Promise<void> {
    if (isEnded || settling !== undefined) return;
    isEnding = true;
    const settled = settle(end);
    leaveUpstream();
    if (hasClient) {
      const { closing, terminal } = meter.earlyEnd();
      if (!atBoundary) write(encoder.encode("\n\n"));
      write(closing);
      write(await costComment(settled, end));
      write(terminal);
    }
    finish();
  }

  async function endOfUpstream(): Promise<void> {
    const rest = splitter.flush();
    if (rest !== null) await pass(rest);
    if (settling === undefined) {
      const { finish: reason, hasContent } = meter.snapshot();
      if (reason === null && hasContent) return await breakOff();
      write(await costComment(settle("complete"), "complete"));
    }
    finish();
  }

  /** The provider broke off. What it delivered is charged; the client is told in its own terms. */
  async function breakOff(): Promise<void> {
    if (isEnded || settling !== undefined) return finish();
    const settled = settle("upstream_error");
    if (!atBoundary) write(encoder.encode("\n\n"));
    write(await costComment(settled, "upstream_error"));
    write(options.errorEvent({
      status: 502,
      code: "UPSTREAM_ERROR",
      message: meter.snapshot().hasContent
        ? "The provider broke off. What was received is charged; ask again for the rest."
        : "The provider broke off before it answered. Nothing was charged; try again.",
    }));
    finish();
  }

  async function pass(event: SplitEvent): Promise<void> {
    const kind = meter.fold(event);
    if (kind === "content") {
      firstTokenMs ??= Math.round(options.now() - options.startedMs);
    }
    if (kind === "usage_only" && options.withholdUsage) return;
    if (kind === "terminal" && settling === undefined) {
      write(await costComment(settle("complete"), "complete"));
    }
    if (isEnded) return;
    write(event.bytes);
    atBoundary = event.complete;
  }

  /** Reads one chunk and passes on what it completes. True when the client got something. */
  async function step(): Promise<boolean> {
    let chunk;
    try {
      chunk = await reader.read();
    } catch {
      if (!isEnding) await breakOff();
      return true;
    }
    if (isEnded || isEnding) return true;
    if (chunk.done) {
      await endOfUpstream();
      return true;
    }
    const before = writes;
    for (const event of splitter.push(chunk.value)) {
      await pass(event);
      if (isEnded) return true;
    }
    if (hold !== null && settling === undefined) await keepCovered(hold);
    return writes !== before;
  }

  async function keepCovered(hold: Hold): Promise<void> {
    const outputTokens = meter.snapshot().outputTokensEstimate;
    hold.progress({ inputTokens: options.inputTokensEstimate, outputTokens });
    const covered = hold.covers(outputTokens);
    if (covered !== true && !await covered) {
      await endEarly("insufficient_balance");
    }
  }

  /** Nobody reads any more, but the provider bills to the end: read on to its usage. */
  async function drain(): Promise<void> {
    while (!isEnded) await step();
  }

  const body = new ReadableStream<Uint8Array>({
    start(c) {
      controller = c;
    },
    async pull() {
      isPulling = true;
      // Without a client there is nothing to wait for: then this pull is the drain.
      while (!isEnded && (!await step() || !hasClient));
      isPulling = false;
    },
    async cancel() {
      hasClient = false;
      if (isEnded) return;
      if (options.abortPolicy === "drain" && settling === undefined) {
        // A pull under way reads on by itself.
        if (!isPulling) void drain();
        return;
      }
      settle("cancelled");
      leaveUpstream();
      finish();
      await settling;
    },
  }, { highWaterMark: 0 });

  return { body, done: drained.then(() => settling) };
}

/** What the trailing comment says of an end that the reader may not expect. */
const END_CODES: Record<End, string | null> = {
  complete: null,
  cancelled: null,
  upstream_error: "UPSTREAM_ERROR",
  deadline: "DEADLINE_REACHED",
  insufficient_balance: "INSUFFICIENT_BALANCE",
};
