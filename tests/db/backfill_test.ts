import { assert, assertEquals } from "@std/assert";
import type { Query } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  type Args,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";
import { untilSomebodyWaits } from "../support/locks.ts";

const HOUR_MS = 3_600_000;
const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();

/** Calls `backfill_usage`: 100 tokens in and 90 out of openai:gpt-4o, which are 0.00115 USD. */
function backfill(
  sql: Query,
  requestId: string,
  userId: string | null,
  more: Args = {},
): Promise<Record<string, unknown>> {
  return call(sql, "backfill_usage", {
    p_request_id: requestId,
    p_user_id: userId,
    p_chat_id: null,
    p_at: hoursAgo(0),
    p_model: "openai:gpt-4o",
    p_input_tokens: 100,
    p_cache_read_tokens: 0,
    p_cache_write_5m_tokens: 0,
    p_cache_write_1h_tokens: 0,
    p_output_tokens: 90,
    p_basis: "reported",
    ...more,
  });
}

/** Puts a version into the history, as one that was in force then. */
async function priceOfThen(sql: Query, version: number, outputPer1k: string, times: [Date, Date]) {
  await sql`
    insert into billing.model_pricing_history
    select (jsonb_populate_record(h, ${
    sql.json({
      price_version: version,
      output_per_1k: outputPer1k,
      effective_from: times[0].toISOString(),
      effective_to: times[1].toISOString(),
    })
  })).*
    from billing.model_pricing_history h
    where h.provider_id = 'openai' and h.model_id = 'gpt-4o' limit 1`;
}

async function forget(sql: Query, requestId: string): Promise<void> {
  await sql`delete from billing.reservations where request_id = ${requestId}`;
}

Deno.test("usage without a reservation is charged once, of the day on which it was used, and a repeat changes nothing", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const requestId = crypto.randomUUID();
    const more = { p_at: hoursAgo(30), p_chat_id: "a chat", p_duration_ms: 4_000 };
    const dry = await backfill(service, requestId, userId, { ...more, p_dry_run: true });
    assertEquals([dry["state"], dry["cost"], dry["balance"]], ["settled", "0.00115", "9.99885"]);
    assertEquals((await accountOf(sql, userId)).balance, "10");
    assertEquals((await sql`select from billing.reservations`).length, 0);

    const first = await backfill(service, requestId, userId, more);
    assertEquals([first["state"], first["collected"]], ["settled", "0.00115"]);
    assertEquals((await backfill(service, requestId, userId, more))["state"], "already_settled");
    assertEquals((await settle(service, requestId, 100, 90))["state"], "already_settled");
    await forget(sql, requestId);
    assertEquals((await backfill(service, requestId, userId, more))["state"], "already_settled");
    assertEquals(await accountOf(sql, userId), { balance: "9.99885", reserved: "0" });
    const [row] = await sql`select chat_id, basis, created_at from public.usage_records`;
    assertEquals([row?.["chat_id"], row?.["basis"]], ["a chat", "reported"]);
    assertEquals(row?.["created_at"].toISOString(), more.p_at);
    await assertReconciled(sql);
  }));

Deno.test("other usage, another model or another user for the same request is refused, with and without its reservation", () =>
  withDatabase(async ({ sql, service }) => {
    const [userId, other] = [await createUser(sql), await createUser(sql)];
    const requestId = crypto.randomUUID();
    await backfill(service, requestId, userId);
    for (const isForgotten of [false, true]) {
      if (isForgotten) await forget(sql, requestId);
      for (
        const [user, more, code] of [
          [userId, { p_output_tokens: 91 }, "KEY_CONFLICT"],
          [userId, { p_web_searches: 1 }, "KEY_CONFLICT"],
          [userId, { p_model: "openai:gpt-4o-mini" }, null],
          [other, {}, "KEY_CONFLICT"],
          [null, {}, "KEY_CONFLICT"],
        ] as const
      ) {
        const refused = await refusalOf(backfill(service, requestId, user, more));
        if (code !== null) assertEquals(refused.code, code, JSON.stringify(more));
      }
    }
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
    await assertReconciled(sql);
  }));

Deno.test("where the reservation is there it is the ordinary settle: open, expired at a checkpoint, and settled", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const open = await reserve(service, { userId });
    assertEquals((await backfill(service, open.requestId, userId))["state"], "settled");
    assertEquals(await accountOf(sql, userId), { balance: "9.99885", reserved: "0" });

    const dead = await reserve(service, { userId });
    await call(service, "extend", {
      p_request_id: dead.requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    assertEquals((await backfill(service, dead.requestId, userId))["state"], "corrected");
    assertEquals((await backfill(service, dead.requestId, userId))["state"], "already_settled");
    await forget(sql, dead.requestId);
    assertEquals((await backfill(service, dead.requestId, userId))["state"], "already_settled");
    assertEquals((await accountOf(sql, userId)).balance, "9.9977");
    await assertReconciled(sql);
  }));

