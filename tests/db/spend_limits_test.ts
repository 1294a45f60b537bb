/** A day's spending, of a user and of all guests together. */
import { assert, assertEquals } from "@std/assert";
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";
import { admittedOf } from "../support/races.ts";

type Held = Awaited<ReturnType<typeof reserve>>;

/** Extends all at once as far as they may go, and settles each for all that it got. */
async function useAll(service: Sql, holds: readonly Held[], inputTokens: number): Promise<void> {
  const totals = await Promise.all(holds.map(async ({ requestId, held }) => {
    const extended = await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: Number(held["output_tokens_limit"]),
      p_input_tokens: inputTokens,
      p_output_tokens: 1,
    });
    return [requestId, Number(extended["output_tokens_reserved"])] as const;
  }));
  await Promise.all(
    totals.map(([requestId, tokens]) => settle(service, requestId, inputTokens, tokens)),
  );
}

for (const enforcement of ["enforce", "off"] as const) {
  Deno.test(`60 requests at once, extended as far as they may, never pass a user's day (${enforcement}), and all of it can be spent`, () =>
    withDatabase(async ({ sql, service }) => {
      // Where the balance does not count, what it cannot pay was spent all the same.
      await sql`update billing.settings set daily_spend_per_user_max = 0.05,
        welcome_credit = ${enforcement === "off" ? "0.01" : "10"}::numeric`;
      const userId = await createUser(sql);
      const { admitted, refusals } = await admittedOf(
        60,
        (i) =>
          reserve(service, { userId, enforcement, outputTokensMax: 1500, canExtend: i % 2 === 0 }),
      );
      assert(admitted.length > 0);
      assertEquals([...new Set(refusals.map(({ code }) => code))], ["SPEND_LIMIT_REACHED"]);
      await useAll(service, admitted, 100);
      // The rest, to the last token that it pays for: 0.00001 each, after 0.00025 of a prompt.
      for (let left = true, more = 0; left; more++) {
        assert(more < 10, "the day has no end");
        const last = await admittedOf(
          1,
          () => reserve(service, { userId, enforcement, outputTokensMax: 1500, canExtend: false }),
        );
        left = last.admitted.length > 0;
        await useAll(service, last.admitted, 100);
      }
      const [sum] = await sql`select sum(cost)::text as cost from public.usage_records`;
      const spent = exact(sum?.["cost"]);
      assert(spent <= exact("0.05") && spent > exact("0.0497"), sum?.["cost"]);
      const refusal = await refusalOf(reserve(service, { userId, enforcement }));
      assertEquals([refusal.sqlstate, refusal.code], ["PT429", "SPEND_LIMIT_REACHED"]);
      assertEquals(refusal.evidence["limit"], "0.05");
      assertEquals(exact(String(refusal.evidence["spent"])), spent);
      assertEquals(new Date(String(refusal.evidence["resets_at"])).getTime(), nextMidnight());
      await assertReconciled(sql);
    }, { connections: 30 }));
}

function nextMidnight(): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
}

Deno.test("60 guests at once, each with a token and an address of their own, never pass the guests' day", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set daily_spend_of_guests_max = 0.05`;
    const { admitted, refusals } = await admittedOf(60, (i) =>
      reserve(service, {
        guest: { tokenId: `t${i}`, addressHash: `a${i}` },
        outputTokensMax: 1500,
      }));
    assert(admitted.length > 0);
    assertEquals([...new Set(refusals.map(({ code }) => code))], ["SPEND_LIMIT_REACHED"]);
    assertEquals(Object.keys(refusals[0]!.evidence), ["resets_at"], "not what the house spends");
    await useAll(service, admitted, 100);
    const [sum] = await sql`select sum(cost) <= 0.05 as within from public.usage_records`;
    assertEquals(sum?.["within"], true);
    // Users have a limit of their own, or none; and who was refused kept the place.
    await reserve(service, { userId: await createUser(sql) });
    const places = await sql`
      select from billing.guest_exchanges where pending > 0 or answered > 1`;
    assertEquals(places.length, 0);
    await assertReconciled(sql);
  }, { connections: 30 }));

Deno.test("the rest of the day limits the answer, which says so; the next slice is refused for the day, and not for the balance", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set daily_spend_per_user_max = 0.0153`;
    const userId = await createUser(sql);
    // 100 tokens of prompt at 0.0025, and 0.01505 for output at 0.01.
    const { requestId, held } = await reserve(service, { userId, outputTokensMax: 3000 });
    assertEquals(
      [held["output_limited_by"], held["output_tokens_limit"], held["output_tokens_reserved"]],
      ["spend_limit", 1505, 1024],
    );
    const { limit, spent } = held["spend_limit"] as Record<string, string>;
    assertEquals([limit, spent], ["0.0153", "0"]);
    const extend = (total: number) =>
      call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: total,
        p_input_tokens: 100,
        p_output_tokens: 900,
      });
    const more = await extend(1200);
    assertEquals([more["state"], more["refused_by"], more["output_tokens_reserved"]], [
      "extended",
      null,
      1200,
    ]);
    // Narrowed while it runs: what is held stays, and is all there is.
    await sql`update billing.settings set daily_spend_per_user_max = 0.005`;
    const refused = await extend(1400);
    assertEquals([refused["state"], refused["refused_by"], refused["output_tokens_reserved"]], [
      "refused",
      "spend_limit",
      1200,
    ]);
    assertEquals((await extend(1200))["state"], "extended", "a heartbeat asks for nothing");
    await settle(service, requestId, 100, 1200);
    await assertReconciled(sql);
  }));

