/** The client's answers on a whole stack: what is said, what it cost, and what is left. */
import { assertEquals } from "@std/assert";
import { assert } from "../../support/narrowing.ts";
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

const stack = await startTestStack({ env: { SAVE_CHAT_HISTORY: "on" } });
Deno.test.afterAll(() => stack.stop());

Deno.test("an answer comes as start, text, cost, end; its cost is the receipt's and the database's", async () => {
  const { farebox, userId } = await userPage(stack);
  const chatId = crypto.randomUUID();
  const told: unknown[] = [];
  farebox.onCost((cost) => told.push(cost));
  const heard = await hear(
    farebox.streamChat(asking({ text: "Good day, Ünïcödé 🙂" }), { chatId }),
  );
  assertEquals(heard.error, undefined);
  assertEquals(heard.text, "Good day, Ünïcödé 🙂");
  assertEquals(heard.finishReason, "stop");
  const { start, cost } = heard;
  assert(start !== null && cost !== null);
  assertEquals(heard.events.map(({ type }) => type).filter((type) => type !== "text"), [
    "start",
    "cost",
    "end",
  ]);
  assertEquals(start, {
    type: "start",
    requestId: cost.request_id,
    model: "openai:gpt-4o",
    outputLimitedBy: null,
    freeExchangesLeft: null,
  });
  const receipt = await farebox.receipt(start.requestId);
  const [row] = await stack.sql`
    select trim_scale(cost)::text as cost, chat_id, user_id from public.usage_records
    where request_id = ${start.requestId}`;
  assertEquals([cost.cost, receipt.balance_after, receipt.basis], [
    receipt.cost,
    cost.balance,
    cost.basis,
  ]);
  assertEquals(row, { cost: cost.cost, chat_id: chatId, user_id: userId });
  assertEquals(cost.balance, await balanceInDatabase(stack, userId));
  assertEquals(told, [{ chatId, requestId: start.requestId }]);
  assertEquals((await farebox.chatCost(chatId)).cost, cost.cost);
  const usage = await farebox.usage({ chatId, limit: 1 });
  assertEquals(usage.records[0]?.request_id, start.requestId);
  assertEquals((await farebox.usage({ chatId: "another" })).records, []);
  assertEquals((await farebox.usageSummary({ by: "model" })).total.cost, cost.cost);
  assertEquals((await farebox.transactions()).transactions[0]?.amount, "10");
});

Deno.test("thoughts are told apart from the text", async () => {
  const { farebox } = await userPage(stack);
  const request = asking({ text: "Done.", reasoning_tokens: 20 }, {
    model: "deepseek:deepseek-reasoner",
  });
  const heard = await hear(farebox.streamChat(request));
  assertEquals([heard.error, heard.text], [undefined, "Done."]);
  assert(heard.reasoning.length > 10, heard.reasoning);
});

Deno.test("a tool call comes whole, after the text and before the cost", async () => {
  const { farebox } = await userPage(stack);
  const parameters = { type: "object", properties: { city: { type: "string" } } };
  const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
  const script = { tool: { name: "get_weather", arguments: { city: "Zürich" } } };
  const heard = await hear(farebox.streamChat(asking(script, { tools })));
  const calls = heard.events.flatMap((event) => event.type === "tool_call" ? event.toolCall : []);
  assertEquals(calls.map(({ name, index }) => ({ name, index })), [{
    name: "get_weather",
    index: 0,
  }]);
  assertEquals(JSON.parse(calls[0]?.arguments ?? ""), { city: "Zürich" });
  assertEquals(heard.events.slice(-3).map(({ type }) => type), ["tool_call", "cost", "end"]);
  assertEquals(heard.finishReason, "tool_calls");
});