Deno.test("a charge at a checkpoint whose reservation was pruned is corrected once, at its own price", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    await sql`update public.model_pricing set output_per_1k = 5 where model_id = 'gpt-4o'`;
    await forget(sql, requestId);
    assertEquals((await backfill(service, requestId, userId))["state"], "corrected");
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
    assertEquals((await backfill(service, requestId, userId))["state"], "already_settled");
    await assertReconciled(sql);
  }));

Deno.test("a reservation that was released although its request was served is charged after all", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await call(service, "release", { p_request_id: requestId, p_reason: "reserve_unanswered" });
    assertEquals((await refusalOf(settle(service, requestId, 100, 90))).code, "RESERVATION_CLOSED");
    assertEquals((await backfill(service, requestId, userId))["state"], "settled");
    assertEquals(await accountOf(sql, userId), { balance: "9.99885", reserved: "0" });
    await assertReconciled(sql);
  }));

Deno.test("the price is the one in force when the request began, else the last before, else the oldest", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const day = (n: number) => new Date(Date.now() - n * 24 * HOUR_MS);
    await priceOfThen(sql, 900_001, "0.02", [day(20), day(10)]);
    await priceOfThen(sql, 900_002, "0.03", [day(8), day(6)]);
    const costOf = async (at: Date, more: Args = {}) =>
      (await backfill(service, crypto.randomUUID(), userId, { p_at: at.toISOString(), ...more }))[
        "cost"
      ];
    assertEquals(await costOf(day(15)), "0.00205", "in force then");
    assertEquals(await costOf(day(9)), "0.00205", "the last before");
    assertEquals(await costOf(day(7)), "0.00295", "the next one");
    assertEquals(await costOf(day(30)), "0.00205", "the oldest");
    assertEquals(await costOf(new Date()), "0.00115", "of now");
    const justAfter = new Date(day(8).getTime() + 1_000);
    assertEquals(await costOf(justAfter, { p_duration_ms: 2_000 }), "0.00205", "of its beginning");

    await sql`update billing.settings set markup_basis_points = 1000`;
    assertEquals(await costOf(new Date()), "0.001265", "with the markup of now");
    assertEquals(
      (await refusalOf(costOf(new Date(), { p_model: "openai:gone" }))).code,
      "MODEL_NOT_FOUND",
    );
    await assertReconciled(sql);
  }));

Deno.test("what was used longer than 90 days ago, or in the future, counts as of now", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (const hours of [91 * 24, -5]) {
      const requestId = crypto.randomUUID();
      await backfill(service, requestId, userId, { p_at: hoursAgo(hours) });
      const [row] = await sql`
        select abs(extract(epoch from now() - created_at)) < 60 as is_now
        from public.usage_records where request_id = ${requestId}`;
      assertEquals(row?.["is_now"], true, `${hours} hours ago`);
    }
  }));

Deno.test("it is collected up to what is available, other holds stay whole, and the rest is recorded", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const held = await reserve(service, { userId });
    const amount = Number(held.held["amount"]);
    await call(service, "grant_credit", {
      p_user_id: userId,
      p_amount: String(-(10 - amount - 0.0005).toFixed(10)),
      p_kind: "adjustment",
      p_key: "less",
      p_note: null,
    });
    const charge = await backfill(service, crypto.randomUUID(), userId);
    assertEquals([charge["collected"], charge["uncollected"]], ["0.0005", "0.00065"]);
    assertEquals(await accountOf(sql, userId), { balance: `${amount}`, reserved: `${amount}` });
    await assertReconciled(sql);
  }));

Deno.test("a guest's usage is recorded at the house's cost, and touches no guest's window", () =>
  withDatabase(async ({ sql, service }) => {
    const guest = { tokenId: "one", addressHash: "there" };
    await reserve(service, { guest });
    const before = await sql`select * from billing.guest_exchanges order by holder`;
    const requestId = crypto.randomUUID();
    const charge = await backfill(service, requestId, null);
    assertEquals([charge["cost"], charge["collected"]], ["0.00115", "0"]);
    assertEquals((await backfill(service, requestId, null))["state"], "already_settled");
    const after = await sql`
      select * from billing.guest_exchanges where holder !~ 'backfill' order by holder`;
    assertEquals([...after], [...before]);
    await assertReconciled(sql);
  }));

Deno.test("of two backfills of a guest's request the second waits for the first, and finds it settled", () =>
  withDatabase(async ({ service }) => {
    const requestId = crypto.randomUUID();
    let second: Promise<Record<string, unknown>> | undefined;
    await service.begin(async (first) => {
      assertEquals((await backfill(first, requestId, null))["state"], "settled");
      second = backfill(service, requestId, null);
      await untilSomebodyWaits(service);
    });
    assertEquals((await second)?.["state"], "already_settled");
  }));

