import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "../llm/chunks.ts";
import { chat, costComment, openChat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  chargesOf,
  costByHand,
  exact,
  setBalance,
  untilReservation,
} from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { startUpstream, streamOf } from "../support/upstream.ts";
import { until } from "../support/until.ts";

/** Looks like a real one, so that its last characters would be noticed. */
const PROVIDER_KEY = "sk-proj-operatorsown-9f3e71cd4a7b";
const MINE = "deepseek:deepseek-chat";
const REFUSING = "xai:grok-4";

const upstream = startUpstream();
const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const nobody = `http://127.0.0.1:${closed.addr.port}`;
closed.close();
const stack = await startTestStack({
  env: {
    DEEPSEEK_BASE_URL: upstream.url,
    DEEPSEEK_API_KEY: PROVIDER_KEY,
    XAI_BASE_URL: nobody,
  },
});
Deno.test.afterAll(() => stack.stop());
Deno.test.afterAll(() => upstream.stop());

/** Nothing was charged for the request, nothing is held, the balance is untouched. */
async function assertFree(user: TestUser, requestId: string): Promise<void> {
  await untilReservation(stack.sql, requestId, "released");
  assertEquals(await chargesOf(stack.sql, requestId), []);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10"), reserved: 0n });
}

const BEFORE_CONTENT = [
  ["answers 500", { script: { fail: 500 } }],
  ["answers 503", { script: { fail: 503 } }],
  ["cannot be reached", { model: REFUSING }],
] as const;

for (const [what, options] of BEFORE_CONTENT) {
  Deno.test(`lesson 16: a provider that ${what} costs nothing, and is a 502 in both error shapes`, async () => {
    const user = await stack.signUp();
    for (const stream of [true, false]) {
      const response = await chat(stack, user, { ...options, stream });
      assertEquals(response.status, 502);
      const body = await response.json();
      assertEquals([body.code, body.error.code], ["UPSTREAM_ERROR", "UPSTREAM_ERROR"]);
      assertMatch(body.message, /Nothing was charged; try again\.$/);
      assert(!body.message.includes(nobody));
      await assertFree(user, response.headers.get("x-request-id")!);
    }
  });
}

Deno.test("lesson 16: a connection that drops before any content costs nothing: a stream ends with an error event, a whole answer is a 502", async () => {
  const user = await stack.signUp();
  const script = { drop_after_tokens: 0 };
  const stream = await openChat(stack, user, { script });
  const events = await stream.rest();
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  const error = JSON.parse(events.at(-2)!.text.slice("data: ".length));
  assertEquals(error.error.code, "UPSTREAM_ERROR");
  assertMatch(error.error.message, /Nothing was charged/);
  assertEquals(costComment(events)?.cost, "0");
  await assertFree(user, stream.requestId);

  const response = await chat(stack, user, { script, stream: false });
  assertEquals(response.status, 502);
  assertEquals((await response.json()).code, "UPSTREAM_ERROR");
  await assertFree(user, response.headers.get("x-request-id")!);
});

Deno.test("lesson 16: an empty answer costs nothing, streamed and whole", async () => {
  const user = await stack.signUp();
  for (const script of [{ empty: true }, { empty: true, omit_usage: true }]) {
    const stream = await openChat(stack, user, { script });
    assertEquals(costComment(await stream.rest())?.cost, "0");
    await assertFree(user, stream.requestId);
    const response = await chat(stack, user, { script, stream: false });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-cost"), "0");
    await response.text();
    await assertFree(user, response.headers.get("x-request-id")!);
  }
});

Deno.test("lesson 18: a provider that reports no usage is charged by an estimate, marked as one", async () => {
  const user = await stack.signUp();
  for (const stream of [true, false]) {
    const before = (await accountOf(stack.sql, user)).balance;
    const response = await chat(stack, user, {
      stream,
      script: { output_tokens: 100, omit_usage: true },
    });
    await response.text();
    const charge = await chargeOf(stack.sql, response.headers.get("x-request-id")!);
    assertEquals(charge.basis, "estimated");
    assert(charge.output_tokens >= 70 && charge.output_tokens <= 140, `${charge.output_tokens}`);
    const cost = await costByHand(stack.sql, charge);
    assertEquals((await accountOf(stack.sql, user)).balance, before - cost);
  }
});

for (
  const [what, script] of [
    ["drops the connection", { output_tokens: 300, drop_after_tokens: 100 }],
    ["sends an error event", { output_tokens: 300, error_frame_after_tokens: 100 }],
    ["ends without finishing", { output_tokens: 300, end_after_tokens: 100 }],
  ] as const
) {
  Deno.test(`a provider that ${what} in mid-stream is charged for what arrived, and the client is told`, async () => {
    const user = await stack.signUp();
    const stream = await openChat(stack, user, { script });
    const events = await stream.rest();
    const charge = await chargeOf(stack.sql, stream.requestId);
    assertEquals(charge.basis, "estimated");
    assert(charge.output_tokens >= 70 && charge.output_tokens <= 140, `${charge.output_tokens}`);
    const cost = await costByHand(stack.sql, charge);
    assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
    assertEquals(exact(costComment(events)!.cost!), cost);
    assert(events.some((event) => event.text.startsWith('data: {"error":')), "no error event");
  });
}

