/**
 * Bodies that are wrong. Each is refused in both error shapes with a sentence that says what to do;
 * nothing is forwarded, nothing stays reserved, no cent moves.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { ordering, post, QUESTION, settled, whatWasAsked } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

// A key of blanks is no key: Groq is the provider that is not enabled here.
const stack = await startTestStack({ env: { GROQ_API_KEY: " ", XAI_API_KEY: " " } });
Deno.test.afterAll(() => stack.stop());
// Before the functions read the prices: a provider that nobody knows how to reach.
await stack.sql`
  insert into public.model_pricing (provider_id, model_id, display_name, input_per_1k, output_per_1k, source)
  values ('acme', 'acme-1', 'Acme 1', 0.001, 0.002, 'a test')`;
const user = await stack.signUp();
await post(stack, user, QUESTION).then((response) => response.body?.cancel());
await settled(stack);

/** A refused body: what it is, the body, status, code, and the parameter it names. */
type Case = readonly [string, unknown, number, string, (string | RegExp)?];

const asking = (fields: Record<string, unknown>) => ({ ...QUESTION, ...fields });
const message = (value: unknown) => asking({ messages: [value] });
const deep = (levels: number) =>
  `{"model":"openai:gpt-4o","messages":[{"role":"user","content":"x"}],"metadata":` +
  `${"[".repeat(levels)}${"]".repeat(levels)}}`;
const many = (value: string) =>
  `{"model":"openai:gpt-4o","messages":[{"role":"user","content":"x"}],"metadata":[` +
  `${value.repeat(9_000_000 / value.length)}1]}`;
const twice = (first: string, second: string) =>
  `{"model":"${first}","messages":[{"role":"user","content":"Hello"}],"model":"${second}"}`;
const bytes = (text: string, ...more: number[]) =>
  new Uint8Array([...new TextEncoder().encode(text), ...more]);