Deno.test("an estimate stays what it is, and one that was capped before its reservation was forgotten is known again", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const estimate = { p_basis: "estimated", p_input_tokens: 900, p_output_tokens: 5_000 };
    const served = await backfill(service, crypto.randomUUID(), userId, estimate);
    assertEquals([served["basis"], served["cost"]], ["estimated", "0.05225"]);

    const { requestId } = await reserve(service, { userId });
    const capped = await backfill(service, requestId, userId, estimate);
    assertEquals(capped["cost"], "0.00125");
    await forget(sql, requestId);
    const again = await backfill(service, requestId, userId, estimate);
    assertEquals([again["state"], again["cost"]], ["already_settled", "0.00125"]);
    await assertReconciled(sql);
  }));

Deno.test("an unknown user, and counts that are none, are refused, and nothing is written", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const requestId = crypto.randomUUID();
    for (
      const [user, more, code] of [
        [crypto.randomUUID(), {}, "USER_NOT_FOUND"],
        [userId, { p_input_tokens: -1 }, "INVALID_ARGUMENT"],
        [userId, { p_basis: "guessed" }, "INVALID_ARGUMENT"],
        [userId, { p_provider_cost: "1e9" }, "INVALID_ARGUMENT"],
        [userId, { p_other_models: [{ model: "x" }] }, "INVALID_ARGUMENT"],
      ] as const
    ) {
      const refused = await refusalOf(backfill(service, requestId, user, more));
      assertEquals(refused.code, code);
    }
    assertEquals((await sql`select from public.usage_records`).length, 0);
    assertEquals((await sql`select from billing.reservations`).length, 0);
  }));

Deno.test("other models within an answer are charged at their price, of then or the oldest, and known again", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const requestId = crypto.randomUUID();
    const counts = { input: 1_000, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 };
    const more = {
      p_at: hoursAgo(48),
      p_other_models: [{ model: "gpt-4o-mini", ...counts }],
    };
    const [mini] = await sql`
      select trim_scale(0.00115 + input_per_1k)::text as cost from public.model_pricing
      where model_id = 'gpt-4o-mini'`;
    assertEquals((await backfill(service, requestId, userId, more))["cost"], mini?.["cost"]);
    assertEquals((await backfill(service, requestId, userId, more))["state"], "already_settled");
    await forget(sql, requestId);
    assertEquals((await backfill(service, requestId, userId, more))["state"], "already_settled");
    assertEquals(
      (await sql`select from billing.incidents where kind = 'other_model_without_price'`).length,
      0,
    );
    await assertReconciled(sql);
  }));

Deno.test("backfills, live settles and the sweeper race over the same requests: each is charged exactly once, and no lock is in the way", () =>
  withDatabase(async ({ sql, service }) => {
    for (let round = 0; round < 6; round++) {
      const users = await Promise.all([0, 1, 2, 3].map(() => createUser(sql)));
      // Without a reservation, with an open one, and with one that the sweeper may take.
      const requests = await Promise.all(users.flatMap((userId) => [
        { userId, requestId: crypto.randomUUID() },
        { userId: null, requestId: crypto.randomUUID() },
        reserve(service, { userId }).then(({ requestId }) => ({ userId, requestId })),
        reserve(service, { userId }).then(async ({ requestId }) => {
          await call(service, "extend", {
            p_request_id: requestId,
            p_output_tokens_total: 100,
            p_input_tokens: 50,
            p_output_tokens: 40,
          });
          await forgetHeartbeats(sql, requestId);
          return { userId, requestId };
        }),
      ]));
      const settled = async (requestId: string) => {
        const answer = settle(service, requestId, 100, 90);
        // There is no reservation, or not yet.
        return await answer.catch((error) => refusalOf(Promise.reject(error)));
      };
      await Promise.all([
        ...requests.map(({ requestId, userId }) => backfill(service, requestId, userId)),
        ...requests.map(({ requestId }) => settled(requestId)),
        call(service, "expire"),
        ...requests.map(({ requestId, userId }) => backfill(service, requestId, userId)),
        call(service, "expire"),
      ]);
      const charges = await sql`
        select request_id, sum(cost)::text as cost, count(*) filter (where sequence = 0) as n
        from public.usage_records
        where request_id = any(${requests.map(({ requestId }) => requestId)})
        group by request_id`;
      assertEquals(charges.length, requests.length);
      assert(charges.every((row) => Number(row["cost"]) === 0.00115 && row["n"] === "1"));
      for (const userId of users) {
        // Three requests of 0.00115 each.
        assertEquals(await accountOf(sql, userId), { balance: "9.99655", reserved: "0" });
      }
      await assertReconciled(sql);
    }
  }, { connections: 16 }));
