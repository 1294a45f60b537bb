import { assertEquals } from "@std/assert";
import type { Query, Sql } from "../support/connect.ts";
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

interface Page {
  price_version: number;
  users: {
    user_id: string | null;
    requests: number;
    cost: string;
    right_cost: string;
    paid: string;
    over: string;
    under: string;
  }[];
  next: { after: string; charged_at: string } | null;
  refunds?: number;
  refunded?: string;
}

const AGES_AGO = "2000-01-01T00:00:00Z";
const FOREVER = "2100-01-01T00:00:00Z";

function reprice(sql: Query, name: "reprice_plan" | "reprice_page", more: Args = {}) {
  return call<Page>(sql, name, {
    p_provider_id: "openai",
    p_model_id: "gpt-4o",
    p_from: AGES_AGO,
    p_to: FOREVER,
    p_version: null,
    ...more,
  });
}

/** Sets the price of an output token and answers the version that it is. */
async function setOutputPrice(sql: Sql, per1k: string): Promise<number> {
  const [row] = await sql`
    update public.model_pricing set output_per_1k = ${per1k}
    where provider_id = 'openai' and model_id = 'gpt-4o' returning price_version::int as version`;
  return row?.["version"];
}

/** Moves a charge to another time, as only the owner of its table can. */
async function setTime(sql: Sql, requestId: string, at: string): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`alter table public.usage_records disable trigger usage_records_are_immutable`;
    await transaction`
      update public.usage_records set created_at = ${at} where request_id = ${requestId}`;
    await transaction`alter table public.usage_records enable trigger usage_records_are_immutable`;
  });
}

/** Chats: 100 tokens in at 0.0025 per 1k, 90 out. At the seeded 0.01 it costs 0.00115. */
async function chat(service: Sql, userId: string): Promise<string> {
  const { requestId } = await reserve(service, { userId });
  await settle(service, requestId, 100, 90);
  return requestId;
}

Deno.test("what was paid too much is given back once, whatever is repeated or overlaps, and the books stay clean", () =>
  withDatabase(async ({ sql, service }) => {
    const [rich, poor] = [await createUser(sql), await createUser(sql)];
    await setOutputPrice(sql, "0.1");
    for (const userId of [rich, rich, poor]) await chat(service, userId);
    const right = await setOutputPrice(sql, "0.01");
    await chat(service, rich);

    // 0.00925 was charged for each, 0.00115 was right.
    const plan = await reprice(service, "reprice_plan");
    assertEquals([plan.price_version, plan.next], [right, null]);
    const sums = (userId: string) => plan.users.find((user) => user.user_id === userId);
    assertEquals(sums(rich), {
      user_id: rich,
      requests: 3,
      cost: "0.01965",
      right_cost: "0.00345",
      paid: "0.01965",
      over: "0.0162",
      under: "0",
    });
    assertEquals(sums(poor)?.over, "0.0081");
    assertEquals((await accountOf(sql, poor)).balance, "9.99075");

    // Four runs at once, and one of a part.
    const runs = await Promise.all([
      ...[1, 2, 3, 4].map(() => reprice(service, "reprice_page")),
      reprice(service, "reprice_page", { p_version: right, p_limit: 2 }),
    ]);
    assertEquals(runs.reduce((sum, run) => sum + (run.refunds ?? 0), 0), 3);
    assertEquals((await accountOf(sql, rich)).balance, "9.99655");
    assertEquals((await accountOf(sql, poor)).balance, "9.99885");
    const again = await reprice(service, "reprice_page");
    assertEquals([again.refunds, again.refunded], [0, "0"]);
    assertEquals(again.users.map(({ over, under }) => [over, under]), [["0", "0"], ["0", "0"]]);

    const [refund] = await sql`
      select idempotency_key as key, note, request_id from public.balance_transactions
      where kind = 'refund' and user_id = ${poor}`;
    assertEquals(refund?.["key"], `reprice:${refund?.["request_id"]}:${right}:0`);
    assertEquals(refund?.["note"], `Repriced: openai:gpt-4o at price version ${right}`);
    await assertReconciled(sql);
  }));

