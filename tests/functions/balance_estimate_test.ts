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
