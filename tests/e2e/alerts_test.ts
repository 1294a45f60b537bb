/** Alerts and notices through the whole stack, to a real receiver. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { happen, passMinutes } from "../support/alerts.ts";
import { chat } from "../support/chat.ts";
import { call, reserve } from "../support/ledger_calls.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import {
  type Arrived,
  newWebhookSecret,
  startWebhookReceiver,
  verifySignature,
} from "../support/webhook_receiver.ts";

const receiver = startWebhookReceiver();
const balances = startWebhookReceiver();
const [secret, balanceSecret] = [newWebhookSecret(), newWebhookSecret()];
const stack = await startTestStack({
  env: {
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: secret,
    BALANCE_WEBHOOK_URL: balances.url,
    BALANCE_WEBHOOK_SECRET: balanceSecret,
  },
});
Deno.test.afterAll(async () => {
  await stack.stop();
  await receiver[Symbol.asyncDispose]();
  await balances[Symbol.asyncDispose]();
});

/** `POST /pricing-health/alerts`, as the scheduler does. */
async function evaluate(query = "") {
  const response = await fetch(`${stack.functionsUrl}/pricing-health/alerts${query}`, {
    method: "POST",
    headers: { apikey: stack.details.secretKey },
  });
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return JSON.parse(text);
}

/** What has arrived since this was asked last. */
const arrivedNow = (): Arrived[] => receiver.arrived.splice(0);
const rulesOf = (messages: readonly Arrived[]) =>
  messages.map(({ metadata }) => metadata.event_payload["rule"]).toSorted();

/** A new day: nothing that happened counts any more, and nothing cools down. */
async function forgetAll() {
  await stack.sql`delete from billing.incidents`;
  await stack.sql`delete from billing.alert_states`;
  await stack.sql`delete from billing.alert_checks`;
  arrivedNow();
  balances.arrived.splice(0);
}

Deno.test("each rule reaches the receiver once, signed, not again within its cool-down, and again after it", async () => {
  const { sql } = stack;
  const user = await stack.signUp();
  const { requestId } = await reserve(sql, { userId: user.id });
  await sql`update user_balances set balance = balance + 1 where user_id = ${user.id}`;
  await sql`update model_pricing set updated_at = now() - interval '47 days'`;
  await happen(sql, "uncollected", 11);
  await happen(sql, "missing_price", 1);
  await happen(sql, "database_error", 1, { count: 6 });
  await happen(sql, "provider_cost_difference", 6);
  await happen(sql, "provider_refused_credentials", 1);
  const all = (await sql`select rule from billing.alert_rules order by rule`)
    .map((row) => row["rule"]);
  // Stuck, as the sweeper would have left it: it put the expiry off, and said that it failed.
  await sql`update billing.reservations set expires_at = now() + interval '1 day'
    where request_id = ${requestId}`;
  await sql`insert into billing.incidents (kind, request_id, created_at)
    values ('expire_failed', ${requestId}, now() - interval '6 minutes')`;

  const found = await evaluate("?dry_run=1");
  assertEquals(found.alerts.filter(({ state }: { state: string }) => state === "due").length, 7);
  assertEquals(arrivedNow(), []);
  assertEquals((await evaluate()).status, "ok");
  const messages = arrivedNow();
  assertEquals(rulesOf(messages), all);
  for (const message of messages) {
    verifySignature(message, secret);
    assert(!message.body.includes(stack.details.secretKey) && !message.body.includes(user.email));
  }
  assertEquals((await evaluate()).delivered, []);
  assertEquals(arrivedNow(), []);

  // What counts a window is over by then, what looks at how things stand is not.
  await passMinutes(sql, 24 * 60 + 1);
  await sql`update billing.incidents set created_at = now() - interval '7 minutes'
    where kind = 'expire_failed'`;
  await evaluate();
  assertEquals(rulesOf(arrivedNow()), ["drift", "price_age", "stuck_reservations"]);
  await sql`update user_balances set balance = balance - 1 where user_id = ${user.id}`;
  await sql`update model_pricing set updated_at = now()`;
  await call(sql, "release", { p_request_id: requestId, p_reason: "test" });
});

Deno.test("a model without a price is told to the operator while its caller gets a 404", async () => {
  await forgetAll();
  const user = await stack.signUp();
  const refused = await chat(stack, user, { model: "openai:gpt-none", stream: false });
  assertEquals(refused.status, 404);
  await refused.body?.cancel();
  await until(
    "the incident",
    async () =>
      (await stack.sql`select from billing.incidents where kind = 'missing_price'`).length === 1,
  );
  await evaluate();
  const [message] = arrivedNow();
  assertMatch(message!.text, /missing_price is at 1 in 60 minutes.*openai:gpt-none/);
});

