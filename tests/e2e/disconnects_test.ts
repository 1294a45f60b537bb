import { assert, assertEquals } from "@std/assert";
import { type ArrivedEvent, contentOf, openChat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  costByHand,
  exact,
  untilReservation,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack({ env: { STREAM_DEADLINE_SECONDS: "4" } });
Deno.test.afterAll(() => stack.stop());

Deno.test("lesson 14: a client that reads all the content and cuts before the usage event is charged about what it read", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, {
    script: { output_tokens: 200, token_ms: 2, stall_after_tokens: 200, stall_ms: 60_000 },
  });
  for (let content = 0; content < 200;) {
    if (contentOf((await stream.next())!) !== null) content++;
  }
  stream.cut();
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals(charge.basis, "estimated");
  assert(
    charge.output_tokens >= 160 && charge.output_tokens <= 240,
    `200 tokens were estimated as ${charge.output_tokens}`,
  );
  assert(charge.input_tokens > 0);
  assertEquals(charge.finish, "cancelled");
  const cost = await costByHand(stack.sql, charge);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
});

Deno.test("lesson 13: a client that cuts half-way is charged about half, and the provider is left too", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { output_tokens: 300, token_ms: 4 } });
  for (let content = 0; content < 150;) {
    if (contentOf((await stream.next())!) !== null) content++;
  }
  stream.cut();
  const charge = await chargeOf(stack.sql, stream.requestId);
  assert(
    charge.output_tokens >= 90 && charge.output_tokens <= 210,
    `150 of 300 tokens were charged as ${charge.output_tokens}`,
  );
  const requests: { state: string; tokensSent: number }[] = await (await fetch(
    `${stack.demoUrl}/_demo/requests`,
  )).json();
  assertEquals(requests.at(-1)?.state, "cancelled");
  assert(requests.at(-1)!.tokensSent < 250, `${requests.at(-1)!.tokensSent} tokens were bought`);
});

Deno.test("lesson 15: where aborting would not stop the provider's billing, the stream is read on to the usage and charged by it", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, {
    model: "groq:llama-3.3-70b-versatile",
    script: { output_tokens: 120, token_ms: 3 },
  });
  await stream.readBytes(1_000);
  stream.cut();
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals([charge.basis, charge.output_tokens], ["reported", 120]);
});

/** How the request ended in the ledger, once it did. */
function closedState(requestId: string): Promise<string> {
  return until(`request ${requestId} to be closed`, async () => {
    const [row] = await stack.sql`
      select state from billing.reservations where request_id = ${requestId}`;
    return row?.["state"] !== "open" && row?.["state"];
  });
}

Deno.test("a client that cuts at any byte, 50 of them at random, is settled exactly once, for about what was read, the prompt at least", async () => {
  const user = await stack.signUp();
  const script = { output_tokens: 40, token_ms: 2 };
  const whole = await openChat(stack, user, { script });
  const wholeBytes = (await whole.rest()).reduce((n, { text }) => n + text.length, 0);
  const cuts = Array.from({ length: 50 }, () => Math.floor(Math.random() * wholeBytes));
  const requestIds: string[] = [];
  for (let at = 0; at < cuts.length; at += 10) {
    await Promise.all(
      cuts.slice(at, at + 10).map(async (cut) => {
        const stream = await openChat(stack, user, { script });
        await stream.readBytes(cut);
        stream.cut();
        requestIds.push(stream.requestId);
      }),
    );
  }
  let total = exact((await chargeOf(stack.sql, whole.requestId)).collected);
  for (const requestId of requestIds) {
    const state = await closedState(requestId);
    const charges = await stack.sql<{ output_tokens: number; collected: string }[]>`
      select output_tokens, collected::text from public.usage_records
      where request_id = ${requestId}`;
    assertEquals([state, charges.length], ["settled", 1]);
    const charge = charges[0]!;
    assert(charge.output_tokens <= 60, `${charge.output_tokens}`);
    assert(exact(charge.collected) > 0n);
    total += exact(charge.collected);
  }
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - total, reserved: 0n });
  await assertAllSettled(stack.sql);
});

Deno.test("a client that never reads holds the reservation no longer than the deadline, and is charged once", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { output_tokens: 4_000, token_ms: 5 } });
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals([charge.basis, charge.finish], ["estimated", "deadline"]);
  assert(charge.output_tokens < 4_000);
  const events: ArrivedEvent[] = await stream.rest();
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  await untilReservation(stack.sql, stream.requestId, "settled");
  await assertAllSettled(stack.sql);
});
