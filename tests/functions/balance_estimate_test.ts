import { assert, assertEquals, assertMatch } from "@std/assert";
import { account, setUp } from "./balance_set_up.ts";
import { AS_GUEST, AS_USER } from "./fakes.ts";

function estimateWith(set: ReturnType<typeof setUp>, body: unknown, headers = {}) {
  return set.send("/balance/estimate", {
    method: "POST",
    headers: { ...AS_USER, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

Deno.test("an estimate from token counts is exact, markup included", async () => {
  const set = setUp({ accountBalance: account });
  const { json } = await estimateWith(set, {
    model: "gpt-4o",
    input_tokens: 1000,
    max_tokens: 100,
  });
  assertEquals(json, {
    model: "openai:gpt-4o",
    cost_typical: "0.00385", // (1000 × 0.0025 + 100 × 0.01) / 1000, and 10 % on top
    cost_max: "0.00385",
    currency: "USD",
    input_tokens: 1000,
    output_tokens: 100,
    input_tokens_max: 1000,
    output_tokens_max: 100,
    price_version: 3,
    markup_basis_points: 1000,
    available: "9.4988000001",
    affordable_answers: 2467,
  });
});

Deno.test("an estimate from messages is within its bounds, and unbounded output has no maximum", async () => {
  const set = setUp({ accountBalance: account });
  const messages = [{ role: "user", content: "Why is the sky blue? ".repeat(20) }];
  const { json } = await estimateWith(set, { model: "openai:gpt-unlimited", messages });
  assert(json.input_tokens > 50 && json.input_tokens <= json.input_tokens_max, json);
  assertEquals([json.output_tokens, json.output_tokens_max, json.cost_max], [500, null, null]);
});

Deno.test("a guest's estimate has no balance to compare with", async () => {
  const set = setUp({});
  const { status, json } = await set.send("/balance/estimate", {
    method: "POST",
    headers: AS_GUEST,
    body: JSON.stringify({ model: "gpt-4o", input_tokens: 10 }),
  });
  assertEquals([status, json.affordable_answers, json.available], [200, null, null]);
});

Deno.test("a bad estimate says what to do", async () => {
  const set = setUp({});
  for (
    const [body, status, code, param] of [
      ["{", 400, "INVALID_JSON", undefined],
      ["[]", 400, "INVALID_REQUEST", undefined],
      [{}, 400, "INVALID_REQUEST", "model"],
      [{ model: 7, input_tokens: 1 }, 400, "INVALID_REQUEST", "model"],
      [{ model: "gpt-4o" }, 400, "INVALID_REQUEST", "messages"],
      [{ model: "gpt-4o", messages: [] }, 400, "INVALID_REQUEST", "messages"],
      [{ model: "gpt-4o", input_tokens: -1 }, 400, "INVALID_REQUEST", "input_tokens"],
      [{ model: "gpt-4o", input_tokens: 1.5 }, 400, "INVALID_REQUEST", "input_tokens"],
      [{ model: "gpt-4o", input_tokens: 1, max_tokens: 0 }, 400, "INVALID_REQUEST", "max_tokens"],
      [{ model: "gpt-4", input_tokens: 1 }, 404, "MODEL_NOT_FOUND", undefined],
      [{ model: "shared", input_tokens: 1 }, 400, "INVALID_REQUEST", "model"],
      ["x".repeat(10_001), 413, "REQUEST_TOO_LARGE", undefined],
    ] as const
  ) {
    const { json, status: got } = await estimateWith(set, body);
    assertEquals(
      [got, json.code, json.param],
      [status, code, param],
      JSON.stringify(body).slice(0, 80),
    );
    assertMatch(json.message, /^[A-Za-z].+[.?]$/);
  }
  const unknown = await estimateWith(set, { model: "openai:gpt-4", input_tokens: 1 });
  assert(unknown.json.message.includes("openai:gpt-4o"), unknown.json.message);
});

Deno.test("a model that was priced since the prices were read is estimated all the same", async () => {
  const set = setUp({ accountBalance: account });
  const { status, json } = await estimateWith(set, { model: "priced-since", input_tokens: 1 });
  assertEquals([status, json.model], [200, "openai:priced-since"]);
});

Deno.test("the bodies of all four APIs are estimated as they would be sent, with their own limits", async () => {
  const set = setUp({ accountBalance: account });
  const text = "Why is the sky blue? ".repeat(20);
  const messages = [{ role: "user", content: text }];
  const image = { type: "base64", media_type: "image/png", data: "aGVsbG8=" };
  const bodies = [
    { messages, max_tokens: 77 },
    { input: text, max_output_tokens: 77 },
    { contents: [{ parts: [{ text }] }], generationConfig: { maxOutputTokens: 77 } },
    { messages, system: "Be short.", max_tokens: 77 },
    { messages: [{ role: "user", content: [{ type: "image", source: image }] }], max_tokens: 77 },
  ];
  for (const body of bodies) {
    const { status, json } = await estimateWith(set, { model: "gpt-4o", ...body });
    assertEquals([status, json.output_tokens_max], [200, 77], JSON.stringify([body, json]));
    assert(
      json.input_tokens > 50 && json.input_tokens <= json.input_tokens_max,
      JSON.stringify([body, json]),
    );
    assert(Number(json.cost_typical) <= Number(json.cost_max), json);
  }
});

Deno.test("the highest cost has the fees of the searches that may be made, and the typical one of those that are", async () => {
  const set = setUp({ accountBalance: account });
  const content = "Who won?";
  const more = { model: "searching", max_tokens: 10 };
  const messages = [{ role: "user", content }];
  const tools = [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }];
  const costs = async (body: object) => {
    const { json } = await estimateWith(set, { ...more, ...body });
    return [json.cost_max, json.cost_typical].map(Number);
  };
  const [most = 0, typical = 0] = await costs({ messages, tools });
  // Three searches, each of which may fill the window of 128,000 tokens, and the markup.
  assert(most > 1.1 * (3 * 0.01 + 4 * 128 * 0.0025) && typical < 0.01, `${most}, ${typical}`);
  const [, always = 0] = await costs({ messages, web_search_options: {} });
  assert(always > 1.1 * 0.01, `${always}`);
  const unpriced = await estimateWith(set, { ...more, messages, tools, model: "gpt-4o" });
  assertEquals([unpriced.status, unpriced.json.code], [400, "INVALID_REQUEST"]);
  assertMatch(unpriced.json.message, /no price for web searches with openai:gpt-4o/);
});

Deno.test("the highest cost of a model that draws is of an answer in images", async () => {
  const set = setUp({ accountBalance: account });
  const body = { model: "drawing", input_tokens: 1000, max_tokens: 100 };
  const { json } = await estimateWith(set, body);
  // (1000 × 0.003 + 100 × 0.03) / 1000, and 10 % on top.
  assertEquals(json.cost_max, "0.0066");
  assertEquals(json.cost_typical, "0.00385");
});

Deno.test("the highest cost is of the dearest model that may answer", async () => {
  const set = setUp({ accountBalance: account });
  const messages = [{ role: "user", content: "Draw" }];
  const body = { model: "gpt-4o", messages, max_tokens: 1000 };
  const { json: alone } = await estimateWith(set, body);
  const { json } = await estimateWith(set, { ...body, models: ["google:drawing"] });
  assert(Number(json.cost_max) > 2 * Number(alone.cost_max), `${json.cost_max}`);
  const absent = await estimateWith(set, { ...body, models: ["google:absent"] });
  assertEquals(absent.json.code, "MODEL_NOT_FOUND");
});