const CASES: readonly Case[] = [
  ["that is not JSON", "model=openai:gpt-4o", 400, "INVALID_JSON"],
  ["that ends too early", `{"model":"openai:gpt-4o","mess`, 400, "INVALID_JSON"],
  ["that is empty", "", 400, "INVALID_JSON"],
  ["of blanks only", " \n ", 400, "INVALID_JSON"],
  ["that is null", "null", 400, "INVALID_REQUEST"],
  ["that is an array", "[]", 400, "INVALID_REQUEST"],
  ["that is a number", "42", 400, "INVALID_REQUEST"],
  ["that is a string", `"hello"`, 400, "INVALID_REQUEST"],
  ["that is not UTF-8", bytes(`{"model":"`, 0xff, 0xfe, 0x22, 0x7d), 400, "INVALID_JSON"],
  ["of JSON 100,000 levels deep", deep(100_000), 400, "INVALID_REQUEST"],
  ["of JSON 100,000 levels deep, unclosed", "[".repeat(100_000), 400, "INVALID_REQUEST"],
  ["of 3 million arrays", many("[],"), 400, "INVALID_REQUEST"],
  ["of a million fields", many(`{"a":1},`), 400, "INVALID_REQUEST"],
  ["larger than 10 MB", " ".repeat(10 * 1024 * 1024 + 1), 413, "REQUEST_TOO_LARGE"],

  ["without a model", { messages: QUESTION.messages }, 400, "INVALID_REQUEST", "model"],
  ["with an empty model", asking({ model: "" }), 400, "INVALID_REQUEST", "model"],
  ["with a list as model", asking({ model: ["gpt-4o"] }), 400, "INVALID_REQUEST", "model"],
  ["with an object as model", asking({ model: {} }), 400, "INVALID_REQUEST", "model"],
  ["with a number as model", asking({ model: 4 }), 400, "INVALID_REQUEST", "model"],
  ["with null as model", asking({ model: null }), 400, "INVALID_REQUEST", "model"],
  ["with a model named __proto__", asking({ model: "__proto__" }), 404, "MODEL_NOT_FOUND"],
  ["with a model of blanks", asking({ model: "  " }), 404, "MODEL_NOT_FOUND"],
  ["with a model of quotes", asking({ model: `'"; drop table` }), 404, "MODEL_NOT_FOUND"],
  ["with a model of half a character", asking({ model: "gpt\ud800" }), 404, "MODEL_NOT_FOUND"],
  ["with a model of a NUL", asking({ model: "gpt\u0000-4o" }), 404, "MODEL_NOT_FOUND"],
  ["with a model of a line break", asking({ model: "a\r\nx-b: c" }), 404, "MODEL_NOT_FOUND"],
  ["with a very long model", asking({ model: "g".repeat(1e6) }), 400, "INVALID_REQUEST", "model"],
  ["with an unknown model", asking({ model: "openai:gpt-99" }), 404, "MODEL_NOT_FOUND"],
  ["with an unknown provider", asking({ model: "nobody:gpt-4o" }), 404, "MODEL_NOT_FOUND"],
  ["whose second model is unknown", twice("openai:gpt-4o", "nope"), 404, "MODEL_NOT_FOUND"],
  [
    "for a provider without a dialect",
    asking({ model: "acme:acme-1" }),
    404,
    "PROVIDER_NOT_ENABLED",
  ],

  ["without messages", { model: QUESTION.model }, 400, "INVALID_REQUEST", "messages"],
  ["with no messages", asking({ messages: [] }), 400, "INVALID_REQUEST", "messages"],
  ["with text as messages", asking({ messages: "Hello" }), 400, "INVALID_REQUEST", "messages"],
  ["with an object as messages", asking({ messages: {} }), 400, "INVALID_REQUEST", "messages"],
  ["with null as a message", message(null), 400, "INVALID_REQUEST", /^messages/],
  ["with text as a message", message("Hello"), 400, "INVALID_REQUEST", /^messages/],
  ["with a message without a role", message({ content: "x" }), 400, "INVALID_REQUEST", /^messages/],
  [
    "with 10,000 messages",
    asking({ messages: Array(10_000).fill(QUESTION.messages[0]) }),
    400,
    "INVALID_REQUEST",
    "messages",
  ],

  ...[-1, 0, 1.5, 1e15, 1e308, "10", true, [], {}].flatMap((value): Case[] =>
    ["max_tokens", "max_completion_tokens"].map((name) => [
      `with ${name} ${JSON.stringify(value)}`,
      asking({ [name]: value }),
      400,
      "INVALID_REQUEST",
      name,
    ])
  ),
  [
    "with limits that differ",
    asking({ max_tokens: 5, max_completion_tokens: 6 }),
    400,
    "INVALID_REQUEST",
    /^max_/,
  ],
  ...[2, 0, -1, 1.5, "1", [], true].map((n): Case => [
    `with n ${JSON.stringify(n)}`,
    asking({ n }),
    400,
    "INVALID_REQUEST",
    "n",
  ]),
  [`with stream "true"`, asking({ stream: "true" }), 400, "INVALID_REQUEST", "stream"],
  ["with stream 1", asking({ stream: 1 }), 400, "INVALID_REQUEST", "stream"],
  [
    "with a list as stream_options",
    asking({ stream: true, stream_options: [] }),
    400,
    "INVALID_REQUEST",
    "stream_options",
  ],
  [
    "with include_usage as text",
    asking({ stream: true, stream_options: { include_usage: "yes" } }),
    400,
    "INVALID_REQUEST",
    /^stream_options/,
  ],
  ["with an object as tools", asking({ tools: {} }), 400, "INVALID_REQUEST", "tools"],
  [
    "with a tool that the provider bills",
    asking({ tools: [{ type: "web_search" }] }),
    400,
    "INVALID_REQUEST",
    /^tools/,
  ],
  ["with audio output", asking({ modalities: ["audio"] }), 400, "INVALID_REQUEST", ""],
  ["with an empty chat_id", asking({ chat_id: "" }), 400, "INVALID_REQUEST", "chat_id"],
  ["with a number as chat_id", asking({ chat_id: 7 }), 400, "INVALID_REQUEST", "chat_id"],
  [
    "with an over-long chat_id",
    asking({ chat_id: "c".repeat(129) }),
    400,
    "INVALID_REQUEST",
    "chat_id",
  ],
  ["with a NUL in chat_id", asking({ chat_id: "c\u0000" }), 400, "INVALID_REQUEST", "chat_id"],
];

