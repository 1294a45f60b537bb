/**
 * Holds the ledger against what the upstream delivered and the readers saw. Whoever was killed is
 * excused from being exact, never from charging twice or too much, and never from its checkpoints.
 */
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";
import { type Attempt, isCut } from "./chaos_upstream.ts";
import type { Disturbances } from "./disturbances.ts";
import { type Charge, type Hold, readLedger } from "./ledger_rows.ts";
import type { Heartbeat } from "./chaos_platform.ts";
import { checkpointOf, killOf, tokensAtLeast, toldInTime, wasCutOff } from "./killed.ts";
import type { Seen } from "./load.ts";
import { tokensOf, wordsOf } from "./wire.ts";

/** All that is known of a round but the ledger. */
export interface Evidence {
  readonly seen: readonly Seen[];
  /** By request. */
  readonly truth: ReadonlyMap<string, readonly Attempt[]>;
  /** When the functions were killed. */
  readonly kills: readonly number[];
  /** When readers were cut off from a worker that could live on: the supervisor was killed. */
  readonly cutOffs: readonly number[];
  readonly broken: Disturbances;
  /** Requests whose early start was for nothing, as the log has it: the ledger may not be told in time. */
  readonly earlyStarts: ReadonlySet<string>;
  readonly heartbeats: ReadonlyMap<string, readonly Heartbeat[]>;
  /** Users who have far more than they can spend. */
  readonly rich: ReadonlySet<string>;
}

export interface Checked {
  violations: string[];
  /** Charges that were compared to the last decimal with what the provider reported. */
  exactCharges: number;
  /** Charges of killed requests that were held against their last checkpoint. */
  checkpoints: number;
  /** Answers that were delivered and, by a kill, charged less than what was read. In 1e-10 USD. */
  houseLoss: bigint;
  /** What the readers of those held: the loss is below it. */
  houseLossMax: bigint;
  /** What each request was charged for good; what a sweep has charged may still be corrected. */
  final: Map<string, bigint>;
  /** Every request that was seen, by its reader or its provider. */
  known: Set<string>;
}

/** What the proxy says on its worst day. A 500 would be a fault of its own. */
const STATUSES = [200, 402, 409, 429, 502, 503, 504];
const HANGS_MS = 60_000;
/** Of all that got an answer, whatever fails. */
const ANSWERED_SHARE_MIN = 0.05;
/** More than all that others of one user can hold at the same time. */
const FREE_FOR_SURE = exact("2");

