/** What a killed worker may cost, and nobody else: a request is excused by a kill that it lived through. */
import type { Attempt } from "./chaos_upstream.ts";
import type { Disturbances } from "./disturbances.ts";
import type { Seen } from "./load.ts";
import { CHARACTERS_PER_TOKEN } from "./wire.ts";

/**
 * An answer that has ended is in the ledger or in the log a second later: who is killed after that
 * takes nothing along. The rest is for a machine that is too busy to run its timers.
 */
const NOTED_AFTER_MS = 4_000;
/** A checkpoint a second, and as much again for a busy machine. */
const CHECKPOINT_EVERY_MS = 2_000;
/** What was read and had not been counted yet when a checkpoint was written. */
const COUNTED_AFTER_MS = 500;

/** When the worker of a request died with it; undefined where it cannot have. */
export function killOf(
  one: Seen | undefined,
  attempts: readonly Attempt[],
  kills: readonly number[],
): number | undefined {
  const startMs = one?.startMs ?? attempts[0]?.atMs ?? 0;
  const endMs = Math.max(one?.endMs ?? 0, attempts.at(-1)?.lastMs ?? 0, startMs);
  return kills.find((at) => at >= startMs && at <= endMs + NOTED_AFTER_MS);
}

/**
 * Tokens that the last checkpoint before a kill has to know of, at the least: one of a time in which the
 * ledger could be told. Zero where the stream was too young for any.
 */
export function checkpointedTokens(one: Seen, killedAt: number, broken: Disturbances): number {
  const latest = broken.quietUntil(killedAt, CHECKPOINT_EVERY_MS) - CHECKPOINT_EVERY_MS -
    COUNTED_AFTER_MS;
  const known = one.arrivals.findLast(({ atMs }) => atMs <= latest);
  return tokensAtLeast(known?.characters ?? 0);
}

/** No estimate of a text may be below this: half of what it is. */
export function tokensAtLeast(characters: number): number {
  return Math.floor(characters / CHARACTERS_PER_TOKEN / 2);
}
