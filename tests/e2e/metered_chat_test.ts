import { assert, assertEquals, assertMatch } from "@std/assert";
import { chat, contentOf, costComment, openChat } from "../support/chat.ts";
import {
  accountOf,
  ask,
  assertAllSettled,
  chargeOf,
  costByHand,
  exact,
  receiptOf,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack({ pace: "realistic" });
Deno.test.afterAll(() => stack.stop());

Deno.test("lesson 33: a new user has $10, and a streamed chat arrives token by token, names its cost before the last event and takes exactly tokens × price", async () => {
  const user = await stack.signUp();
  const before = await ask(stack, user);
  assertEquals(before, { balance: 10, currency: "USD", available: "10", reserved: "0" });

  const stream = await openChat(stack, user, { script: { output_tokens: 60 } });
  assertEquals(stream.response.status, 200);
  assertMatch(stream.response.headers.get("content-type")!, /^text\/event-stream/);
  const events = await stream.rest();
  const tokens = events.filter((event) => contentOf(event) !== null);
  assertEquals(tokens.length, 60);
  // 60 tokens at 20 ms each: they did not arrive together.
  assert(tokens.at(-1)!.atMs - tokens[0]!.atMs > 600, "the answer came at once");
  const gaps = tokens.slice(1).filter((token, i) => token.atMs - tokens[i]!.atMs > 5);
  assert(gaps.length > 30, `only ${gaps.length} of 59 tokens came apart from the one before`);
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  assertMatch(events.at(-2)!.text, /^: farebox \{/);

  const comment = costComment(events)!;
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals(comment.request_id, stream.requestId);
  assertEquals(charge.user_id, user.id);
  assertEquals(charge.basis, "reported");
  assertEquals(charge.output_tokens, 60);
  assert(charge.input_tokens > 0);
  assertEquals(comment.tokens?.["output"], 60);
  const cost = await costByHand(stack.sql, charge);
  assertEquals(exact(charge.cost), cost);
  assertEquals(exact(comment.cost!), cost);
  assertEquals(exact(comment.balance!), exact("10") - cost);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });

  const receipt = await receiptOf(stack, user, stream.requestId);
  assertEquals(exact(receipt.cost), cost);
  assertEquals(receipt.balance_before, "10");
  assertEquals(exact(receipt.balance_after), exact("10") - cost);
  const after = await ask<{ balance: number; available: string }>(stack, user);
  assertEquals(after.available, comment.balance);
  await assertAllSettled(stack.sql);
});

Deno.test("a whole answer carries its cost and the balance as headers, and is charged the same way", async () => {
  const user = await stack.signUp();
  const response = await chat(stack, user, {
    stream: false,
    script: { output_tokens: 40, prompt_tokens: 1_500, cached_tokens: 1_024 },
  });
  assertEquals(response.status, 200);
  const answer = await response.json();
  assertEquals(answer.usage.completion_tokens, 40);
  const charge = await chargeOf(stack.sql, response.headers.get("x-request-id")!);
  assertEquals(
    [charge.input_tokens, charge.cache_read_tokens, charge.output_tokens],
    [476, 1_024, 40],
  );
  const cost = await costByHand(stack.sql, charge);
  // 476 × 0.0025 + 1,024 × 0.00125 + 40 × 0.01, per thousand.
  assertEquals(cost, exact("0.00287"));
  assertEquals(response.headers.get("x-cost"), "0.00287");
  assertEquals(response.headers.get("x-balance"), "9.99713");
  assertEquals((await accountOf(stack.sql, user)).balance, exact("9.99713"));
  await receiptOf(stack, user, charge.request_id);
});

Deno.test("what a chat cost, what a user used and the statement say the same", async () => {
  const user = await stack.signUp();
  const headers = { "x-chat-id": crypto.randomUUID() };
  const script = { output_tokens: 12, token_ms: 0, first_token_ms: 0 };
  const first = await openChat(stack, user, { script, headers });
  const second = await openChat(stack, user, { script, headers });
  const costs = [await first.rest(), await second.rest()].map((events) =>
    exact(costComment(events)!.cost!)
  );
  const total = costs[0]! + costs[1]!;
  const ofChat = await ask<{ cost: string; requests: number }>(
    stack,
    user,
    `/usage/chats/${headers["x-chat-id"]}`,
  );
  assertEquals([exact(ofChat.cost), ofChat.requests], [total, 2]);
  const usage = await ask<{ records: { cost: string; request_id: string }[] }>(
    stack,
    user,
    "/usage",
  );
  assertEquals(
    usage.records.map((record) => record.request_id).sort(),
    [
      first.requestId,
      second.requestId,
    ].sort(),
  );
  const byModel = await ask<{ total: { cost: string } }>(stack, user, "/usage/summary?by=model");
  assertEquals(exact(byModel.total.cost), total);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("10") - total);
});
