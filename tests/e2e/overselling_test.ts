/**
 * What cannot be counted as it comes must be paid for before it comes: whole answers, and reasoning
 * that is not shown. Whatever is asked at once, nothing that was delivered stays uncollected.
 */
import { assert, assertEquals } from "@std/assert";
import { chat, openChat } from "../support/chat.ts";
import { accountOf, assertAllSettled, chargeOf, exact, setBalance } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** The sum of what the user's answers cost beyond what was collected, and how many there were. */
async function oversold(user: TestUser): Promise<{ uncollected: bigint; charges: number }> {
  const [row] = await stack.sql<{ uncollected: string; charges: number }[]>`
    select coalesce(sum(uncollected), 0)::text as uncollected, count(*)::int as charges
    from public.usage_records where user_id = ${user.id}`;
  return { uncollected: exact(row!.uncollected), charges: row!.charges };
}

Deno.test("lesson 8: 20 whole answers at once, without a limit of their own, never cost more than the balance", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.20");
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => {
    const response = await chat(stack, user, { stream: false, script: { output_tokens: 9_000 } });
    await response.body?.cancel();
    return response.status;
  }));
  assert(statuses.every((status) => status === 200 || status === 402), statuses.join());
  await assertAllSettled(stack.sql);
  const { uncollected, charges } = await oversold(user);
  assertEquals(uncollected, 0n);
  assertEquals(charges, statuses.filter((status) => status === 200).length);
  assert(charges >= 1);
});

Deno.test("12 streams of hidden reasoning at once never cost more than the balance", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.20");
  await Promise.all(Array.from({ length: 12 }, async () => {
    const response = await chat(stack, user, {
      model: "openai:gpt-5",
      script: { output_tokens: 20, reasoning_tokens: 12_000 },
    });
    await response.text();
  }));
  await assertAllSettled(stack.sql);
  const { uncollected, charges } = await oversold(user);
  assertEquals(uncollected, 0n);
  assert(charges >= 1);
});

Deno.test("whoever leaves a reasoning model before the usage is charged what it reports, thoughts included", async () => {
  const user = await stack.signUp();
  const stream = await openChat(stack, user, {
    model: "openai:gpt-5",
    script: { output_tokens: 20, reasoning_tokens: 4_000, token_ms: 2 },
  });
  await stream.next();
  await stream.next();
  stream.cut();
  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals([charge.output_tokens, charge.basis], [4_020, "reported"]);
  assert((await accountOf(stack.sql, user)).balance < exact("10"));
});
