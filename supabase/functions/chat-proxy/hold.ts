/**
 * The live end of a reservation: keeps it from expiring, carries the checkpoint, takes the next
 * slice before the last one is used up.
 */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import { logWarning } from "../../../shared/edge/log.ts";

/** What was delivered so far, by the meter's fair estimate. */
export type Checkpoint = { inputTokens: number; outputTokens: number };

export type RefusedBy = "balance" | "spend_limit";

export interface Hold {
  /**
   * Tells what was delivered so far, and what it may be at most. Asks for the next slice when the last
   * one nears its end, judged by that: too early holds a little more, too late stops the reader.
   */
  progress(checkpoint: Checkpoint, outputTokensAtMost: number): void;
  /**
   * Whether the answer may go on: at once while the reservation covers it, else as soon as the
   * ledger has answered. `false`: the next slice was refused, and this one is used up.
   */
  covers(outputTokens: number): boolean | Promise<boolean>;
  /** What refused the next slice: the balance, or the day's limit. Null: nothing did. */
  refusedBy(): RefusedBy | null;
  /** Whether the provider ignores the limit that it was sent, beyond what an estimate may err. */
  exceedsLimit(outputTokens: number): boolean;
  /** No more checkpoints: the end has come. */
  stop(): void;
}

export type HoldOptions = {
  ledger: Pick<Ledger, "extend">;
  reservation: Reservation;
  heartbeatMs: number;
};

/** A slice is asked for when this much of the last one is used: in time, and not much too early. */
const NEAR = 0.75;
/**
 * How long after one another the first checkpoints come: soon, so that a crash of a young stream
 * loses seconds and not all.
 */
const FIRST_CHECKPOINTS_MS = [1_000, 3_000, 7_000];
/** Of an isolate that is told to end: how far its checkpoints may lie apart. */
const LAST_CHECKPOINTS_MS = 1_000;
/** More than any model has; the ledger takes a 32-bit number. */
const OUTPUT_TOKENS_MAX = 100_000_000;

/** What writes the checkpoint of each hold that is alive in this isolate. */
const alive = new Set<() => void>();
let isEnding = false;

/**
 * The platform ends this isolate soon (`beforeunload`), and with it whatever streams: each writes its
 * checkpoint now, and again every second as long as it lives. What is cut is charged for that.
 */
export function hurryCheckpoints(): void {
  isEnding = true;
  for (const write of alive) write();
}

/** Starts keeping a reservation alive. Call `stop` at the end, whatever the end is. */
export function createHold(
  { ledger, reservation, heartbeatMs }: HoldOptions,
): Hold {
  const requestId = reservation.request_id;
  const slice = reservation.output_tokens_reserved;
  const limit = reservation.output_tokens_limit ?? Infinity;
  let reserved = reservation.output_tokens_reserved;
  let latest: Checkpoint = { inputTokens: 0, outputTokens: 0 };
  /** Set once a slice was refused: the rest of the reservation is all there is. */
  let refusedBy: RefusedBy | null = null;
  let stopped = false;
  let extending: Promise<void> | undefined;
  let beats = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const extend = (total: number): Promise<void> =>
    extending ??= ledger.extend({
      requestId,
      outputTokensTotal: total,
      inputTokens: latest.inputTokens,
      outputTokens: latest.outputTokens,
    }).then((result) => {
      if (isRefusal(result) || result.state === "closed") {
        // Swept during an outage. That is no word about the balance: the answer goes on to the limit
        // that was affordable when it began, and the late settle corrects the charge.
        logWarning("Could not extend a reservation", { request_id: requestId, ...result });
        reserved = Infinity;
        return;
      }
      reserved = Math.max(reserved, result.output_tokens_reserved);
      if (result.state === "refused") refusedBy ??= result.refused_by ?? "balance";
    }, (error: unknown) => {
      // The ledger is away: the same holds.
      logWarning("Could not reach the ledger to extend a reservation", {
        request_id: requestId,
        error,
      });
      reserved = Math.max(reserved, total);
    }).finally(() => extending = undefined);

  const beat = () => {
    if (stopped) return;
    void extend(Math.min(reserved, OUTPUT_TOKENS_MAX));
    schedule();
  };
  const schedule = () => {
    const after = Math.min(
      FIRST_CHECKPOINTS_MS[beats++] ?? heartbeatMs,
      heartbeatMs,
      isEnding ? LAST_CHECKPOINTS_MS : Infinity,
    );
    clearTimeout(timer);
    timer = setTimeout(beat, after);
  };
  schedule();
  alive.add(beat);

  return {
    progress(checkpoint, outputTokensAtMost) {
      latest = checkpoint;
      const isNear = outputTokensAtMost >= reserved - slice * (1 - NEAR);
      if (
        isNear && refusedBy === null && !stopped && reserved < limit &&
        extending === undefined
      ) {
        void extend(reserved + slice);
      }
    },
    covers(outputTokens) {
      if (outputTokens < reserved || reserved >= limit) return true;
      if (refusedBy !== null) return false;
      return (async () => {
        // A heartbeat may be under way: it asks for no slice, so one more question can be needed.
        await extending;
        if (outputTokens >= reserved && refusedBy === null && reserved < limit) {
          // One event can be longer than a slice, such as a tool call that comes whole.
          await extend(Math.max(reserved, outputTokens) + slice);
        }
        return outputTokens < reserved || reserved >= limit;
      })();
    },
    refusedBy: () => refusedBy,
    exceedsLimit: (outputTokens) => outputTokens > limit * 1.5 + 100,
    stop() {
      stopped = true;
      alive.delete(beat);
      clearTimeout(timer);
    },
  };
}
