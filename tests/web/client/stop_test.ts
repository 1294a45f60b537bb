/** Stopping, aborting and leaving an answer on a whole stack. */
import { assertEquals } from "@std/assert";
import { assert, assertInstanceOf } from "../../support/narrowing.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  asking,
  balanceInDatabase,
  balancesOf,
  guestPage,
  hear,
  userPage,
} from "./client_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const SLOW = { output_tokens: 400, token_ms: 15 };

Deno.test("stop() ends the answer with the cost of what was received, which is the database's", async () => {
  const { farebox, userId } = await userPage(stack);
  const balances = balancesOf(farebox);
  const stream = farebox.streamChat(asking(SLOW));
  let texts = 0;
  const heard = await hear(stream, ({ type }) => {
    if (type === "text" && ++texts === 5) stream.stop();
  });
  assertEquals([heard.error, heard.finishReason], [undefined, "stopped"]);
  assert(heard.cost !== null);
  const [row] = await stack.sql`
    select trim_scale(cost)::text as cost, output_tokens from public.usage_records
    where request_id = ${heard.start?.requestId ?? ""}`;
  assertEquals(heard.cost.cost, row?.["cost"]);
  assertEquals(heard.cost.tokens?.output, row?.["output_tokens"]);
  assert(row?.["output_tokens"] >= 1 && row?.["output_tokens"] < 200, "far from the whole answer");
  assertEquals(heard.cost.balance, await balanceInDatabase(stack, userId));
  assertEquals(balances.last(), heard.cost.balance);
  farebox.close();
});

Deno.test("stop() before the iteration asks nothing", async () => {
  const { farebox, userId } = await userPage(stack);
  const stream = farebox.streamChat(asking());
  stream.stop();
  stream.stop();
  assertEquals((await hear(stream)).events, [{ type: "end", finishReason: "stopped" }]);
  const rows = await stack.sql`
    select from billing.reservations where user_id = ${userId}`;
  assertEquals(rows.length, 0);
});

Deno.test("stop() before the answer began ends it at once, and the balance is looked up again", async () => {
  const { farebox, userId } = await userPage(stack);
  const balances = balancesOf(farebox);
  await until("the balance", () => balances.last() === "10");
  const stream = farebox.streamChat(asking(SLOW));
  const hearing = hear(stream);
  stream.stop();
  const { events, error } = await hearing;
  assertEquals([error, events], [undefined, [{ type: "end", finishReason: "stopped" }]]);
  const told = balances.told.length;
  await until("a look at the balance", () => balances.told.length > told);
  await until("nothing to be held", async () => {
    const [row] = await stack.sql`
      select count(*)::int as open from billing.reservations
      where user_id = ${userId} and state = 'open'`;
    return row?.["open"] === 0;
  });
  await farebox.refreshBalance();
  assertEquals(balances.last(), await balanceInDatabase(stack, userId));
  farebox.close();
});

Deno.test("stop() after the last word changes nothing", async () => {
  const { farebox } = await userPage(stack);
  const stream = farebox.streamChat(asking({ text: "All of it." }));
  const heard = await hear(stream, ({ type }) => {
    if (type === "cost") stream.stop();
  });
  stream.stop();
  assertEquals([heard.text, heard.finishReason, heard.error], ["All of it.", "stop", undefined]);
});

Deno.test("a guest's stopped answer ends without a cost", async () => {
  const { farebox } = guestPage(stack);
  const stream = farebox.streamChat(asking(SLOW));
  const heard = await hear(stream, ({ type }) => {
    if (type === "text") stream.stop();
  });
  assertEquals([heard.error, heard.cost, heard.finishReason], [undefined, null, "stopped"]);
});

Deno.test("an aborted signal throws an AbortError, before, during and after a reason of its own", async () => {
  const { farebox } = await userPage(stack);
  const { error: before, events } = await hear(
    farebox.streamChat(asking(), { signal: AbortSignal.abort() }),
  );
  assertInstanceOf(before, DOMException);
  assertEquals([before.name, events], ["AbortError", []]);
  for (const reason of [undefined, new Error("the page was left")]) {
    const aborter = new AbortController();
    const { error, text } = await hear(
      farebox.streamChat(asking(SLOW), { signal: aborter.signal }),
      ({ type }) => {
        if (type === "text") aborter.abort(reason);
      },
    );
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "AbortError");
    assert(text.length > 0);
  }
});

Deno.test("whoever leaves the loop hangs up, and is charged for what was received", async () => {
  const { farebox, userId } = await userPage(stack);
  for await (const event of farebox.streamChat(asking(SLOW))) if (event.type === "text") break;
  const tokens = await until("the charge", async () => {
    const [row] = await stack.sql`
      select output_tokens from public.usage_records where user_id = ${userId}`;
    return row?.["output_tokens"];
  });
  assert(tokens < 200, `${tokens}`);
});

Deno.test("an answer can be iterated once", async () => {
  const { farebox } = await userPage(stack);
  const stream = farebox.streamChat(asking());
  await hear(stream);
  const { error } = await hear({ [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() });
  assertInstanceOf(error, TypeError);
});
