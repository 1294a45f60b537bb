import { assert, assertEquals } from "@std/assert";
import type { DemoScript } from "../../local/demo_provider/script.ts";
import { chat, costComment, openChat } from "../support/chat.ts";
import { accountOf, assertAllSettled, exact, setBalance } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack({ env: { HEARTBEAT_SECONDS: "1" } });
Deno.test.afterAll(() => stack.stop());

const WORKERS = 12;
const REQUESTS = 120;
/** The functions die after so many requests have begun, Postgres after so many. */
const FUNCTIONS_DIE_AT = 40;
const POSTGRES_DIES_AT = 80;

/** What the provider may do, and what the reader may do. */
function fate(random: () => number): { script: DemoScript; readsAtMost: number; stream: boolean } {
  const tokens = Math.floor(random() * 400);
  const some = Math.floor(random() * (tokens + 1));
  const scripts: DemoScript[] = [
    {},
    {},
    { drop_after_tokens: some },
    { error_frame_after_tokens: some },
    { end_after_tokens: some },
    { omit_usage: true },
    { empty: true },
    { fail: 500 },
    { fail: 429 },
  ];
  const script = scripts[Math.floor(random() * scripts.length)]!;
  return {
    script: { output_tokens: tokens, token_ms: Math.floor(random() * 6), ...script },
    readsAtMost: random() < 0.5 ? Infinity : random() * 60_000,
    stream: random() < 0.8,
  };
}

/** One request, with whatever comes of it. @returns what its trailing comment said it cost. */
async function live(user: TestUser, random: () => number): Promise<[string, string] | null> {
  const { script, readsAtMost, stream } = fate(random);
  if (!stream) {
    const response = await chat(stack, user, { script, stream });
    await response.text();
    assert(response.status !== 500, "a bug: 500");
    const cost = response.headers.get("x-cost");
    return cost === null ? null : [response.headers.get("x-request-id")!, cost];
  }
  const answer = await openChat(stack, user, { script });
  if (readsAtMost !== Infinity) {
    await answer.readBytes(readsAtMost);
    answer.cut();
    return null;
  }
  const cost = costComment(await answer.rest())?.cost;
  return cost === undefined ? null : [answer.requestId, cost];
}

async function isUp(): Promise<boolean> {
  const response = await fetch(`${stack.functionsUrl}/pricing-health`);
  await response.body?.cancel();
  return response.ok;
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("whatever providers and readers do, and though the functions and Postgres die meanwhile, every request ends once and every balance adds up", async () => {
  const seed = Number(Deno.env.get("CHAOS_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  const random = generator(seed);
  await stack.sql`update billing.settings set reservation_ttl_seconds = 2`;
  const users = [await stack.signUp(), await stack.signUp(), await stack.signUp()];
  const balances = ["10", "0.05", "0.02"];
  for (const [i, user] of users.entries()) {
    if (balances[i] !== "10") await setBalance(stack, user, balances[i]!);
  }

  let begun = 0;
  const told: [string, string][] = [];
  const work = async () => {
    while (begun < REQUESTS) {
      begun++;
      if (begun === FUNCTIONS_DIE_AT) Deno.kill((await stack.functionsPid())!, "SIGKILL");
      if (begun === POSTGRES_DIES_AT) {
        await stack.postgres("stop");
        await stack.postgres("start");
      }
      const user = users[Math.floor(random() ** 2 * users.length)]!;
      // A refusal, a broken connection: the client may see anything but a bug or a wrong cost.
      const cost = await live(user, random).catch((error: Error) => {
        if (error.message.includes("a bug")) throw error;
        return null;
      });
      if (cost !== null) told.push(cost);
      else await until("everything to be up", isUp, 30_000);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));

  await until(`everything to be closed (CHAOS_SEED=${seed})`, async () => {
    const open = await stack.sql`select from billing.reservations where state = 'open'`;
    return open.length === 0;
  }, 60_000);
  await assertAllSettled(stack.sql);
  for (const [i, user] of users.entries()) {
    const [row] = await stack.sql`
      select coalesce(sum(collected), 0)::text as total, coalesce(min(balance_after), 0) >= 0 as never_below,
        count(*) filter (where sequence > 0 and basis = 'checkpoint') as corrected_to_less
      from public.usage_records where user_id = ${user.id}`;
    const { balance } = await accountOf(stack.sql, user);
    assertEquals(balance, exact(balances[i]!) - exact(row?.["total"]), `CHAOS_SEED=${seed}`);
    assert(row?.["never_below"] && balance >= 0n, `below zero, CHAOS_SEED=${seed}`);
    assertEquals(row?.["corrected_to_less"], "0");
  }
  assert(told.length >= 5, `only ${told.length} were told a cost`);
  for (const [requestId, cost] of told) {
    const [row] = await stack.sql`
      select coalesce(sum(cost), 0)::text as cost, count(*)::int as rows
      from public.usage_records where request_id = ${requestId}`;
    assertEquals(exact(row?.["cost"]), exact(cost), `${requestId}, CHAOS_SEED=${seed}`);
    assert(row?.["rows"] <= 2);
  }
});