/** Checks requests that have ended. */
export async function check(sql: Sql, evidence: Evidence): Promise<Checked> {
  const { seen, truth, kills, cutOffs, broken, earlyStarts, heartbeats, rich } = evidence;
  const byId = new Map<string, Seen>();
  for (const one of seen) if (one.requestId !== null) byId.set(one.requestId, one);
  const ids = [...new Set([...byId.keys(), ...truth.keys()])].filter((id) => id !== "");
  const { charges: rows, holds, costOf } = await readLedger(sql, ids);
  const heldMax = (hold: Hold) =>
    costOf(hold.price_version, hold.input_tokens_max, hold.output_tokens_reserved);

  const result: Checked = {
    violations: [],
    exactCharges: 0,
    checkpoints: 0,
    houseLoss: 0n,
    houseLossMax: 0n,
    final: new Map(),
    known: new Set(ids),
  };
  for (const one of seen) {
    if (one.status !== null && !STATUSES.includes(one.status)) {
      result.violations.push(`status ${one.status}: ${JSON.stringify(one)}`);
    }
    if (one.status === null && one.endMs - one.startMs > HANGS_MS) {
      result.violations.push(`nobody answered for a minute: ${JSON.stringify(one)}`);
    }
  }
  // Of a key that a repeat took over only the repeat is charged (tests/db/one_charge_a_key_test.ts).
  const keyed = Map.groupBy(
    seen.filter(({ key, requestId }) => key !== null && rows.has(requestId ?? "")),
    ({ userId, key }) => `${userId} ${key}`,
  );
  const answers = seen.filter(({ status }) => status !== null).length;
  const good = seen.filter(({ status }) => status === 200).length;
  if (good < answers * ANSWERED_SHARE_MIN) {
    result.violations.push(`only ${good} of ${answers} were answered`);
  }
  for (const id of ids) {
    const say = (what: string) =>
      result.violations.push(
        `${id}: ${what}; seen ${JSON.stringify(byId.get(id) ?? null)}; upstream ${
          JSON.stringify(truth.get(id) ?? [])
        }; charged ${JSON.stringify(rows.get(id) ?? [])}; hold ${
          JSON.stringify(holds.get(id))
        }; killed at ${killOf(byId.get(id), truth.get(id) ?? [], kills)}; cut off at ${cutOffs}`,
      );
    const one = byId.get(id);
    const attempts = truth.get(id) ?? [];
    const charges = rows.get(id) ?? [];
    const hold = holds.get(id);
    const total = charges.reduce((sum, { cost }) => sum + exact(cost), 0n);
    const last = charges.at(-1);
    const answered = attempts.at(-1);
    // Only what a dead worker left is the sweeper's: what was settled or released was so by a living one.
    const killedAt = killOf(one, attempts, kills);
    const wasKilled = hold?.was_swept === true && killedAt !== undefined;
    if (hold?.was_swept !== true) result.final.set(id, total);

    if (charges.length > 2) say("charged more than twice");
    if (charges[0] !== undefined && charges[0].sequence !== 0) say("a correction without a charge");
    if (total < 0n) say("a charge below zero");
    if (one !== undefined && charges.some(({ user_id }) => user_id !== one.userId)) {
      say("somebody else was charged");
    }
    if (one !== undefined && !one.isTrue) say("read something else than was said");
    if (
      one?.isWhole && answered?.ended && !isCut(answered.fault) && last?.basis === "reported" &&
      one.characters !== wordsOf(answered.tokens).join("").length
    ) say("read less than was said");
    if (hold?.state === "open") say("still held");
    if (hold === undefined && charges.length > 0) say("charged without having been held");
    if (hold !== undefined && !hold.is_in_force) say("a price that was not in force");
    if (hold !== undefined && charges.some((row) => row.price_version !== hold.price_version)) {
      say("another price than it was held at");
    }
    if (one?.cost != null && exact(one.cost) !== total) say("told another cost than was charged");
    if (one !== undefined && one.status !== null && one.status >= 400 && total > 0n && !wasKilled) {
      say("a refusal was charged");
    }
    const ofKey = one?.key == null ? [] : keyed.get(`${one.userId} ${one.key}`) ?? [];
    if (charges.length > 0 && ofKey.length > 1) {
      say(`the same key was charged for ${ofKey.map(({ requestId }) => requestId)}`);
    }
    if (one?.status === 402 && rich.has(one.userId ?? "")) say("refused, and it was paid for");
    if (charges.some(isOwed)) say("not collected, and it was there");
    if (answered === undefined) {
      if (total > 0n) say("charged without having asked anybody");
      continue;
    }
    if (hold === undefined) {
      if (!earlyStarts.has(id) && killedAt === undefined) say("asked without a hold");
      if (one !== undefined && one.characters > 0) say("relayed without a hold");
      continue;
    }
    // Whoever leaves before the first word pays the prompt, which the provider bills (docs/adr/0004).
    const hasLeft = one?.hasLeft || wasCutOff(one, attempts, cutOffs);
    const prompt = hasLeft ? costOf(hold.price_version, hold.input_tokens_max, 0) : 0n;
    if (total > prompt && attempts.every(({ tokens, toldUsage }) => tokens === 0 && !toldUsage)) {
      say("charged, and nothing was delivered");
    }
    const wasRead = one !== undefined && one.characters > 0;
    if (last?.basis === "reported") {
      const { promptTokens, tokens } = answered;
      if (costOf(hold.price_version, promptTokens, tokens) === total) result.exactCharges++;
      else say("a reported usage was not charged exactly");
    } else if (last !== undefined) {
      if (total > heldMax(hold)) say("an estimate above what was held");
      const least = costOf(hold.price_version, 0, tokensAtLeast(one?.characters ?? 0));
      if (!wasKilled && total < min(least, heldMax(hold))) say("an estimate below what was read");
      const uncollected = charges.reduce((sum, charge) => sum + exact(charge.uncollected), 0n);
      // What was swept holds nothing any more: a late settle collects what is free.
      if (last.user_id !== null && uncollected > 0n && !hold.was_swept) {
        say("less was collected than was held");
      }
    }
    if (wasRead && total === 0n && !wasKilled && !hold.was_taken_over) {
      say("delivered, and not charged");
    }
    if (
      one?.characters === wordsOf(answered.tokens).join("").length && answered.toldUsage &&
      answered.ended && !isCut(answered.fault) && one.isWhole && last?.basis !== "reported" &&
      !wasKilled && wasRead
    ) say("the usage was there, and not charged by");
    if (wasRead && wasKilled) {
      const beats = heartbeats.get(id) ?? [];
      const known = checkpointOf(beats);
      if (known > 0) result.checkpoints++;
      // A checkpoint is an estimate of what has come: a report that came later may be of less.
      if (
        last?.basis !== "reported" &&
        total < min(costOf(hold.price_version, 0, known), heldMax(hold))
      ) {
        say(`less than its checkpoint of ${known} tokens`);
      }
      if (!toldInTime(one, killedAt, beats)) {
        say(`its checkpoints were late: ${JSON.stringify(beats)}`);
      }
      // What the provider had sent beyond that was held back, and died with the worker.
      const read = tokensOf(one.characters);
      const worth = costOf(hold.price_version, answered.promptTokens, read);
      // While the ledger is away, an answer goes on to the limit that it began with (docs/adr/0006).
      if (worth > heldMax(hold) && !broken.overlap(one.startMs, killedAt)) {
        say("more was delivered than was held");
      }
      if (worth > total) {
        result.houseLoss += worth - total;
        result.houseLossMax += heldMax(hold);
      }
    }
  }
  return result;
}

const min = (a: bigint, b: bigint) => a < b ? a : b;

/** Something was left uncollected, though no other hold can have needed the balance. */
function isOwed({ uncollected, balance_before: before }: Charge): boolean {
  return exact(uncollected) > 0n && before !== null && exact(before) > FREE_FOR_SURE;
}