Deno.test("the balance is told before the cost is, and is the database's to the last digit", async () => {
  const { farebox, userId } = await userPage(stack);
  await stack.sql`
    update public.user_balances set balance = 9.0000000001 where user_id = ${userId}`;
  const balances = balancesOf(farebox);
  await until("the balance", () => balances.last() === "9.0000000001");
  assertEquals((await farebox.balance() as { balance: string }).balance, "9.0000000001");
  const heard = await hear(farebox.streamChat(asking()), ({ type }) => {
    if (type === "cost") assert(balances.last() !== "9.0000000001", "told by now");
  });
  const left = await balanceInDatabase(stack, userId);
  assertEquals([heard.cost?.balance, balances.last()], [left, left]);
  await until("what is available", () => {
    const balance = balances.told.at(-1);
    return balance?.kind === "user" && balance.available === left && balance.reserved === "0";
  });
  farebox.close();
});

Deno.test("a guest keeps one token, hears what is free, and of a user's balance after signing up", async () => {
  const { farebox, supabase } = guestPage(stack);
  const balances = balancesOf(farebox);
  const left = () => {
    const balance = balances.told.at(-1);
    return balance?.kind === "guest" ? balance.exchanges.left : null;
  };
  const first = await until("what is free", () => left());
  const heard = await hear(farebox.streamChat(asking()));
  assertEquals([heard.start?.freeExchangesLeft, left()], [first - 1, first - 1]);
  assertEquals([heard.cost?.balance, heard.finishReason], [null, "stop"]);
  await supabase.auth.signUp({
    email: `${crypto.randomUUID()}@example.com`,
    password: "a good one",
  });
  await until("the welcome credit", () => balances.last() === "10");
  await supabase.auth.signOut();
  await until("the guest again", () => left() === first - 1);
  farebox.close();
});

Deno.test("an answer cut short by the balance says so at its start and in its cost", async () => {
  const { farebox, userId } = await userPage(stack);
  await stack.sql`update public.user_balances set balance = 0.0101 where user_id = ${userId}`;
  const heard = await hear(farebox.streamChat(asking({ output_tokens: 4000 })));
  assertEquals([heard.error, heard.start?.outputLimitedBy], [undefined, "balance"]);
  assertEquals([heard.finishReason, heard.cost?.balance], [
    "length",
    await balanceInDatabase(stack, userId),
  ]);
});

Deno.test("models and an estimate tell what a message would cost before it is sent", async () => {
  const { farebox } = await userPage(stack);
  const models = await farebox.models();
  const model = models.find(({ id }) => id === "openai:gpt-4o");
  assertEquals(model?.pricing.input_per_1k, "0.0025");
  const estimate = await farebox.estimate({ model: "openai:gpt-4o", messages: asking().messages });
  assertEquals([estimate.available, estimate.model], ["10", "openai:gpt-4o"]);
  const guest = await guestPage(stack).farebox.estimate(asking());
  assertEquals([guest.available, guest.affordable_answers], [null, null]);
});

Deno.test("a repeated idempotency key gives the stored answer with its cost, charged once", async () => {
  const { farebox, userId } = await userPage(stack);
  const idempotencyKey = crypto.randomUUID();
  const ask = () => hear(farebox.streamChat(asking(), { idempotencyKey }));
  const [first, second] = [await ask(), await ask()];
  assertEquals(second.error, undefined);
  assertEquals([second.text, second.cost], [first.text, first.cost]);
  assertEquals(second.start?.requestId, first.start?.requestId);
  const rows = await stack.sql`select from public.usage_records where user_id = ${userId}`;
  assertEquals(rows.length, 1);
});

Deno.test("a fallback model that answers is named in the start", async () => {
  const { farebox } = await userPage(stack);
  const script = { fail: 503, fail_model: "gpt-4o" };
  const fallbackModels = ["openai:gpt-4o-mini"];
  const heard = await hear(farebox.streamChat(asking(script), { fallbackModels }));
  assertEquals([heard.error, heard.start?.model], [undefined, "openai:gpt-4o-mini"]);
});
