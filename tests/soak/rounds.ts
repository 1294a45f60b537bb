/** Rounds of load under faults, each followed by a quiet in which everything has to add up. */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";
import type { TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { attack, type AttackOptions, calm, type Kill, newUsers, type Traces } from "./attack.ts";
import { checkBooks, checkFormer, checkOperations } from "./books.ts";
import { type ChaosPlatform, startChaosPlatform } from "./chaos_platform.ts";
import { type ChaosUpstream, startChaosUpstream } from "./chaos_upstream.ts";
import { noteDisturbances } from "./disturbances.ts";
import { backfill, earlyStartsIn } from "./functions_log.ts";
import { healLedger, prepareLedgerFaults } from "./ledger_faults.ts";
import { check, type Checked, type Evidence } from "./oracle.ts";
import { type Chance, chanceOf } from "./random.ts";
import { type SoakStack, startSoakStack } from "./stack.ts";

export interface SoakOptions extends AttackOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly folder: string;
  readonly report: (round: Round) => void;
}

/** What a round was, and all before it. */
export interface Round {
  readonly round: number;
  readonly seconds: number;
  readonly requests: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly exactCharges: number;
  readonly checkpoints: number;
  readonly backfilled: number;
  /** USD, decimal strings. */
  readonly houseLoss: string;
  readonly houseLossMax: string;
  /** What early starts that were refused can have cost at the most: all isolates of the day. */
  readonly earlyStartLoss: string;
  /** Load, healing and sweeping, checking. */
  readonly phasesSeconds: readonly number[];
  readonly functionsMiB: number | null;
  /** Of all rounds. */
  readonly violations: readonly string[];
}

const TTL_SECONDS = 5;
const QUIET_MS = 120_000;
/** The settle of a request that an outage has kept from it comes at the latest. */
const LATE_SETTLE_MS = 75_000;
/** So many are enough to look at. */
const VIOLATIONS_MAX = 20;
/** How many rounds somebody stays. */
const STAY_ROUNDS = 2;
/** As the setting has it from the start, USD. */
const EARLY_START_LOSS_MAX = "1";

/** Runs them. @returns the last round's report, which counts everything. */
export async function soak(options: SoakOptions): Promise<Round> {
  const chance = chanceOf(options.seed);
  const upstream = await startChaosUpstream(chance.fork());
  const platform = startChaosPlatform(chance.fork());
  const certificate = join(options.folder, "upstream.pem");
  await Deno.writeTextFile(certificate, upstream.certificate);
  const stack = await startSoakStack(
    {
      platformUrl: platform.url,
      env: {
        OPENAI_API_KEY: "sk-soak",
        OPENAI_BASE_URL: upstream.openAiUrl,
        ANTHROPIC_API_KEY: "sk-soak",
        ANTHROPIC_BASE_URL: upstream.anthropicUrl,
        DENO_CERT: certificate,
        FREE_GUEST_EXCHANGES: "10000",
        HEARTBEAT_SECONDS: "1",
      },
    },
    options.folder,
    (url) => platform.target = url,
  );
  try {
    return await run(stack, upstream, platform, chance, options);
  } finally {
    await stack.stop();
    await platform.close();
    await upstream.close();
  }
}

