/** What a plain `fetch` sends, and what the user is told of it afterwards, to the last decimal. */
import { assert, assertEquals } from "@std/assert";
import { ask, exact } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { headersOf, ordering, post, QUESTION, settled, whatWasAsked } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

interface Usage {
  readonly request_id: string;
  readonly chat_id: string | null;
  readonly model: string;
  readonly provider: string;
  readonly tokens: Record<string, number>;
  readonly cost: string;
  readonly created_at: string;
}
interface UsagePage {
  readonly records: Usage[];
  readonly next_before: string | null;
}
interface Summary {
  readonly groups: { key: string; requests: number; cost: string }[];
  readonly total: { requests: number; cost: string; tokens: Record<string, number> };
}
interface ChatCost {
  readonly cost: string;
  readonly requests: number;
  readonly messages: { request_id: string; cost: string }[];
}
interface Transactions {
  readonly transactions: { id: number; kind: string; amount: string; balance_after: string }[];
  readonly next_before: string | null;
}

/** `POST /`, as a page without any SDK does it. */
function postAlias(user: TestUser, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${stack.functionsUrl}/chat-proxy`, {
    method: "POST",
    headers: { ...Object.fromEntries(headersOf(user)), ...headers },
    body: JSON.stringify(body),
  });
}

async function costOf(response: Response): Promise<bigint> {
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return exact(response.headers.get("x-cost")!);
}

const sum = (amounts: readonly string[]) =>
  amounts.reduce((total, amount) => total + exact(amount), 0n);

Deno.test("POST / takes chat_id in the body, charges under it and never forwards it", async () => {
  const user = await stack.signUp();
  const body = { ...ordering({ output_tokens: 3 }), chat_id: "chat-in-body" };
  const cost = await costOf(await postAlias(user, body));
  const streamed = await postAlias(user, { ...body, stream: true });
  assert((await streamed.text()).includes(": farebox {"));
  await settled(stack);

  const chat = await ask<ChatCost>(stack, user, "/usage/chats/chat-in-body");
  assertEquals(chat.requests, 2);
  assert(exact(chat.cost) > cost);
  for (const { body } of (await whatWasAsked(stack)).slice(-2)) {
    assert(!JSON.stringify(body).includes("chat"), JSON.stringify(body));
  }
});

Deno.test("x-chat-id names the chat too, wins over the body's, and is not forwarded either", async () => {
  const user = await stack.signUp();
  const body = { ...ordering({ output_tokens: 3 }), chat_id: "other" };
  await costOf(await postAlias(user, body, { "x-chat-id": "chat-in-header" }));
  await costOf(await post(stack, user, QUESTION, { "x-chat-id": "chat-in-header" }));
  await settled(stack);
  assertEquals((await ask<ChatCost>(stack, user, "/usage/chats/chat-in-header")).requests, 2);
  assertEquals((await ask<ChatCost>(stack, user, "/usage/chats/other")).requests, 0);
  const { headers } = (await whatWasAsked(stack)).at(-1)!;
  const ours = ["x-chat-id", "authorization", "apikey", "x-guest-token", "cookie"];
  assertEquals(ours.filter((name) => name in headers), []);
});

Deno.test("every other field of a body reaches the provider as it was sent", async () => {
  const user = await stack.signUp();
  const body = {
    ...ordering({ output_tokens: 2 }),
    temperature: 0.3,
    top_p: 0.9,
    stop: ["\n\n", "Ende – 完"],
    seed: 4711,
    logit_bias: { "50256": -100 },
    metadata: { app: "läuft" },
    response_format: {
      type: "json_schema",
      json_schema: { name: "x", schema: { type: "object" } },
    },
    user: "somebody",
    presence_penalty: null,
  };
  await costOf(await postAlias(user, { ...body, chat_id: "c" }));
  const model = "gpt-4o";
  assertEquals((await whatWasAsked(stack)).at(-1)!.body, { ...body, model });

  const streamed = await postAlias(user, { ...body, stream: true });
  await streamed.body?.cancel();
  const usage = { stream_options: { include_usage: true } };
  assertEquals((await whatWasAsked(stack)).at(-1)!.body, {
    ...body,
    model,
    stream: true,
    ...usage,
  });
});

Deno.test("credentials are taken where each SDK puts them", async () => {
  const { token } = await stack.signUp();
  for (const name of ["x-api-key", "x-goog-api-key", "apikey"]) {
    await costOf(await post(stack, { headers: { [name]: token } }, QUESTION));
  }
  const { publishableKey } = stack.details;
  const browser = { authorization: `Bearer ${token}`, apikey: publishableKey };
  const response = await post(stack, { headers: browser }, QUESTION);
  await costOf(response);
  assertEquals(response.headers.get("x-guest-token"), null, "a signed-in user is no guest");
});

Deno.test("balance, usage, chats, summaries and transactions agree to the last decimal", async () => {
  const user = await stack.signUp();
  const models = ["openai:gpt-4o", "openai:gpt-4o-mini", "deepseek:deepseek-chat"];
  const known = (await ask<UsagePage>(stack, user, "/usage")).records;
  assertEquals(known, []);
  const catalogue = await (await fetch(`${stack.functionsUrl}/chat-proxy/v1/models`, {
    headers: headersOf(user),
  })).json() as { data: { id: string }[] };
  const chosen = models.filter((model) => catalogue.data.some(({ id }) => id === model));
  assert(chosen.length >= 2, "the seeds have these models");
  let total = 0n;
  for (let i = 0; i < 7; i++) {
    const body = {
      ...ordering({ output_tokens: 7 + i, prompt_tokens: 101 + i, cached_tokens: i }),
    };
    const model = chosen[i % chosen.length];
    const chat = { "x-chat-id": `c${i % 2}` };
    total += await costOf(await post(stack, user, { ...body, model }, chat));
  }
  await settled(stack);

  const { balance, available, reserved } = await ask(stack, user);
  assertEquals(exact(String(available)), exact("10") - total);
  assertEquals(reserved, "0");
  assertEquals(exact(String(balance)), exact("10") - total);

  const { records } = await ask<UsagePage>(stack, user, "/usage");
  assertEquals(records.length, 7);
  assertEquals(sum(records.map(({ cost }) => cost)), total);
  const chats = await Promise.all(
    ["c0", "c1"].map((id) => ask<ChatCost>(stack, user, `/usage/chats/${id}`)),
  );
  assertEquals(chats.map(({ requests }) => requests), [4, 3]);
  assertEquals(sum(chats.map(({ cost }) => cost)), total);
  for (const chat of chats) {
    assertEquals(sum(chat.messages.map(({ cost }) => cost)), exact(chat.cost));
  }
  for (const by of ["model", "day"]) {
    const summary = await ask<Summary>(stack, user, `/usage/summary?by=${by}`);
    assertEquals(exact(summary.total.cost), total);
    assertEquals(summary.total.requests, 7);
    assertEquals(sum(summary.groups.map(({ cost }) => cost)), total);
    const keys = summary.groups.map(({ key }) => key).sort();
    if (by === "model") assertEquals(keys, [...chosen].sort());
    else assert(keys.every((key) => /^\d{4}-\d{2}-\d{2}$/.test(key)), `${keys}`);
  }
  const { transactions } = await ask<Transactions>(stack, user, "/transactions");
  assertEquals(transactions.map(({ kind, amount }) => ({ kind, amount })), [
    { kind: "grant", amount: "10" },
  ]);
});

Deno.test("usage is filtered by model, chat and time, and paged without a gap or a repeat", async () => {
  const user = await stack.signUp();
  const script = ordering({ output_tokens: 1 });
  for (let i = 0; i < 5; i++) {
    const model = i < 2 ? "openai:gpt-4o-mini" : "openai:gpt-4o";
    await costOf(await post(stack, user, { ...script, model }, { "x-chat-id": `f${i}` }));
  }
  const all = (await ask<UsagePage>(stack, user, "/usage")).records;
  assertEquals(all.map(({ chat_id }) => chat_id), ["f4", "f3", "f2", "f1", "f0"]);

  const seen: Usage[] = [];
  let page = await ask<UsagePage>(stack, user, "/usage?limit=2");
  for (;;) {
    assert(page.records.length <= 2);
    seen.push(...page.records);
    if (page.next_before === null) break;
    page = await ask<UsagePage>(stack, user, `/usage?limit=2&before=${page.next_before}`);
  }
  assertEquals(seen, all);

  const ids = async (query: string) =>
    (await ask<UsagePage>(stack, user, `/usage?${query}`)).records.map(({ chat_id }) => chat_id);
  assertEquals(await ids("model=openai:gpt-4o-mini"), ["f1", "f0"]);
  assertEquals(await ids("chat_id=f3"), ["f3"]);
  assertEquals(await ids("chat_id=nobody"), []);
  const from = encodeURIComponent(all[1]!.created_at);
  assertEquals(await ids(`from=${from}`), ["f4", "f3"], "from is inclusive");
  assertEquals(await ids(`to=${from}`), ["f2", "f1", "f0"], "to is not");
  assertEquals(await ids("from=2001-01-01&to=2001-01-02"), []);
  const summary = await ask<Summary>(stack, user, "/usage/summary?to=2001-01-02");
  assertEquals(summary.total, { ...summary.total, requests: 0, cost: "0" });
});

Deno.test("nobody sees another's usage, chat, receipt or transactions", async () => {
  const [owner, other] = [await stack.signUp(), await stack.signUp()];
  const response = await post(stack, owner, QUESTION, { "x-chat-id": "secret-chat" });
  await costOf(response);
  assertEquals((await ask<UsagePage>(stack, other, "/usage")).records, []);
  assertEquals((await ask<ChatCost>(stack, other, "/usage/chats/secret-chat")).requests, 0);
  const requestId = response.headers.get("x-request-id");
  const receipt = (user: TestUser) =>
    fetch(`${stack.functionsUrl}/balance/receipts/${requestId}`, { headers: headersOf(user) });
  const refused = await receipt(other);
  assertEquals((await refused.json()).code, "REQUEST_NOT_FOUND");
  assertEquals((await (await receipt(owner)).json()).request_id, requestId);
});

Deno.test("an estimate is never below the charge, whatever the answer", async () => {
  const user = await stack.signUp();
  for (const more of [{ max_tokens: 50 }, { max_completion_tokens: 200 }]) {
    for (const text of ["Hello", "Grüezi 你好 🎈 ".repeat(50), "a b c ".repeat(500)]) {
      const content = `${text} [[demo: {"output_tokens": 400}]]`;
      const body = { ...QUESTION, messages: [{ role: "user", content }], ...more };
      const estimated = await fetch(`${stack.functionsUrl}/balance/estimate`, {
        method: "POST",
        headers: headersOf(user),
        body: JSON.stringify(body),
      });
      const { cost_max, cost_typical, available } = await estimated.json();
      const cost = await costOf(await post(stack, user, body));
      assert(exact(cost_max) >= cost, `${cost_max} for a charge of ${cost}`);
      assert(exact(cost_typical) <= exact(cost_max));
      assert(exact(available) <= exact("10"));
    }
  }
});