Deno.test("what another run gives back while a run waits is not given again", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await setOutputPrice(sql, "0.1");
    await chat(service, userId);
    await setOutputPrice(sql, "0.01");
    let second: Promise<Page> | undefined;
    await service.begin(async (first) => {
      assertEquals((await reprice(first, "reprice_page")).refunds, 1);
      second = reprice(service, "reprice_page");
      await untilSomebodyWaits(sql);
    });
    assertEquals((await second)!.refunds, 0);
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
  }));

Deno.test("what was paid too little is told and never taken, and another refund is not the price's fault", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const first = await chat(service, userId);
    await chat(service, userId);
    await call(service, "refund", {
      p_request_id: first,
      p_amount: null,
      p_key: "a complaint",
      p_reason: "sorry",
    });
    const dear = await setOutputPrice(sql, "0.1");
    const page = await reprice(service, "reprice_page", { p_version: dear });
    assertEquals(page.users.map(({ over, under }) => [over, under]), [["0", "0.0162"]]);
    assertEquals((await accountOf(sql, userId)).balance, "9.99885");
    // The refunded one was not paid for: nothing of it is left to give back.
    const free = await setOutputPrice(sql, "0");
    const given = await reprice(service, "reprice_page", { p_version: free });
    assertEquals([given.refunds, given.refunded], [1, "0.0009"]);
    // Back to the right price: what the repricing gave too much is seen, and left.
    await setOutputPrice(sql, "0.01");
    const back = await reprice(service, "reprice_page");
    assertEquals(back.users.map(({ over, under }) => [over, under]), [["0", "0.0009"]]);
    assertEquals((await accountOf(sql, userId)).balance, "9.99975");
    await assertReconciled(sql);
  }));

Deno.test("only charges of the model and of the range count, its end excluded, a page at a time", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const requests: string[] = [];
    const at = (minute: number) => `2020-01-01T00:0${minute}:00.000Z`;
    for (let i = 0; i < 6; i++) {
      const { requestId } = await reserve(service, {
        userId,
        model: i === 5 ? "gpt-4o-mini" : "gpt-4o",
      });
      await settle(service, requestId, 100, 90);
      // Two at the same time, on two pages, and one of another model.
      await setTime(sql, requestId, at([0, 2, 3, 3, 4, 3][i]!));
      requests.push(requestId);
    }
    await setOutputPrice(sql, "0.001");
    const range = { p_from: at(1), p_to: at(4) };

    let after: Page["next"] = null;
    const counts: (number | undefined)[] = [];
    do {
      const page: Page = await reprice(service, "reprice_page", {
        ...range,
        p_limit: 2,
        p_after: after?.after ?? null,
      });
      counts.push(page.refunds);
      after = page.next;
    } while (after !== null);
    assertEquals(counts, [2, 1]);
    const refunded = await sql`
      select request_id from public.balance_transactions where kind = 'refund' order by created_at`;
    const ids = refunded.map((row) => row["request_id"]);
    assertEquals(ids.toSorted(), requests.slice(1, 4).toSorted());
    await assertReconciled(sql);
  }));

