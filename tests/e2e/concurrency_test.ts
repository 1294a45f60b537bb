import { assert, assertEquals } from "@std/assert";
import { chat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  type Charge,
  costByHand,
  exact,
  setBalance,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const REQUESTS = 300;

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

Deno.test("lesson 1: 300 concurrent requests of one user with $0.05 are charged at most $0.05: some are answered, the others are a clean 402, and nothing stays open", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.05");
  const answers = await Promise.all(Array.from({ length: REQUESTS }, async (_, i) => {
    const response = await chat(stack, user, {
      stream: i % 2 === 0,
      script: { output_tokens: 60 },
      body: { max_tokens: 60 },
    });
    const text = await response.text();
    return { status: response.status, requestId: response.headers.get("x-request-id")!, text };
  }));
  const answered = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status === 402);
  const others = answers.filter((answer) => ![200, 402].includes(answer.status));
  assertEquals(others, []);
  assert(answered.length > 0 && refused.length > 0, `${answered.length} were answered`);
  for (const { text } of refused) assertEquals(JSON.parse(text).code, "INSUFFICIENT_BALANCE");

  await until("everything to be settled", async () => {
    return (await accountOf(stack.sql, user)).reserved === 0n;
  });
  const charges = await stack.sql<(Charge & { balance_after: string })[]>`
    select request_id, provider_id, model_id, input_tokens, cache_read_tokens, output_tokens,
      cost::text, collected::text, uncollected::text, basis, balance_after::text
    from public.usage_records where user_id = ${user.id}`;
  assertEquals(
    charges.map((charge) => charge.request_id).sort(),
    answered.map((answer) => answer.requestId).sort(),
  );
  let total = 0n;
  for (const charge of charges) {
    assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
    assertEquals(exact(charge.uncollected), 0n);
    assert(exact(charge.balance_after) >= 0n, "the balance was negative");
    total += exact(charge.collected);
  }
  assert(total <= exact("0.05"), `${total} was charged`);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("0.05") - total);
  await assertAllSettled(stack.sql);
});

Deno.test("concurrent requests of many users move each user's own balance alone", async () => {
  const users = await Promise.all(Array.from({ length: 12 }, () => stack.signUp()));
  await Promise.all(users.flatMap((user, i) =>
    Array.from({ length: 5 }, async () => {
      const response = await chat(stack, user, { script: { output_tokens: 10 + i } });
      assertEquals(response.status, 200);
      await response.text();
    })
  ));
  for (const [i, user] of users.entries()) {
    const charges = await stack.sql<{ output_tokens: number; collected: string }[]>`
      select output_tokens, collected::text from public.usage_records where user_id = ${user.id}`;
    assertEquals(charges.map((charge) => charge.output_tokens), Array(5).fill(10 + i));
    const total = charges.reduce((sum, charge) => sum + exact(charge.collected), 0n);
    assertEquals((await accountOf(stack.sql, user)).balance, exact("10") - total);
  }
  await assertAllSettled(stack.sql);
});
