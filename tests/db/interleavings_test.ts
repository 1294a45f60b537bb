import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addMarkup, formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import type { Sql } from "../support/connect.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import {
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  settle,
} from "../support/ledger_calls.ts";
import { type Actor, perform, REQUESTS, type Step, step } from "../support/ledger_steps.ts";

/** What a receipt adds up from. */
interface Receipt {
  lines: { cost: string }[] | null;
  request_fee: string;
  cost: string;
  markup_basis_points: number;
}

/** `count` scripts, each done on a connection of its own, its steps one after the other. */
const scriptsOf = (count: number) =>
  fc.array(fc.array(step, { minLength: 3, maxLength: 12 }), { minLength: count, maxLength: count });

async function newActor(sql: Sql, addressHash?: string): Promise<Actor> {
  const userId = await createUser(sql);
  return {
    userId,
    guest: { tokenId: userId, addressHash: addressHash ?? userId },
    requestIds: Array.from({ length: REQUESTS }, () => crypto.randomUUID()),
  };
}

/** Whatever is not a refusal is a fault: a deadlock, a broken constraint. */
async function allowRefusal(promise: Promise<unknown>): Promise<void> {
  await promise.catch((error) => refusalOf(Promise.reject(error)));
}

async function performAll(database: TestDatabase, actor: Actor, script: Step[]): Promise<void> {
  for (const step of script) await allowRefusal(perform(database, actor, step));
}

/** Every worker dies, is swept, comes back late; the books stay clean, and nothing stays held. */
async function assertEndsClean({ sql, service }: TestDatabase, actors: Actor[]): Promise<void> {
  await assertReconciled(sql);
  await forgetHeartbeats(sql);
  await call(service, "expire");
  await assertReconciled(sql);
  const [left] = await sql`
    select
      (select count(*)::int from billing.reservations where state = 'open') as open,
      (select coalesce(sum(reserved), 0)::text from public.user_balances) as reserved,
      (select count(*)::int from billing.guest_exchanges where pending <> 0) as pending,
      (select count(*)::int from billing.incidents where kind = 'expire_failed') as failed`;
  assertEquals({ ...left, reserved: Number(left?.["reserved"]) }, {
    open: 0,
    reserved: 0,
    pending: 0,
    failed: 0,
  });

  // The dead come back, each twice at once, and tell what was really used.
  const requestIds = actors.flatMap((actor) => actor.requestIds);
  await Promise.all(
    [...requestIds, ...requestIds].map((requestId) =>
      allowRefusal(settle(service, requestId, 90, 700))
    ),
  );
  await assertReconciled(sql);

  // Each request was charged once, and corrected at most once; its receipt adds up.
  const charges = await sql<{ request_id: string; cost: string; n: number }[]>`
    select request_id, trim_scale(sum(cost))::text as cost, count(*)::int as n
    from public.usage_records where request_id = any(${requestIds}) group by request_id`;
  for (const { request_id, cost, n } of charges) {
    assertEquals(n <= 2, true, "a charge and at most one correction");
    const receipt = await call<Receipt>(service, "receipt", {
      p_user_id: null,
      p_request_id: request_id,
    });
    assertEquals(receipt.cost, cost);
    const lines = (receipt.lines ?? []).reduce((sum, line) => sum + parseUsd(line.cost), 0n);
    const markup = receipt.markup_basis_points;
    assertEquals(formatUsd(addMarkup(lines + parseUsd(receipt.request_fee), markup)), cost);
  }
}

Deno.test("any interleaving of all transitions on several connections ends with clean books", () =>
  withDatabase(async (database) => {
    await database.sql`
      update billing.settings set welcome_credit = 0.05, markup_basis_points = 777`;
    await fc.assert(
      fc.asyncProperty(scriptsOf(4), async (scripts) => {
        const actor = await newActor(database.sql);
        await Promise.all(scripts.map((script) => performAll(database, actor, script)));
        await assertEndsClean(database, [actor]);
      }),
      { numRuns: 40 },
    );
  }, { connections: 8 }));