Deno.test("a corrected charge, what was uncollected, the markup, searches and the tier are all in the right cost", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set markup_basis_points = 1000`;
    await setOutputPrice(sql, "0.1");
    const userId = await createUser(sql);
    // A worker died at 40 tokens, and told of 90 and two searches later.
    const dead = await reserve(service, { userId, webSearchesMax: 2 });
    await call(service, "extend", {
      p_request_id: dead.requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    await settle(service, dead.requestId, 100, 90, "reported", { p_web_searches: 2 });
    // The markup of then is kept, whatever it is now.
    await sql`update billing.settings set markup_basis_points = 0`;
    await sql`
      update public.model_pricing
      set output_per_1k = 0.01, web_search_fee = 0.02, long_context_threshold_tokens = 50,
        max_input_tokens = 128000, long_input_per_1k = 0.005, long_output_per_1k = 0.02
      where provider_id = 'openai' and model_id = 'gpt-4o'`;
    const page = await reprice(service, "reprice_plan");
    // (100 × 0.005 + 90 × 0.02) per thousand and two searches of 0.02, and a tenth.
    const [user] = page.users;
    assertEquals([user?.requests, user?.right_cost], [1, "0.04653"]);
    // 0.00025 + 0.009 + 2 × 0.01, and a tenth.
    assertEquals([user?.cost, user?.under], ["0.032175", "0.014355"]);
  }));

Deno.test("of a charge that was not collected whole only what was paid beyond the right cost is given back", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await setOutputPrice(sql, "0.1");
    const { requestId } = await reserve(service, { userId, enforcement: "off" });
    await call(service, "grant_credit", {
      p_user_id: userId,
      p_amount: "-9.98",
      p_kind: "adjustment",
      p_key: "less",
      p_note: null,
    }).catch(() => {});
    await settle(service, requestId, 100, 290);
    const [charge] = await sql`
      select trim_scale(collected)::text as collected, trim_scale(cost)::text as cost
      from public.usage_records`;
    await setOutputPrice(sql, "0.01");
    const page = await reprice(service, "reprice_page");
    const over = Number(charge?.["collected"]) - 0.00315;
    assertEquals(Number(page.refunded), Number(over.toFixed(10)));
    assertEquals(Number(charge?.["collected"]) < Number(charge?.["cost"]), true);
    await assertReconciled(sql);
  }));

Deno.test("a guest's charges are reported, and given nothing back", () =>
  withDatabase(async ({ sql, service }) => {
    await setOutputPrice(sql, "0.1");
    const { requestId } = await reserve(service, { guest: { tokenId: "g", addressHash: "a" } });
    await settle(service, requestId, 100, 90);
    await setOutputPrice(sql, "0.01");
    const page = await reprice(service, "reprice_page");
    assertEquals([page.refunds, page.users], [0, [{
      user_id: null,
      requests: 1,
      cost: "0.00925",
      right_cost: "0.00115",
      paid: "0",
      over: "0",
      under: "0",
    }]]);
  }));

Deno.test("a version of another model, a model without a price, and a range that is none are refused", () =>
  withDatabase(async ({ sql, service }) => {
    const [mini] = await sql`
      select price_version::int as v from public.model_pricing where model_id = 'gpt-4o-mini'`;
    for (const name of ["reprice_plan", "reprice_page"] as const) {
      for (
        const [more, code] of [
          [{ p_version: mini?.["v"] }, "MODEL_NOT_FOUND"],
          [{ p_model_id: "gone" }, "MODEL_NOT_FOUND"],
          [{ p_from: FOREVER, p_to: AGES_AGO }, "INVALID_ARGUMENT"],
          [{ p_limit: 0 }, "INVALID_ARGUMENT"],
        ] as [Args, string][]
      ) {
        assertEquals((await refusalOf(reprice(service, name, more))).code, code);
      }
    }
  }));

Deno.test("what a charge that was corrected after its repricing is too much is given back by the next run, once", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await setOutputPrice(sql, "0.1");
    const { requestId } = await reserve(service, { userId });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    await setOutputPrice(sql, "0.01");
    assertEquals((await reprice(service, "reprice_page")).refunds, 1);
    await settle(service, requestId, 100, 90);
    // 50 more tokens at the wrong price: 0.0045 too much.
    const runs = await Promise.all([1, 2, 3].map(() => reprice(service, "reprice_page")));
    assertEquals(runs.filter((run) => run.refunds === 1).map((run) => run.refunded), ["0.0045"]);
    assertEquals((await reprice(service, "reprice_page")).refunds, 0);
    await assertReconciled(sql);
  }));
