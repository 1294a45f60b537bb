/**
 * Holds the ledger against what the upstream delivered and the readers saw. Whoever was killed is
 * excused from being exact, never from charging twice or too much.
 */
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";
import { type Attempt, isCut } from "./chaos_upstream.ts";
import type { Seen } from "./load.ts";
import { wordsOf } from "./wire.ts";

export interface Checked {
  violations: string[];
  /** Charges that were compared to the last decimal with what the provider reported. */
  exactCharges: number;
  /** Answers that were delivered and, by a kill, charged less than what was read. In 1e-10 USD. */
  houseLoss: bigint;
  /** What the readers of those held: the loss is below it. */
  houseLossMax: bigint;
}

interface Row {
  readonly request_id: string;
  readonly sequence: number;
  readonly user_id: string | null;
  readonly price_version: string;
  readonly model_id: string;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly basis: "reported" | "estimated" | "checkpoint";
}

interface Hold {
  readonly request_id: string;
  readonly state: string;
  readonly price_version: string;
  readonly input_tokens_max: number;
  readonly output_tokens_reserved: number;
  readonly is_in_force: boolean;
  /** The sweeper ended it, as its worker gave no more sign of life. */
  readonly was_swept: boolean;
}

/** A worker that dies takes with it what it knew of these milliseconds. */
const KILL_REACHES_BACK_MS = 95_000;