Deno.test("a refund does not give the day back", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set daily_spend_per_user_max = 0.002`;
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await settle(service, requestId, 100, 100);
    await call(service, "refund", {
      p_request_id: requestId,
      p_amount: null,
      p_key: "r",
      p_reason: "was bad",
    });
    assertEquals((await accountOf(sql, userId)).balance, "10");
    const { held } = await reserve(service, { userId });
    assertEquals(held["output_tokens_limit"], 50, "0.00075 of 0.002 are left");
  }));

Deno.test("the day begins at midnight UTC, wherever the database thinks it is", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const guest = { tokenId: "t", addressHash: "a" };
    for (const who of [{ userId }, { guest }]) {
      for (let i = 0; i < 2; i++) {
        await settle(service, (await reserve(service, who)).requestId, 100, 100);
      }
    }
    const spent = async (timeZone: string) =>
      await sql.begin(async (transaction) => {
        await transaction`select set_config('timezone', ${timeZone}, true)`;
        const [row] = await transaction`
          select billing.usd(billing.spent_today(${userId})) as user,
            billing.usd(billing.spent_today(null)) as guests`;
        return [row?.["user"], row?.["guests"]];
      });
    assertEquals(await spent("UTC"), ["0.0025", "0.0025"]);
    // One of each moves to the last microsecond of yesterday, the other to the first of today.
    await sql`alter table public.usage_records disable trigger usage_records_are_immutable`;
    await sql`
      update public.usage_records u
      set created_at = date_trunc('day', now(), 'UTC') - case
        when u.request_id = (
          select min(o.request_id::text)::uuid from public.usage_records o
          where o.user_id is not distinct from u.user_id
        ) then interval '1 microsecond' else '0' end`;
    for (const timeZone of ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
      assertEquals(await spent(timeZone), ["0.00125", "0.00125"], timeZone);
    }
  }));

Deno.test("what a correction gives back of yesterday's charge is not today's to spend, what it adds is", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const spent = async () =>
      (await sql`select billing.usd(billing.spent_today(${userId})) as spent`)[0]?.["spent"];
    await sql`alter table public.usage_records disable trigger usage_records_are_immutable`;
    /** Charged yesterday at a checkpoint of 50 output tokens, and corrected today. */
    const correctTo = async (outputTokens: number) => {
      const { requestId } = await reserve(service, { userId });
      await call(service, "extend", {
        p_request_id: requestId,
        p_output_tokens_total: 1_000,
        p_input_tokens: 100,
        p_output_tokens: 50,
      });
      await forgetHeartbeats(sql);
      await call(service, "expire");
      await sql`
        update public.usage_records set created_at = created_at - interval '1 day'
        where request_id = ${requestId}`;
      await settle(service, requestId, 100, outputTokens);
      const [row] = await sql`
        select billing.usd(cost) as cost from public.usage_records
        where request_id = ${requestId} and sequence = 1`;
      return row?.["cost"];
    };
    await settle(service, (await reserve(service, { userId })).requestId, 100, 100);
    assertEquals(await correctTo(10), "-0.0004");
    assertEquals(await spent(), "0.00125");
    assertEquals(await correctTo(90), "0.0004");
    assertEquals(await spent(), "0.00165");
  }));