/** What an operator may set of the guard rails and switches, each tight enough to be met. */
const rails = fc.record({
  requests_per_minute_max: fc.constantFrom(null, 2, 5),
  concurrent_requests_max: fc.constantFrom(null, 1, 2),
  daily_spend_per_user_max: fc.constantFrom(null, "0", "0.02", "0.05"),
  daily_spend_of_guests_max: fc.constantFrom(null, "0.02", "0.05"),
  allowed_models: fc.constantFrom(null, ["openai:*"], ["openai:gpt-4o", "google:*"]),
  usage_tracking: fc.constantFrom("on", "on", "on", "off"),
  balance_enforcement: fc.constantFrom("enforce", "enforce", "observe", "off"),
});

Deno.test("any interleaving within guard rails and switches that change meanwhile ends clean and without a deadlock", () =>
  withDatabase(async (database) => {
    const { sql, service } = database;
    await sql`update billing.settings set welcome_credit = 0.05, markup_basis_points = 777`;
    const met = new Set<string>();
    const interleavings = () =>
      fc.asyncProperty(
        scriptsOf(6),
        fc.array(rails, { minLength: 3, maxLength: 6 }),
        async (scripts, changes) => {
          const address = crypto.randomUUID();
          const actors = await Promise.all(
            [address, address, undefined].map((hash) => newActor(sql, hash)),
          );
          await Promise.all([
            ...scripts.map(async (script, i) => {
              for (const step of script) {
                await perform(database, actors[i % actors.length]!, step).catch(async (error) =>
                  met.add((await refusalOf(Promise.reject(error))).code)
                );
              }
            }),
            (async () => {
              for (const p_changes of changes) await call(service, "settings_write", { p_changes });
            })(),
          ]);
          await assertEndsClean(database, actors);
        },
      );
    // What is met is chance: it goes on until every rail was.
    const awaited = new Set(["TOO_MANY_REQUESTS", "SPEND_LIMIT_REACHED", "MODEL_NOT_ALLOWED"]);
    for (let repeats = 0; repeats < 8 && !awaited.isSubsetOf(met); repeats++) {
      await fc.assert(interleavings(), { numRuns: 25 });
    }
    assertEquals([...awaited.difference(met)], [], "never met");
  }, { connections: 10 }));

Deno.test("lesson 30: any interleaving of several users and guests, all swept in one batch meanwhile, ends clean and without a deadlock", () =>
  withDatabase(async (database) => {
    const { sql, service } = database;
    await sql`update billing.settings set welcome_credit = 0.05, markup_basis_points = 777`;
    await fc.assert(
      fc.asyncProperty(scriptsOf(8), async (scripts) => {
        // Two scripts each for four people, two of whom are guests from one address.
        const address = crypto.randomUUID();
        const actors = await Promise.all(
          [address, address, undefined, undefined].map((hash) => newActor(sql, hash)),
        );
        const done = Promise.all(
          scripts.map((script, i) => performAll(database, actors[i % actors.length]!, script)),
        );
        // Sweepers that find everybody's worker dead, again and again, until the last step.
        let isOver = false;
        const sweepers = Array.from({ length: 2 }, async () => {
          while (!isOver) {
            // One at a time: one update of all would itself lock rows in an order of its own.
            for (const { requestIds } of actors) {
              for (const requestId of requestIds) await forgetHeartbeats(sql, requestId);
            }
            await call(service, "expire", { p_limit: 1000 });
          }
        });
        await done.finally(() => isOver = true);
        await Promise.all(sweepers);
        await assertEndsClean(database, actors);
      }),
      { numRuns: 25 },
    );
    const [swept] = await sql`
      select count(*)::int as n from billing.incidents where kind = 'expired_reservation'`;
    assertEquals(swept?.["n"] > 0, true, "the sweepers found nothing to do");
  }, { connections: 12 }));
