/** One round's load, with all that happens meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TestUser } from "../support/stack.ts";
import type { Operation } from "./books.ts";
import type { ChaosPlatform, PlatformFault } from "./chaos_platform.ts";
import type { Disturbances } from "./disturbances.ts";
import { LEDGER_FAULTS, runLedgerFault } from "./ledger_faults.ts";
import { ask, MODELS, operate, type Seen, signUp } from "./load.ts";
import type { Chance } from "./random.ts";
import type { SoakStack, Victim } from "./stack.ts";

export interface Kill {
  readonly at: number;
  readonly victim: Victim;
}

export interface AttackOptions {
  /** How long each round's load lasts. */
  readonly roundMs: number;
  /** How many ask at the same time. */
  readonly people: number;
  /** Who is killed in a round, one after the other. */
  readonly victims: readonly Victim[];
  /** Faults of ledger and platform within a round. */
  readonly faults: number;
  /** Ends before its rounds are through. */
  readonly signal?: AbortSignal;
}

export interface Attacked {
  readonly stack: SoakStack;
  readonly platform: ChaosPlatform;
  readonly users: readonly TestUser[];
}

/** What came of it; added to while the attack lasts. */
export interface Traces {
  readonly seen: Seen[];
  readonly operations: Operation[];
  readonly kills: Kill[];
  /** How often the ledger had which fault. */
  readonly faults: Map<string, number>;
  readonly broken: Disturbances;
}

const PLATFORM_FAULTS: readonly PlatformFault[] = [
  "delay",
  "error",
  "lost_before",
  "lost_after",
  "away",
];
/** Longer than a reservation lives: it is swept while its worker is well, and settled late. */
const AWAY_MS = 9_000;
/** Only the ledger, or what stands before it, makes a 503: providers' failures are 502 or 429. */
const OUTAGE = 503;
const NEW_USERS = 10;
const WELL_FUNDED = 3;

export async function attack(
  attacked: Attacked,
  traces: Traces,
  chance: Chance,
  options: AttackOptions,
): Promise<void> {
  const { stack, platform } = attacked;
  const { kills, faults, broken } = traces;
  const until = Date.now() + options.roundMs;
  const isOver = () => Date.now() >= until || options.signal?.aborted === true;
  const plagues = (async () => {
    const mine = chance.fork();
    for (let i = 0; i < options.faults && !isOver(); i++) {
      await sleep(options.roundMs / (options.faults + 1) * (0.5 + mine.next() / 2));
      const end = broken.begin();
      if (mine.next() < 0.5) {
        const fault = mine.pick(PLATFORM_FAULTS);
        platform.fault = fault;
        const longestMs = fault === "away" ? AWAY_MS : 2_000;
        await sleep(Math.min(options.roundMs / 4, mine.int(300, 2_000) + longestMs - 2_000));
        platform.fault = "none";
      } else {
        const fault = mine.pick(LEDGER_FAULTS);
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        // A kill may come in between: what is left of it is healed in the quiet.
        await runLedgerFault(stack.sql, fault, mine).catch(() => {});
      }
      end();
    }
  })();
  const killer = (async () => {
    const mine = chance.fork();
    for (const victim of options.victims) {
      await sleep(options.roundMs / (options.victims.length + 1) * (0.5 + mine.next() / 2));
      const at = await stack.kill(victim).catch(() => null);
      if (at === null) continue;
      const end = broken.begin();
      kills.push({ at, victim });
      await sleep(mine.int(100, 1_500));
      await stack.heal();
      end();
    }
  })();
  await Promise.all([converse(attacked, traces, chance, options.people, isOver), plagues, killer]);
}

/**
 * People who ask while nothing is broken any more. The providers still are as they are.
 * @returns violations: whoever is refused for an outage then, or finds nobody to ask.
 */
export async function calm(
  attacked: Attacked,
  traces: Traces,
  chance: Chance,
  options: AttackOptions,
): Promise<string[]> {
  const before = traces.seen.length;
  const until = Date.now() + options.roundMs / 8;
  await converse(attacked, traces, chance, options.people, () => Date.now() >= until);
  return traces.seen.slice(before).filter(({ status }) => status === OUTAGE || status === null)
    .map((one) => `an outage, and nothing was broken: ${JSON.stringify(one)}`);
}

async function converse(
  { stack, users }: Attacked,
  { seen, operations }: Traces,
  chance: Chance,
  people: number,
  isOver: () => boolean,
): Promise<void> {
  await Promise.all(Array.from({ length: people }, async () => {
    const mine = chance.fork();
    while (!isOver()) {
      const user = mine.next() < 0.06 ? null : mine.pick(users);
      const began = Date.now();
      seen.push(...await ask(stack, user, mine));
      // A stack that is down refuses in no time: nobody asks a thousand times a second.
      if (Date.now() - began < 30) await sleep(mine.int(20, 120));
      if (user !== null) operations.push(...await spendAndGet(stack, user, seen, mine));
    }
  }));
}

/** Top-ups, refunds, new prices: now and then. */
async function spendAndGet(
  stack: SoakStack,
  user: TestUser,
  seen: readonly Seen[],
  chance: Chance,
): Promise<Operation[]> {
  const what = chance.next();
  if (what < 0.06) return [await topUp(stack, user, "0.02", `top-up:${crypto.randomUUID()}`)];
  if (what < 0.09) {
    const charged = seen.findLast(({ userId, cost }) => userId === user.id && cost !== null);
    if (charged?.requestId == null) return [];
    const { requestId } = charged;
    const key = `refund:${requestId}`;
    const isSure = await operate(stack, "refund", {
      p_request_id: requestId,
      p_amount: null,
      p_key: key,
      p_reason: "soak",
    });
    return [{ kind: "refund", key, amount: null, requestId, isSure }];
  }
  if (what < 0.095) {
    const price = (0.001 + chance.int(0, 90) / 10_000).toFixed(4);
    await stack.sql`
      update public.model_pricing set input_per_1k = ${price}
      where model_id = ${MODELS.openai} and provider_id = 'openai'`.catch(() => {});
  }
  return [];
}

/** Asked again where the answer was no, or was lost. */
async function topUp(
  stack: SoakStack,
  user: TestUser,
  amount: string,
  key: string,
): Promise<Operation> {
  const args = { p_user_id: user.id, p_amount: amount, p_kind: "top_up", p_key: key, p_note: null };
  const isSure = await operate(stack, "grant_credit", args) ||
    await operate(stack, "grant_credit", args);
  return { kind: "top_up", key, amount, requestId: null, isSure };
}

/** People who sign up, and what some of them pay. */
export async function newUsers(
  stack: SoakStack,
): Promise<{ users: TestUser[]; operations: Operation[] }> {
  const users = await Promise.all(Array.from({ length: NEW_USERS }, () => signUp(stack)));
  // So well funded that their requests start early: at their provider before they are reserved.
  const operations = await Promise.all(
    users.slice(0, WELL_FUNDED).map((user) => topUp(stack, user, "10", `rich:${user.id}`)),
  );
  return { users, operations };
}
