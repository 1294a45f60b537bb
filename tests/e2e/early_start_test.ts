/** A request that is at its provider while it is still being reserved, on the whole stack. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encode } from "../llm/chunks.ts";
import { chat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  costByHand,
  exact,
  setBalance,
  untilReservation,
} from "../support/charges.ts";
import { untilSomebodyWaits } from "../support/locks.ts";
import type { Sql } from "../support/connect.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { heldStream, startUpstream, streamOf } from "../support/upstream.ts";
import { until } from "../support/until.ts";

const upstream = startUpstream();
const stack = await startTestStack({ env: { OPENAI_BASE_URL: upstream.url } });
Deno.test.afterAll(() => stack.stop());
Deno.test.afterAll(() => upstream.stop());

const ANSWER = encode(
  `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n` +
    `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}\n\n` +
    `data: [DONE]\n\n`,
);

/** Somebody whom the worker has served before. */
async function knownUser(): Promise<TestUser> {
  const user = await stack.signUp();
  upstream.respond = () => streamOf([ANSWER]);
  const response = await chat(stack, user);
  await response.text();
  assertEquals(response.status, 200);
  await untilReservation(stack.sql, response.headers.get("x-request-id")!, "settled");
  return user;
}

/** A request whose reserve waits, by then, until `meanwhile` is over. */
async function whileReserving(
  user: TestUser,
  meanwhile: (sql: Sql, isAnswered: () => boolean) => Promise<void>,
): Promise<Response> {
  let response!: Promise<Response>;
  let isAnswered = false;
  await stack.sql.begin(async (sql) => {
    await sql`select from public.user_balances where user_id = ${user.id} for update`;
    response = chat(stack, user).finally(() => isAnswered = true);
    await untilSomebodyWaits(stack.sql);
    await meanwhile(sql as unknown as Sql, () => isAnswered);
  });
  return await response;
}

Deno.test("a known user's request is answered by the provider while the ledger reserves, is relayed after it, and charged once", async () => {
  const user = await knownUser();
  const before = await accountOf(stack.sql, user);
  const asked = upstream.bodies.length;
  const answered = await whileReserving(user, async (_, isAnswered) => {
    await until("the provider to be asked", () => upstream.bodies.length > asked);
    const open = await stack.sql`select from billing.reservations where state = 'open'`;
    assertEquals([open.length, isAnswered()], [0, false]);
  });
  assertEquals(answered.status, 200);
  assertMatch(await answered.text(), /"content":"Hi"/);
  const charge = await chargeOf(stack.sql, answered.headers.get("x-request-id")!);
  assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
  const after = await accountOf(stack.sql, user);
  assertEquals(after, { balance: before.balance - exact(charge.cost), reserved: 0n });
  await assertAllSettled(stack.sql);
});

Deno.test("refused meanwhile: 402, the provider's request is ended, the loss counts against the day's bound, and the user's next request waits", async () => {
  const user = await knownUser();
  const asked = upstream.bodies.length;
  const held = heldStream(encode(""), ANSWER);
  upstream.respond = () => held.response;
  const refused = await whileReserving(user, async (sql) => {
    await until("the provider to be asked", () => upstream.bodies.length > asked);
    await setBalance({ ...stack, sql }, user, "0");
  });
  assertEquals([refused.status, (await refused.json()).code], [402, "INSUFFICIENT_BALANCE"]);
  await held.left;
  const requestId = refused.headers.get("x-request-id")!;
  const loss = await until("the loss", async () => {
    const [row] = await stack.sql`
      select user_id, details from billing.incidents
      where kind = 'early_start_refused' and request_id = ${requestId}`;
    return row;
  });
  assertEquals([loss["user_id"], loss["details"].reason], [user.id, "INSUFFICIENT_BALANCE"]);
  assert(exact(loss["details"].amount) > 0n);
  const [settings] = await stack.sql`select public.function_settings() ->> 'early_starts' as left`;
  const { loss_left } = JSON.parse(settings!["left"]);
  assertEquals(exact(loss_left), exact("1") - exact(loss["details"].amount));

  assertEquals((await chat(stack, user)).status, 402);
  assertEquals(upstream.bodies.length, asked + 1);
  await assertAllSettled(stack.sql);
});