/** Checks requests that have ended. @param kills when the functions were killed. */
export async function check(
  sql: Sql,
  seen: readonly Seen[],
  truth: ReadonlyMap<string, readonly Attempt[]>,
  kills: readonly number[],
): Promise<Checked> {
  const byId = new Map<string, Seen>();
  for (const one of seen) if (one.requestId !== null) byId.set(one.requestId, one);
  const ids = [...new Set([...byId.keys(), ...truth.keys()])].filter((id) => id !== "");
  const rows = Map.groupBy(
    await sql<Row[]>`
      select request_id, sequence, user_id, price_version::text, model_id, cost::text,
        collected::text, uncollected::text, basis
      from public.usage_records where request_id = any (${ids}::uuid[]) order by sequence`,
    (row) => row.request_id,
  );
  const holds = new Map((await sql<Hold[]>`
      select r.request_id, r.state, r.price_version::text, r.input_tokens_max,
        r.output_tokens_reserved,
        r.created_at >= h.effective_from - interval '10 seconds'
          and (h.effective_to is null or r.created_at <= h.effective_to + interval '10 seconds')
          as is_in_force,
        exists (
          select from billing.incidents i
          where i.kind = 'expired_reservation' and i.request_id = r.request_id
        ) as was_swept
      from billing.reservations r join billing.model_pricing_history h using (price_version)
      where r.request_id = any (${ids}::uuid[])`).map((hold) => [hold.request_id, hold]));
  const prices = new Map((await sql`
      select price_version::text as version, input_per_1k::text as input,
        output_per_1k::text as output
      from billing.model_pricing_history`).map((row) => [
    row["version"] as string,
    { input: exact(row["input"]), output: exact(row["output"]) },
  ]));
  const costOf = (version: string, input: number, output: number) => {
    const price = prices.get(version)!;
    return (BigInt(input) * price.input + BigInt(output) * price.output) / 1000n;
  };

  const heldMax = (hold: Hold) =>
    costOf(hold.price_version, hold.input_tokens_max, hold.output_tokens_reserved);

  const result: Checked = { violations: [], exactCharges: 0, houseLoss: 0n, houseLossMax: 0n };
  const chargedKeys = new Map<string, string>();
  for (const id of ids) {
    const say = (what: string) =>
      result.violations.push(
        `${id}: ${what}; seen ${JSON.stringify(byId.get(id) ?? null)}; upstream ${
          JSON.stringify(truth.get(id) ?? [])
        }; charged ${JSON.stringify(rows.get(id) ?? [])}; hold ${JSON.stringify(holds.get(id))}`,
      );
    const one = byId.get(id);
    const attempts = truth.get(id) ?? [];
    const charges = rows.get(id) ?? [];
    const hold = holds.get(id);
    const total = charges.reduce((sum, { cost }) => sum + exact(cost), 0n);
    const last = charges.at(-1);
    const startMs = one?.startMs ?? attempts[0]?.atMs ?? 0;
    const endMs = one?.endMs ?? startMs;
    // Only what a dead worker left is the sweeper's: what was settled or released was so by a living one.
    const wasKilled = hold?.was_swept === true &&
      kills.some((at) => at >= startMs && at <= endMs + KILL_REACHES_BACK_MS);

    if (charges.length > 2) say("charged more than twice");
    if (charges[0] !== undefined && charges[0].sequence !== 0) say("a correction without a charge");
    if (total < 0n) say("a charge below zero");
    if (one !== undefined && charges.some(({ user_id }) => user_id !== one.userId)) {
      say("somebody else was charged");
    }
    if (hold?.state === "open") say("still held");
    if (hold === undefined && charges.length > 0) say("charged without having been held");
    if (hold !== undefined && !hold.is_in_force) say("a price that was not in force");
    if (one?.cost != null && exact(one.cost) !== total) say("told another cost than was charged");
    if (one !== undefined && one.status !== null && one.status >= 400 && total > 0n && !wasKilled) {
      say("a refusal was charged");
    }
    if (one?.key != null && charges.length > 0) {
      const other = chargedKeys.get(`${one.userId} ${one.key}`);
      if (other !== undefined) say(`the same key was charged for ${other} too`);
      chargedKeys.set(`${one.userId} ${one.key}`, id);
    }
    if (attempts.length === 0) {
      if (total > 0n) say("charged without having asked anybody");
      continue;
    }
    if (total > 0n && attempts.every(({ tokens, toldUsage }) => tokens === 0 && !toldUsage)) {
      say("charged, and nothing was delivered");
    }
    if (last !== undefined) {
      if (last.basis === "reported") {
        const fits = attempts.some(({ promptTokens, tokens }) =>
          costOf(last.price_version, promptTokens, tokens) === total
        );
        if (fits) result.exactCharges++;
        else say("a reported usage was not charged exactly");
      } else if (hold !== undefined && total > heldMax(hold)) {
        say("an estimate above what was held");
      }
      const uncollected = charges.reduce((sum, charge) => sum + exact(charge.uncollected), 0n);
      if (
        last.user_id !== null && uncollected > 0n && hold?.state === "settled" &&
        charges.length === 1 && !wasKilled && last.basis !== "reported"
      ) {
        say("less was collected than was held");
      }
    }
    const answered = attempts.at(-1)!;
    const wasRead = one !== undefined && one.characters > 0;
    if (wasRead && total === 0n && !wasKilled) say("delivered, and not charged");
    if (
      one?.characters === wordsOf(answered.tokens).join("").length && answered.toldUsage &&
      answered.ended && !isCut(answered.fault) && one.isWhole && last?.basis !== "reported" &&
      !wasKilled && wasRead
    ) say("the usage was there, and not charged by");
    if (wasRead && wasKilled && hold !== undefined) {
      const worth = costOf(hold.price_version, answered.promptTokens, answered.tokens);
      if (worth > total) {
        result.houseLoss += worth - total;
        result.houseLossMax += heldMax(hold);
      }
    }
  }
  return result;
}

/** What must hold of the whole ledger when all is quiet. */
export async function checkBooks(sql: Sql): Promise<string[]> {
  const violations: string[] = [];
  const [books] = await sql`select billing.reconcile() as found`;
  const found = books?.["found"].violations ?? [];
  if (found.length > 0) violations.push(`reconcile: ${JSON.stringify(found)}`);
  const [left] = await sql`
    select
      (select count(*)::int from billing.reservations where state = 'open') as open,
      (select count(*)::int from public.user_balances where reserved <> 0) as reserved,
      (select count(*)::int from public.user_balances where balance < 0) as negative,
      (select count(*)::int from billing.guest_exchanges where pending <> 0) as pending`;
  for (const [name, count] of Object.entries(left ?? {})) {
    if (count !== 0) violations.push(`${count} ${name}`);
  }
  return violations;
}