const SECRETS = [PROVIDER_KEY, PROVIDER_KEY.slice(-4), "org-acme", "billing details"];
for (const [status, code] of [[401, "invalid_api_key"], [403, "x"], [429, "insufficient_quota"]]) {
  Deno.test(`a provider's ${status} ${code} is the operator's business: a 502 without its words, and an incident`, async () => {
    const user = await stack.signUp();
    upstream.respond = () =>
      Response.json({
        error: { message: `${PROVIDER_KEY} of org-acme: check your billing details`, code },
      }, { status: Number(status) });
    const response = await chat(stack, user, { model: MINE });
    assertEquals(response.status, 502);
    const told = JSON.stringify([await response.text(), [...response.headers]]);
    for (const secret of SECRETS) assert(!told.includes(secret), `${secret} is in ${told}`);
    const requestId = response.headers.get("x-request-id")!;
    await assertFree(user, requestId);
    await stack.logged("Incident provider_refused_credentials", requestId);
    // Once a model in a while, and not once a request.
    await until("the incident", async () =>
      (await stack.sql`select from billing.incidents
        where kind = 'provider_refused_credentials'`).length === 1);
  });
}

Deno.test("a provider's rate limit is a 429 with its retry-after, and costs nothing", async () => {
  const user = await stack.signUp();
  upstream.respond = () =>
    Response.json({ error: { message: "slow down", code: "rate_limit_exceeded" } }, {
      status: 429,
      headers: { "retry-after": "7" },
    });
  const response = await chat(stack, user, { model: MINE });
  assertEquals([response.status, response.headers.get("retry-after")], [429, "7"]);
  assertEquals((await response.json()).code, "TOO_MANY_REQUESTS");
  await assertFree(user, response.headers.get("x-request-id")!);
});

Deno.test("usage beyond the reservation is collected up to the balance, the rest is on the record, and an incident tells of it", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.05");
  const stream = await openChat(stack, user, {
    body: { max_tokens: 10 },
    script: {
      output_tokens: 5,
      usage: { prompt_tokens: 50_000, completion_tokens: 9_000, total_tokens: 59_000 },
    },
  });
  const events = await stream.rest();
  const charge = await chargeOf(stack.sql, stream.requestId);
  const cost = await costByHand(stack.sql, charge);
  assertEquals(cost, exact("0.215")); // 50,000 × 0.0025 + 9,000 × 0.01, per thousand.
  assertEquals(exact(charge.collected), exact("0.05"));
  assertEquals(exact(charge.uncollected), exact("0.165"));
  assertEquals(costComment(events)?.balance, "0");
  assertEquals(await accountOf(stack.sql, user), { balance: 0n, reserved: 0n });
  const incidents = await stack.sql`
    select details from billing.incidents
    where request_id = ${stream.requestId} and kind = 'uncollected'`;
  assertEquals(incidents.map((row) => row["details"]), [{ cost: "0.215", uncollected: "0.165" }]);
  await stack.logged("Failed to deduct balance", stream.requestId, "balance_too_low");
  await assertAllSettled(stack.sql);
});

Deno.test("lesson 22: nonsense as usage is charged by an estimate, never below zero and never beyond what the numbers can be", async () => {
  const user = await stack.signUp();
  const NONSENSE = [
    { prompt_tokens: "many", completion_tokens: null },
    { prompt_tokens: 1e300, completion_tokens: 2 ** 53 },
    [],
    "no usage",
  ];
  for (const usage of NONSENSE) {
    const stream = await openChat(stack, user, { script: { output_tokens: 20, usage } });
    await stream.rest();
    const charge = await chargeOf(stack.sql, stream.requestId);
    assertEquals(charge.basis, "estimated", JSON.stringify(usage));
    assert(charge.output_tokens >= 10 && charge.output_tokens <= 40);
  }
  const negative = { prompt_tokens: -5, completion_tokens: -7, total_tokens: -12 };
  const stream = await openChat(stack, user, { script: { output_tokens: 20, usage: negative } });
  await stream.rest();
  const charge = await chargeOf(stack.sql, stream.requestId);
  assert(exact(charge.cost) >= 0n, charge.cost);
  await assertAllSettled(stack.sql);
});

Deno.test("a provider that answers something that is no event stream, or no JSON, breaks nothing and costs nothing", async () => {
  const user = await stack.signUp();
  upstream.respond = () => streamOf([encode("<html>Bad gateway</html>")]);
  const stream = await openChat(stack, user, { model: MINE });
  await stream.rest();
  await assertFree(user, stream.requestId);
  upstream.respond = () => new Response("<html>Bad gateway</html>");
  const response = await chat(stack, user, { model: MINE, stream: false });
  assertEquals(response.status, 502);
  await response.body?.cancel();
  await assertFree(user, response.headers.get("x-request-id")!);
});