for (const [what, body, status, code, param] of CASES) {
  Deno.test(`a body ${what} is ${status} ${code}, and changes nothing`, async () => {
    await changingNothing(stack, async () => {
      const told = await readRefusal(stack, await post(stack, user, body), status, code);
      if (param instanceof RegExp) assertMatch(told.param ?? "", param);
      else assertEquals(told.param ?? "", param ?? "");
      assert(told.text.length < 2_000, "it echoes the body");
    });
  });
}

Deno.test("a model that is nearly right is answered with the names that come near", async () => {
  const refused = await post(stack, user, { ...QUESTION, model: "openai:gpt-4oo" });
  const told = await readRefusal(stack, refused, 404, "MODEL_NOT_FOUND");
  assertMatch(told.message, /Did you mean openai:gpt-4o/);
  assertEquals(JSON.parse(told.text).model, "openai:gpt-4oo");
});

Deno.test("lesson 29: the operator hears of a model without a price: in the log, and as an incident, in safe letters", async () => {
  await (await post(stack, user, { ...QUESTION, model: "acme:\r\nUsage recorded: {}" })).text();
  await stack.logged("No pricing found for model acme:??Usage?recorded:???:");
  await until("the incident", async () => {
    const rows = await stack.sql`
      select from billing.incidents
      where kind = 'missing_price' and details ->> 'model' = 'acme:??Usage?recorded:???'`;
    return rows.length === 1;
  });
});

Deno.test("a provider without a key is 404 PROVIDER_NOT_ENABLED and not in the list of models", async () => {
  const list = await fetch(`${stack.functionsUrl}/chat-proxy/v1/models`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  const ids: string[] = (await list.json()).data.map(({ id }: { id: string }) => id);
  const priced = await stack.sql`select provider_id, model_id from public.model_pricing`;
  const off = priced.filter((row) => ["groq", "xai", "acme"].includes(row.provider_id))
    .map((row) => `${row.provider_id}:${row.model_id}`);
  assert(off.length >= 2, "the seeds have models of Groq or xAI");
  for (const model of off) {
    assert(!ids.includes(model));
    await changingNothing(stack, async () => {
      const refused = await post(stack, user, { ...QUESTION, model });
      await readRefusal(stack, refused, 404, "PROVIDER_NOT_ENABLED");
    });
  }
});

Deno.test("a key that is there twice counts as its last, in the price as in what is forwarded", async () => {
  const response = await post(stack, user, twice("openai:gpt-4o", "openai:gpt-4o-mini"));
  assertEquals(response.status, 200, await response.text());
  await settled(stack);
  const { body } = (await whatWasAsked(stack)).at(-1)!;
  assertEquals((body as { model: string }).model, "gpt-4o-mini");
  const [charge] = await stack.sql`
    select model_id from public.usage_records
    where request_id = ${response.headers.get("x-request-id")}`;
  assertEquals(charge?.model_id, "gpt-4o-mini");
});

Deno.test("half characters and 5,000 messages pass, and are charged", async () => {
  const messages = Array(4_999).fill({ role: "user", content: "\ud83d" });
  const last = ordering({ output_tokens: 2 }).messages;
  const response = await post(stack, user, asking({ messages: [...messages, ...last] }));
  assertEquals(response.status, 200, await response.text());
  await settled(stack);
});
