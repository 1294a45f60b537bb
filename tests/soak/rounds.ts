/** Rounds of load under faults, each followed by a quiet in which everything has to add up. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";
import type { TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { type ChaosPlatform, type PlatformFault, startChaosPlatform } from "./chaos_platform.ts";
import { type ChaosUpstream, startChaosUpstream } from "./chaos_upstream.ts";
import { healLedger, LEDGER_FAULTS, prepareLedgerFaults, runLedgerFault } from "./ledger_faults.ts";
import { ask, MODELS, operate, type Seen, signUp } from "./load.ts";
import { check, checkBooks, type Checked } from "./oracle.ts";
import { type Chance, chanceOf } from "./random.ts";
import { type SoakStack, startSoakStack, type Victim } from "./stack.ts";

export interface SoakOptions {
  readonly seed: number;
  readonly rounds: number;
  /** How long each round's load lasts. */
  readonly roundMs: number;
  /** How many ask at the same time. */
  readonly people: number;
  /** Who is killed in a round, one after the other. */
  readonly victims: readonly Victim[];
  /** Faults of ledger and platform within a round. */
  readonly faults: number;
  readonly folder: string;
  /** Ends before its rounds are through. */
  readonly signal?: AbortSignal;
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
  readonly backfilled: number;
  /** USD, decimal strings. */
  readonly houseLoss: string;
  readonly houseLossMax: string;
  /** What early starts that were refused can have cost at the most: all isolates of the day. */
  readonly earlyStartLoss: string;
  /** Load, healing and sweeping, checking. */
  readonly phasesSeconds: readonly number[];
  readonly functionsMiB: number | null;
  readonly violations: readonly string[];
}

const TTL_SECONDS = 5;
const QUIET_MS = 120_000;
/** The settle of a request that an outage has kept from it comes at the latest. */
const LATE_SETTLE_MS = 75_000;
const NEW_USERS = 10;
const WELL_FUNDED = 3;
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
  const kills: { at: number; victim: Victim }[] = [];
  const counts = { requests: 0, exact: 0, backfilled: 0, loss: 0n, lossMax: 0n };
  const faults = new Map<string, number>();
  const statuses = new Map<string, number>();
  let users: TestUser[] = [];
  let latest: Round | undefined;
  for (let round = 1; round <= options.rounds && !options.signal?.aborted; round++) {
    users = [...users.slice(-NEW_USERS), ...await newUsers(stack)];
    const seen: Seen[] = [];
    const violations: string[] = [];
    upstream.attempts.clear();
    const beganMs = Date.now();
    await attack(stack, platform, users, seen, kills, faults, chance, options);
    const attackedMs = Date.now();
    for (const at of await untilQuiet(stack, platform)) kills.push({ at, victim: "supervisor" });
    const quietMs = Date.now();
    counts.backfilled += await backfill(stack);
    const deaths = kills.filter(({ victim }) => victim === "functions" || victim === "supervisor")
      .map(({ at }) => at);
    const checked = await checkLate(() => check(stack.sql, seen, upstream.attempts, deaths));
    violations.push(...checked.violations, ...await checkBooks(stack.sql));
    const earlyStartLoss = await earlyStartLossOf(stack.sql);
    // Each isolate may lose the setting's amount: a killed one is followed by another.
    const isolates = BigInt(1 + deaths.length);
    if (exact(earlyStartLoss) > exact(EARLY_START_LOSS_MAX) * isolates) {
      violations.push(`early starts have cost ${earlyStartLoss}`);
    }
    counts.requests += seen.length;
    counts.exact += checked.exactCharges;
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
      backfilled: counts.backfilled,
      houseLoss: usd(counts.loss),
      houseLossMax: usd(counts.lossMax),
      earlyStartLoss,
      functionsMiB: await stack.functionsMemory(),
      phasesSeconds: [attackedMs - beganMs, quietMs - attackedMs, Date.now() - quietMs]
        .map((ms) => Math.round(ms / 1000)),
      violations,
    };
    options.report(latest);
    if (violations.length > 0) break;
  }
  if (latest === undefined) throw new Error("No round was run");
  return latest;
}