Deno.test("of evaluations at the same moment one delivers", async () => {
  await forgetAll();
  await happen(stack.sql, "missing_price", 1);
  await Promise.all(Array.from({ length: 6 }, () => evaluate()));
  assertEquals(rulesOf(arrivedNow()), ["missing_price"]);
});

Deno.test("a receiver that is down loses nothing: the next evaluation delivers, under the same message id", async () => {
  await forgetAll();
  await happen(stack.sql, "missing_price", 1);
  receiver.answerNext(500, 500, 500);
  const failed = await evaluate();
  assertEquals([failed.status, failed.failed.length], ["error", 1]);
  assertEquals((await evaluate()).delivered, [], "it is claimed for a little less than a minute");
  await passMinutes(stack.sql, 1);
  assertEquals((await evaluate()).delivered, ["missing_price"]);
  const messages = arrivedNow();
  assertEquals(messages.length, 4);
  assertEquals(new Set(messages.map(({ headers }) => headers.get("webhook-id"))).size, 1);
  const log = (await stack.log()).join("\n");
  assertMatch(
    log,
    /Alert not delivered: \{"id":"missing_price","reason":"the webhook answered 500"/,
  );
  assert(!log.includes("secret-of-slack") && !log.includes(secret));
});

Deno.test("database errors while Postgres was down are told after it returned", async () => {
  await forgetAll();
  const user = await stack.signUp();
  // The session is known from now on, so that it is the ledger that is missed.
  await (await chat(stack, user, { stream: false })).body?.cancel();
  await stack.postgres("stop");
  for (let i = 0; i < 6; i++) {
    const refused = await chat(stack, user, { stream: false });
    assertEquals(refused.status, 503);
    await refused.body?.cancel();
  }
  await stack.postgres("start");
  const counted = await until("the incident of the outage", async () => {
    const rows = await stack.sql`select sum((details ->> 'count')::integer)::integer as errors
      from billing.incidents where kind = 'database_error'`.catch(() => []);
    const errors = rows[0]?.["errors"] ?? 0;
    return errors >= 6 && errors;
  }, 60_000);
  await evaluate();
  const message = arrivedNow().find(({ text }) => text.includes("database_errors"));
  verifySignature(message!, secret);
  assert(Number(message!.metadata.event_payload["value"]) >= counted);
});

Deno.test("a charge that makes a balance fall is one event for the app and one row for the user, and another after it rose", async () => {
  await forgetAll();
  const { sql } = stack;
  const [user, other] = [await stack.signUp(), await stack.signUp()];
  const setBalance = (key: string, amount: string) =>
    call(sql, "grant_credit", {
      p_user_id: user.id,
      p_amount: amount,
      p_kind: "adjustment",
      p_key: `${user.id}:${key}`,
    });
  await setBalance("down", "-9");
  assertEquals(await noticesOf(user), []);
  for (let i = 0; i < 2; i++) await (await chat(stack, user, { stream: false })).text();
  const [notice, ...more] = await until("the notice", async () => {
    const rows = await noticesOf(user);
    return rows.length > 0 && rows;
  });
  assertEquals([notice!.kind, more], ["low_balance", []]);
  assertEquals(await noticesOf(other), []);

  assertEquals((await evaluate()).notices, { delivered: 1, failed: [] });
  assertEquals((await evaluate()).notices, { delivered: 0, failed: [] });
  const [event, ...twice] = balances.arrived.splice(0);
  assertEquals(twice, []);
  verifySignature(event!, balanceSecret);
  assertEquals(event!.metadata.event_type, "balance.low");
  assertEquals(event!.metadata.event_payload["user_id"], user.id);
  assert(!event!.body.includes(user.email));

  await setBalance("up", "3");
  await setBalance("down again", "-3");
  assertEquals((await noticesOf(user)).length, 2);
});

/** What the user sees through the Data API. */
async function noticesOf(user: TestUser): Promise<{ kind: string; balance: number }[]> {
  const response = await fetch(`${stack.url}/rest/v1/balance_notices?select=kind,balance`, {
    headers: { apikey: stack.details.publishableKey, authorization: `Bearer ${user.token}` },
  });
  assertEquals(response.status, 200);
  return await response.json();
}

Deno.test("details hold every rule, and metrics whether it fires", async () => {
  await forgetAll();
  await happen(stack.sql, "missing_price", 1);
  const get = async (path: string) => {
    const response = await fetch(`${stack.functionsUrl}/pricing-health/${path}`, {
      headers: { apikey: stack.details.secretKey },
    });
    return await response.text();
  };
  const { alerts } = JSON.parse(await get("details"));
  assertEquals(alerts.length, 8);
  assertMatch(await get("metrics"), /^farebox_alert_firing\{rule="missing_price"\} 1$/m);
});
