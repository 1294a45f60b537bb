/** What a killed worker may cost, and nobody else: a request is excused by a kill that it lived through. */
import type { Attempt } from "./chaos_upstream.ts";
import type { Heartbeat } from "./chaos_platform.ts";
import type { Seen } from "./load.ts";
import { CHARACTERS_PER_TOKEN } from "./wire.ts";

/**
 * An answer that has ended is in the ledger or in the log a second later: who is killed after that
 * takes nothing along. The rest is for a machine that is too busy to run its timers.
 */
const NOTED_AFTER_MS = 4_000;
/** What a worker has sent is with its provider, which may be too busy to look, also if it dies then. */
const ARRIVES_AFTER_MS = 1_000;
/** How long a request may wait for its reservation, and be at no provider yet. */
const ASKED_BEFORE_MS = 4_000;
/** A heartbeat a second, and twice as much again for a busy machine. */
const HEARTBEAT_MS = 3_000;
/** What was read and had not been counted yet when a heartbeat was sent. */
const COUNTED_AFTER_MS = 500;

/**
 * When the worker of a request died with it; undefined where it cannot have. Of a reader that got no
 * answer it is not known when they asked: the worker lived when it made the first attempt.
 */
export function killOf(
  one: Seen | undefined,
  attempts: readonly Attempt[],
  kills: readonly number[],
): number | undefined {
  const startMs = one?.startMs ?? (attempts[0]?.atMs ?? 0) - ARRIVES_AFTER_MS;
  const endMs = Math.max(one?.endMs ?? 0, attempts.at(-1)?.lastMs ?? 0, startMs);
  return kills.find((at) => at >= startMs && at <= endMs + NOTED_AFTER_MS);
}

/**
 * Whether a reader was cut off from a worker that lived on: not one that has read all of it. Of one
 * that got no answer it is not known when they asked: some time before the first attempt.
 */
export function wasCutOff(
  one: Seen | undefined,
  attempts: readonly Attempt[],
  cutOffs: readonly number[],
): boolean {
  if (one !== undefined) {
    return !one.isWhole && cutOffs.some((at) => at >= one.startMs && at <= one.endMs);
  }
  const startMs = (attempts[0]?.atMs ?? 0) - ASKED_BEFORE_MS;
  const endMs = attempts.at(-1)?.lastMs ?? startMs;
  return cutOffs.some((at) => at >= startMs && at <= endMs + NOTED_AFTER_MS);
}

/** Tokens of the last checkpoint that is in the ledger: what was swept is charged for no less. */
export function checkpointOf(heartbeats: readonly Heartbeat[]): number {
  return Math.max(
    0,
    ...heartbeats.filter(({ isDone }) => isDone).map(({ outputTokens }) => outputTokens),
  );
}

/**
 * Whether a worker told what it had delivered in time: each heartbeat, until one was not answered, of
 * what its reader had by then, and the next soon.
 */
export function toldInTime(
  one: Seen,
  killedAt: number,
  heartbeats: readonly Heartbeat[],
): boolean {
  // The last ones end with the answer: from then on it is being settled.
  const lastBeatMs = Math.min(killedAt, one.endMs) - HEARTBEAT_MS;
  // One that hangs keeps back those after it; one that is answered later leaves no time for a next.
  const waiting = heartbeats.find(({ answeredMs }) => (answeredMs ?? Infinity) >= lastBeatMs);
  const latest = Math.min(waiting?.sentMs ?? Infinity, lastBeatMs);
  const read = one.arrivals.findLast(({ atMs }) => atMs <= latest - COUNTED_AFTER_MS);
  const told = Math.max(0, ...heartbeats.map(({ outputTokens }) => outputTokens));
  return told >= tokensAtLeast(read?.characters ?? 0);
}

/** No estimate of a text may be below this: half of what it is. */
export function tokensAtLeast(characters: number): number {
  return Math.floor(characters / CHARACTERS_PER_TOKEN / 2);
}