/** A round's load, with all that happens meanwhile. */
async function attack(
  stack: SoakStack,
  platform: ChaosPlatform,
  users: readonly TestUser[],
  seen: Seen[],
  kills: { at: number; victim: Victim }[],
  faults: Map<string, number>,
  chance: Chance,
  options: SoakOptions,
): Promise<void> {
  const until = Date.now() + options.roundMs;
  const isOver = () => Date.now() >= until || options.signal?.aborted === true;
  const people = Array.from({ length: options.people }, async () => {
    const mine = chance.fork();
    while (!isOver()) {
      const user = mine.next() < 0.06 ? null : mine.pick(users);
      const began = Date.now();
      seen.push(...await ask(stack, user, mine));
      // A stack that is down refuses in no time: nobody asks a thousand times a second.
      if (Date.now() - began < 30) await sleep(mine.int(20, 120));
      if (user !== null) await spendAndGet(stack, user, seen, mine);
    }
  });
  const plagues = (async () => {
    const mine = chance.fork();
    for (let i = 0; i < options.faults && !isOver(); i++) {
      await sleep(options.roundMs / (options.faults + 1) * (0.5 + mine.next() / 2));
      if (mine.next() < 0.5) {
        const fault = mine.pick<PlatformFault>(["delay", "error", "lost_before", "lost_after"]);
        platform.fault = fault;
        await sleep(mine.int(300, 2_000));
        platform.fault = "none";
      } else {
        const fault = mine.pick(LEDGER_FAULTS);
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        // A kill may come in between: what is left of it is healed in the quiet.
        await runLedgerFault(stack.sql, fault, mine).catch(() => {});
      }
    }
  })();
  const killer = (async () => {
    const mine = chance.fork();
    for (const victim of options.victims) {
      await sleep(options.roundMs / (options.victims.length + 1) * (0.5 + mine.next() / 2));
      const at = await stack.kill(victim).catch(() => null);
      if (at === null) continue;
      kills.push({ at, victim });
      await sleep(mine.int(100, 1_500));
      for (const at of await stack.heal()) kills.push({ at, victim: "supervisor" });
    }
  })();
  await Promise.all([...people, plagues, killer]);
}

/** Top-ups, refunds, new prices: now and then. */
async function spendAndGet(
  stack: SoakStack,
  user: TestUser,
  seen: readonly Seen[],
  chance: Chance,
): Promise<void> {
  const what = chance.next();
  if (what < 0.06) {
    const args = {
      p_user_id: user.id,
      p_amount: "0.02",
      p_kind: "top_up",
      p_key: `top-up:${crypto.randomUUID()}`,
      p_note: null,
    };
    if (!await operate(stack, "grant_credit", args)) await operate(stack, "grant_credit", args);
  } else if (what < 0.09) {
    const charged = seen.findLast(({ userId, cost }) => userId === user.id && cost !== null);
    if (charged?.requestId == null) return;
    await operate(stack, "refund", {
      p_request_id: charged.requestId,
      p_amount: null,
      p_key: `refund:${charged.requestId}`,
      p_reason: "soak",
    });
  } else if (what < 0.095) {
    const price = (0.001 + chance.int(0, 90) / 10_000).toFixed(4);
    await stack.sql`
      update public.model_pricing set input_per_1k = ${price}
      where model_id = ${MODELS.openai} and provider_id = 'openai'`.catch(() => {});
  }
}

async function newUsers(stack: SoakStack): Promise<TestUser[]> {
  const users = await Promise.all(Array.from({ length: NEW_USERS }, () => signUp(stack)));
  // So well funded that their requests start early: at their provider before they are reserved.
  await Promise.all(
    users.slice(0, WELL_FUNDED).map((user) =>
      operate(stack, "grant_credit", {
        p_user_id: user.id,
        p_amount: "10",
        p_kind: "top_up",
        p_key: `rich:${user.id}`,
        p_note: null,
      })
    ),
  );
  return users;
}

/** Everything healed, and whatever is still under way has come to its end. */
async function untilQuiet(stack: SoakStack, platform: ChaosPlatform): Promise<number[]> {
  platform.fault = "none";
  const killed = await stack.heal();
  await healLedger(stack.sql);
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
  return killed;
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

/** Charges what the log alone knows. @returns how many it charged. */
async function backfill(stack: SoakStack): Promise<number> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "cli/main.ts",
      "backfill",
      "--from",
      stack.logFile,
      "--yes",
      "--json",
      "--skip-unreadable",
    ],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: {
      SUPABASE_URL: stack.details.url,
      SUPABASE_SECRET_KEY: stack.details.secretKey,
    },
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`backfill: ${text} ${new TextDecoder().decode(stderr)}`);
  // What it has read is charged, once and for all: the next round begins a new log.
  await Deno.rename(stack.logFile, `${stack.logFile}.last`);
  const { result } = JSON.parse(text);
  return result === null ? 0 : result.charged.requests + result.corrected.requests;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function usd(amount: bigint): string {
  return `${amount / 10n ** 10n}.${String(amount % 10n ** 10n).padStart(10, "0")}`;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
