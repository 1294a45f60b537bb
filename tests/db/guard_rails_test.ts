/** Requests a minute, requests at the same time, and which models; and that none of it costs a hold. */
import { assert, assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";
import { admittedOf } from "../support/races.ts";

Deno.test("of 60 requests of a user at once exactly as many are held as a minute allows, and the others are told when to come back", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set requests_per_minute_max = 7`;
    const [userId, other] = [await createUser(sql), await createUser(sql)];
    const { admitted, refusals } = await admittedOf(60, () => reserve(service, { userId }));
    assertEquals([admitted.length, refusals.length], [7, 53]);
    assertEquals(
      admitted.map(({ held }) => held["requests_limit"] as { remaining: number })
        .map(({ remaining }) => remaining).sort(),
      [0, 1, 2, 3, 4, 5, 6],
    );
    for (const { sqlstate, code, evidence } of refusals) {
      assertEquals([sqlstate, code], ["PT429", "TOO_MANY_REQUESTS"]);
      assertEquals([evidence["limit"], evidence["remaining"]], [7, 0]);
      const seconds = Number(evidence["retry_after_seconds"]);
      assert(seconds >= 1 && seconds <= 60, `${seconds} s`);
    }
    assertEquals((await admittedOf(7, () => reserve(service, { userId: other }))).refusals, []);
    await assertReconciled(sql);
  }, { connections: 30 }));

Deno.test("the minute begins with its first request and is over after 60 s; what failed upstream counts, what was refused or repeated does not", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set requests_per_minute_max = 3, welcome_credit = 1`;
    const userId = await createUser(sql);
    const ask = { userId, requestId: crypto.randomUUID() };
    await reserve(service, ask);
    await reserve(service, ask);
    assertEquals(
      (await refusalOf(reserve(service, { userId, inputTokensMax: 10_000_000 }))).code,
      "INSUFFICIENT_BALANCE",
    );
    const { requestId, held } = await reserve(service, { userId });
    assertEquals((held["requests_limit"] as { remaining: number }).remaining, 1);
    await call(service, "release", { p_request_id: requestId, p_reason: "upstream failed" });
    await reserve(service, { userId });
    assertEquals((await refusalOf(reserve(service, { userId }))).code, "TOO_MANY_REQUESTS");

    await sql`update public.user_balances set minute_started_at = now() - interval '59 seconds'`;
    const refusal = await refusalOf(reserve(service, { userId }));
    assertEquals(refusal.code, "TOO_MANY_REQUESTS");
    assert(Number(refusal.evidence["retry_after_seconds"]) <= 1);
    await sql`update public.user_balances set minute_started_at = now() - interval '61 seconds'`;
    const { held: next } = await reserve(service, { userId });
    assertEquals(next["requests_limit"], { limit: 3, remaining: 2, reset_seconds: 60 });
    await assertReconciled(sql);
  }));

Deno.test("of 40 requests of a user at once only so many run as are allowed, and the next when one has ended", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set concurrent_requests_max = 5`;
    const userId = await createUser(sql);
    const { admitted, refusals } = await admittedOf(40, () => reserve(service, { userId }));
    assertEquals([admitted.length, refusals.length], [5, 35]);
    assertEquals([...new Set(refusals.map(({ code }) => code))], ["TOO_MANY_REQUESTS"]);
    assertEquals(refusals[0]?.evidence, {
      limit: 5,
      remaining: 0,
      retry_after_seconds: 2,
      requests_limit: null,
    });
    // Ends and beginnings that race: never a sixth.
    await Promise.all(admitted.map(async ({ requestId }, i) => {
      if (i % 2 === 0) await settle(service, requestId, 100, 80);
      else await call(service, "release", { p_request_id: requestId, p_reason: "failed" });
      await reserve(service, { userId }).catch((error) => refusalOf(Promise.reject(error)));
      const [open] = await sql`
        select count(*)::int as n from billing.reservations where state = 'open'`;
      assert(open?.["n"] <= 5, `${open?.["n"]} were running`);
    }));
    await assertReconciled(sql);
  }, { connections: 20 }));

Deno.test("without limits a reserve counts nothing and tells of none", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { held } = await reserve(service, { userId });
    assertEquals([held["requests_limit"], held["spend_limit"], held["enforcement"]], [
      null,
      null,
      "enforce",
    ]);
    const [account] = await sql`
      select minute_started_at, minute_requests from public.user_balances`;
    assertEquals({ ...account }, { minute_started_at: null, minute_requests: 0 });
  }));

Deno.test("a model that is not in the list is refused, asked or to fall back to, and a provider's star lists all of it", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set allowed_models = '{openai:gpt-4o,google:*}'`;
    const userId = await createUser(sql);
    await reserve(service, { userId, fallbackModels: ["google:gemini-2.5-pro"] });
    const asks = [
      { model: "gpt-4.1" },
      { fallbackModels: ["google:gemini-2.5-pro", "openai:gpt-4.1"] },
    ];
    for (const ask of asks) {
      const { sqlstate, code, evidence } = await refusalOf(reserve(service, { userId, ...ask }));
      assertEquals([sqlstate, code], ["PT403", "MODEL_NOT_ALLOWED"]);
      assertEquals(evidence, { model: "openai:gpt-4.1" });
    }
    // A name that begins as a listed one does is another.
    const mini = await refusalOf(reserve(service, { userId, model: "gpt-4o-mini" }));
    assertEquals(mini.code, "MODEL_NOT_ALLOWED");
    assertEquals(await accountOf(sql, userId), { balance: "10", reserved: "0.00125" });
  }));

Deno.test("guests have the models that are in both lists, and users do not care for the guests'", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings
      set allowed_models = '{openai:*}', guest_models = '{openai:gpt-4o-mini,google:*}'`;
    const guest = { tokenId: "t", addressHash: "a" };
    await reserve(service, { guest, model: "gpt-4o-mini" });
    for (const ask of [{}, { provider: "google", model: "gemini-2.5-pro" }]) {
      assertEquals(
        (await refusalOf(reserve(service, { guest, ...ask }))).code,
        "MODEL_NOT_ALLOWED",
      );
    }
    await reserve(service, { userId: await createUser(sql) });
    const listed = await sql`
      select row ->> 'model_id' as model, row -> 'allowed' as users,
        row -> 'allowed_for_guests' as guests
      from jsonb_array_elements(public.pricing_catalogue()) row
      where row ->> 'model_id' in ('gpt-4o', 'gpt-4o-mini', 'gemini-2.5-pro') order by 1`;
    assertEquals(listed.map((row) => Object.values(row)), [
      ["gemini-2.5-pro", false, false],
      ["gpt-4o", true, false],
      ["gpt-4o-mini", true, true],
    ]);
  }));

Deno.test("guard rails hold whatever the enforcement, and a repeated reserve is answered even when they were narrowed since", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const ask = { userId, requestId: crypto.randomUUID(), enforcement: "off" as const };
    await reserve(service, ask);
    await sql`update billing.settings
      set allowed_models = '{}', concurrent_requests_max = 1, daily_spend_per_user_max = 0`;
    assertEquals((await reserve(service, ask)).held["amount"], "0.00125");
    const refused = async () =>
      (await refusalOf(reserve(service, { userId, enforcement: "off" }))).code;
    assertEquals(await refused(), "MODEL_NOT_ALLOWED");
    await sql`update billing.settings set allowed_models = null`;
    assertEquals(await refused(), "TOO_MANY_REQUESTS");
    await sql`update billing.settings set concurrent_requests_max = null`;
    assertEquals(await refused(), "SPEND_LIMIT_REACHED");
  }));
