import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ArrivedEvent, chat, contentOf, costComment, openChat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  chargesOf,
  costByHand,
  exact,
  untilReservation,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack({ env: { HEARTBEAT_SECONDS: "1" } });
Deno.test.afterAll(() => stack.stop());

/** The checkpoint in the ledger, once it is more than `than`. */
function checkpointOf(requestId: string, than: number): Promise<number> {
  return until(`a checkpoint above ${than}`, async () => {
    const [row] = await stack.sql`
      select checkpoint_output_tokens as tokens from billing.reservations
      where request_id = ${requestId}`;
    return row?.["tokens"] > than && row?.["tokens"];
  });
}

Deno.test("lesson 9: kill -9 of the functions in mid-stream: the sweeper settles at the checkpoint, and the functions are back by themselves", async () => {
  await stack.sql`update billing.settings set reservation_ttl_seconds = 2`;
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { output_tokens: 1_000, token_ms: 20 } });
  const reading = stream.rest().then(() => "ended", () => "broken");
  const first = await checkpointOf(stream.requestId, 0);
  const second = await checkpointOf(stream.requestId, first);
  const pid = await stack.functionsPid();
  Deno.kill(pid!, "SIGKILL");
  assertEquals(await reading, "broken");

  const charge = await chargeOf(stack.sql, stream.requestId);
  assertEquals([charge.basis, charge.finish], ["checkpoint", "expired"]);
  assert(charge.output_tokens >= second && charge.output_tokens < 1_000, `${charge.output_tokens}`);
  const cost = await costByHand(stack.sql, charge);
  assert(cost > 0n);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
  await untilReservation(stack.sql, stream.requestId, "expired");
  await assertAllSettled(stack.sql);

  const again = await until("the functions to answer again", async () => {
    const response = await chat(stack, user, { script: { output_tokens: 5 }, stream: false });
    if (response.ok) return response;
    assertEquals(response.status, 503);
    await response.body?.cancel();
    return null;
  });
  assertEquals((await again.json()).usage.completion_tokens, 5);
  assert(await stack.functionsPid() !== pid);
});

Deno.test("kill -9 before any content costs nothing", async () => {
  await stack.sql`update billing.settings set reservation_ttl_seconds = 1`;
  const user = await stack.signUp();
  const stream = await openChat(stack, user, { script: { stall_ms: 60_000 } });
  Deno.kill((await stack.functionsPid())!, "SIGKILL");
  await stream.rest().catch(() => {});
  await untilReservation(stack.sql, stream.requestId, "expired");
  assertEquals(await chargesOf(stack.sql, stream.requestId), []);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10"), reserved: 0n });
});

/** Stops Postgres in the middle of a stream of 100 tokens; starts it again when that has ended. */
async function outageDuringStream(order: "stop" | "kill") {
  const user = await until("the functions to answer", () => stack.signUp().catch(() => null));
  const stream = await until("a stream", () =>
    openChat(stack, user, {
      script: { output_tokens: 100, stall_after_tokens: 50, stall_ms: 3_000 },
    }).catch(() => null));
  const events: ArrivedEvent[] = [];
  while (events.length < 40) events.push((await stream.next())!);
  await checkpointOf(stream.requestId, 0);
  await stack.postgres(order);
  events.push(...await stream.rest());
  assertEquals(events.filter((event) => contentOf(event) !== null).length, 100);
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  // The cost is not known yet, and nobody was made to wait for it.
  assertEquals(costComment(events), null);
  await stack.postgres("start");
  return { user, requestId: stream.requestId };
}

Deno.test("Postgres stops in mid-stream: the client's stream completes, and the settle lands when Postgres is back", async () => {
  await stack.sql`update billing.settings set reservation_ttl_seconds = default`;
  const { user, requestId } = await outageDuringStream("stop");
  const charge = await chargeOf(stack.sql, requestId);
  assertEquals([charge.basis, charge.output_tokens], ["reported", 100]);
  const cost = await costByHand(stack.sql, charge);
  assertEquals(exact(charge.cost), cost);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
  assertMatch(await stack.logged("Usage recorded", requestId), /"basis":"reported"/);
  await assertAllSettled(stack.sql);
});

Deno.test("Postgres crashes in mid-stream for longer than the reservation lives: whoever comes first, the sum is the true cost, once", async () => {
  await stack.sql`update billing.settings set reservation_ttl_seconds = 2`;
  const { user, requestId } = await outageDuringStream("kill");
  await stack.logged("Usage recorded", requestId);
  const rows = await chargesOf(stack.sql, requestId);
  const sum = (pick: (row: typeof rows[number]) => number) =>
    rows.reduce((total, row) => total + pick(row), 0);
  assertEquals(sum((row) => row.output_tokens), 100);
  const cost = await costByHand(stack.sql, {
    ...rows[0]!,
    input_tokens: sum((row) => row.input_tokens),
    output_tokens: 100,
  });
  assertEquals(rows.reduce((total, row) => total + exact(row.cost), 0n), cost);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
  await assertAllSettled(stack.sql);
});
