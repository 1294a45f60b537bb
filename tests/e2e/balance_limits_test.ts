import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ArrivedEvent, chat, contentOf, costComment, openChat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  costByHand,
  exact,
  receiptOf,
  setBalance,
  untilReservation,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** What the demo provider was asked, the latest first. */
async function latestAsked(): Promise<Record<string, unknown>> {
  const requests: { body: Record<string, unknown> }[] = await (await fetch(
    `${stack.demoUrl}/_demo/requests`,
  )).json();
  return requests.at(-1)?.body ?? {};
}

Deno.test("lesson 4: below the minimum balance a chat is a 402 that says so in both error shapes, and nothing is reserved or forwarded", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.0099999999");
  for (const stream of [true, false]) {
    await fetch(`${stack.demoUrl}/_demo/requests`, { method: "DELETE" });
    const response = await chat(stack, user, { stream });
    assertEquals(response.status, 402);
    assertEquals(response.headers.get("x-balance"), "0.0099999999");
    assertEquals(response.headers.get("x-should-retry"), "false");
    const text = await response.text();
    assertMatch(text, /"balance":0\.0099999999[,}]/);
    const body = JSON.parse(text);
    assertEquals(body.code, "INSUFFICIENT_BALANCE");
    assertEquals(body.available, "0.0099999999");
    assertEquals(body.error.code, "INSUFFICIENT_BALANCE");
    assertEquals(body.error.type, "insufficient_quota");
    assertEquals(body.message, body.error.message);
    assertMatch(body.message, /\$0\.0099999999 .* at least \$0\.01\. Add credit/);
    assertEquals(body.request_id, response.headers.get("x-request-id"));
    assertEquals(await latestAsked(), {});
  }
  assertEquals(await accountOf(stack.sql, user), { balance: exact("0.0099999999"), reserved: 0n });
});

Deno.test("lesson 8: a balance that affords 60 tokens yields an answer of 60 tokens, and the response, the request upstream and the receipt say so", async () => {
  // Dear, and with a long question, so that 60 tokens of answer come to more than the minimum.
  const model = "anthropic:claude-opus-4-1";
  const question = "How do you do? ".repeat(60);
  const script = { output_tokens: 500, prompt_tokens: 200 };
  for (const stream of [true, false]) {
    const user = await stack.signUp();
    // The bound of the prompt is part of the price: a first request tells what it is.
    const probe = await openChat(stack, user, { model, question, script, body: { max_tokens: 1 } });
    await probe.rest();
    const [held] = await stack.sql`
      select input_tokens_max as bound from billing.reservations
      where request_id = ${probe.requestId}`;
    // The dearest class of input is writing the cache for an hour; and not enough for a 61st token.
    const balance = BigInt(held!["bound"]) * exact("0.00003") + 60n * exact("0.000075") +
      exact("0.0000749");
    assert(balance > exact("0.01"));
    await setBalance(stack, user, `0.${balance.toString().padStart(10, "0")}`);

    const response = await chat(stack, user, { model, question, script, stream });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-output-limited-by"), "balance");
    await response.text();
    assertEquals((await latestAsked())["max_tokens"], 60);
    const charge = await chargeOf(stack.sql, response.headers.get("x-request-id")!);
    assertEquals([charge.output_tokens, charge.finish], [60, "length"]);
    assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
    assertEquals(exact(charge.uncollected), 0n);
    const receipt = await receiptOf(stack, user, charge.request_id);
    assertEquals(exact(receipt.balance_before), balance);
    assertEquals((await accountOf(stack.sql, user)).balance, balance - exact(charge.cost));
  }
});

Deno.test("lesson 5: an answer of more than a slice takes the next slices while it streams, and is one charge", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { output_tokens: 3_000 } });
  const events = await stream.rest();
  assertEquals(events.filter((event) => contentOf(event) !== null).length, 3_000);
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals([charge.output_tokens, charge.basis], [3_000, "reported"]);
  assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
  assertEquals(charge.uncollected, "0.0000000000");
  const [row] = await stack.sql`
    select output_tokens_reserved as reserved from billing.reservations
    where request_id = ${stream.requestId}`;
  assert(row?.["reserved"] >= 3_000 && row?.["reserved"] <= 8_192, `${row?.["reserved"]} reserved`);
  await assertAllSettled(stack.sql);
});

Deno.test("lesson 5: when another request takes the rest of the balance in mid-stream, the stream ends as at a length limit, says why, and is charged within the balance", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.04");
  const stream = await openChat(stack, user, { script: { output_tokens: 3_000, token_ms: 1 } });
  const events: ArrivedEvent[] = [];
  while (events.length < 100) events.push((await stream.next())!);
  // Of $0.04 the first slice holds a good cent: the second request holds most of the rest.
  const second = await openChat(stack, user, { script: { stall_ms: 60_000 } });
  await stack.sql`select public.extend(${second.requestId}, 2500, 0, 0)`;
  events.push(...await stream.rest());
  second.cut();
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  const comment = costComment(events);
  assertEquals(comment?.code, "INSUFFICIENT_BALANCE");
  assertMatch(events.at(-3)!.text, /"finish_reason":"length"/);
  const charge = await chargeOf(stack.sql, stream.requestId);
  const delivered = events.filter((event) => contentOf(event) !== null).length;
  assert(delivered >= 900 && delivered < 2_200, `${delivered} tokens were delivered`);
  assertEquals(charge.basis, "estimated");
  assertEquals(exact(charge.uncollected), 0n);
  assert(exact(charge.cost) <= exact("0.04"));
  assertEquals(comment?.cost && exact(comment.cost), exact(charge.cost));
  // It had delivered nothing, but its client hung up: the provider had the prompt, and bills it.
  await untilReservation(stack.sql, second.requestId, "settled");
  const prompt = await chargeOf(stack.sql, second.requestId);
  assertEquals([prompt.output_tokens, prompt.basis], [0, "estimated"]);
  assertEquals(
    (await accountOf(stack.sql, user)).balance,
    exact("0.04") - exact(charge.collected) - exact(prompt.collected),
  );
  await assertAllSettled(stack.sql);
});