async function run(
  stack: SoakStack,
  upstream: ChaosUpstream,
  platform: ChaosPlatform,
  chance: Chance,
  options: SoakOptions,
): Promise<Round> {
  await prepareLedgerFaults(stack.sql);
  await stack.sql`
    update billing.settings set welcome_credit = 0.05, welcome_per_address_per_day_max = null,
      reservation_ttl_seconds = ${TTL_SECONDS}`;
  const startedMs = Date.now();
  const kills: Kill[] = [];
  const broken = noteDisturbances();
  const counts = { requests: 0, exact: 0, checkpoints: 0, backfilled: 0, loss: 0n, lossMax: 0n };
  const faults = new Map<string, number>();
  const statuses = new Map<string, number>();
  let people: TestUser[][] = [];
  /** Of the round before: by request, what was charged for good; and what a sweep had charged. */
  let former = new Map<string, bigint>();
  let known = new Set<string>();
  const violations: string[] = [];
  const rich = new Set<string>();
  let latest: Round | undefined;
  for (let round = 1; round <= options.rounds && !options.signal?.aborted; round++) {
    const beganMs = Date.now();
    const { users, operations } = await newUsers(stack);
    people = [...people, users].slice(-STAY_ROUNDS);
    for (const { key, isSure } of operations) if (isSure) rich.add(key.replace("rich:", ""));
    const traces: Traces = { seen: [], operations, kills, faults, broken };
    upstream.attempts.clear();
    platform.heartbeats.clear();
    const attacked = { stack, platform, users: people.flat() };
    await attack(attacked, traces, chance, options);
    const attackedMs = Date.now();
    platform.fault = "none";
    await stack.heal();
    await healLedger(stack.sql);
    violations.push(...await calm(attacked, traces, chance, options));
    // Whatever failed in peace is a violation; the ledger is looked at nevertheless.
    await stack.heal();
    await untilQuiet(stack);
    const quietMs = Date.now();
    const backfilled = await backfill(stack);
    for (const { at, violation } of stack.failures()) {
      // What it took along is excused; the failure is not.
      kills.push({ at, victim: "supervisor" });
      violations.push(violation);
    }
    counts.backfilled += backfilled.charged;
    const { seen } = traces;
    const timesOf = (...victims: readonly string[]) =>
      kills.filter(({ victim }) => victims.includes(victim)).map(({ at }) => at);
    const deaths = timesOf("functions", "supervisor");
    const earlyStarts = await earlyStartsIn(`${stack.logFile}.last`);
    const evidence: Evidence = {
      seen,
      truth: upstream.attempts,
      kills: deaths,
      cutOffs: timesOf("supervisor"),
      broken,
      earlyStarts,
      heartbeats: platform.heartbeats,
      rich,
    };
    const checked = await checkLate(() => check(stack.sql, evidence));
    violations.push(
      ...backfilled.violations,
      ...checked.violations,
      ...await checkBooks(stack.sql, startedMs),
      ...await checkOperations(stack.sql, operations, beganMs),
      ...await checkFormer(stack.sql, beganMs, former, known.union(checked.known)),
    );
    former = checked.final;
    known = checked.known;
    const earlyStartLoss = await earlyStartLossOf(stack.sql);
    // Each isolate may lose the setting's amount: a killed one is followed by another.
    const isolates = BigInt(1 + deaths.length);
    if (exact(earlyStartLoss) > exact(EARLY_START_LOSS_MAX) * isolates) {
      violations.push(`early starts have cost ${earlyStartLoss}`);
    }
    counts.requests += seen.length;
    counts.exact += checked.exactCharges;
    counts.checkpoints += checked.checkpoints;
    counts.loss += checked.houseLoss;
    counts.lossMax += checked.houseLossMax;
    for (const { status } of seen) {
      statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
    }
    latest = {
      round,
      seconds: Math.round((Date.now() - startedMs) / 1000),
      requests: counts.requests,
      kills: countBy(kills.map(({ victim }) => victim)),
      faults: Object.fromEntries([...faults, ...upstream.faults, ...platform.hits]),
      statuses: Object.fromEntries(statuses),
      exactCharges: counts.exact,
      checkpoints: counts.checkpoints,
      backfilled: counts.backfilled,
      houseLoss: usd(counts.loss),
      houseLossMax: usd(counts.lossMax),
      earlyStartLoss,
      functionsMiB: await stack.functionsMemory(),
      phasesSeconds: [attackedMs - beganMs, quietMs - attackedMs, Date.now() - quietMs]
        .map((ms) => Math.round(ms / 1000)),
      violations: [...violations],
    };
    options.report(latest);
    if (violations.length > VIOLATIONS_MAX) break;
  }
  if (latest === undefined) throw new Error("No round was run");
  return latest;
}

/** Whatever is still under way has come to its end. */
async function untilQuiet(stack: SoakStack): Promise<void> {
  const from = Date.now();
  await until("no reservation to be open", async () => {
    // A sweep that failed waits for a minute: nobody here has that long.
    if (Date.now() - from > 2 * TTL_SECONDS * 1000) {
      await stack.sql`
        update billing.reservations set expires_at = now()
        where state = 'open' and expires_at > now() + make_interval(secs => ${TTL_SECONDS})`;
    }
    const [row] = await stack.sql`
      select count(*)::int as open from billing.reservations where state = 'open'`;
    return row?.["open"] === 0;
  }, QUIET_MS);
}

async function earlyStartLossOf(sql: Sql): Promise<string> {
  const [row] = await sql`
    select coalesce(sum((details ->> 'amount')::numeric), 0)::text as loss
    from billing.incidents where kind = 'early_start_refused'`;
  return row?.["loss"] ?? "0";
}

/** A settle that was refused by an outage is tried again for a minute: only then is it missing. */
async function checkLate(look: () => Promise<Checked>): Promise<Checked> {
  const latest = Date.now() + LATE_SETTLE_MS;
  for (;;) {
    const checked = await look();
    if (checked.violations.length === 0 || Date.now() > latest) return checked;
    await sleep(2_000);
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function usd(amount: bigint): string {
  return `${amount / 10n ** 10n}.${String(amount % 10n ** 10n).padStart(10, "0")}`;
}
