/** Retries and other models, through the whole of chat-proxy: what is reserved, asked and charged. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER, type LedgerCalls } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, wholeAnswer } from "./handler_harness.ts";

const MINI = priceOf({ model_id: "gpt-4o-mini" });
const CLAUDE = priceOf({ provider_id: "anthropic", model_id: "claude" });
const OTHERS = { others: [MINI, CLAUDE], variables: { ANTHROPIC_API_KEY: "sk-ant" } };

const down = () => Response.json({ error: { message: "overloaded" } }, { status: 503 });

/** A provider that answers each request as the list says. */
function inTurn(...answers: (() => Response)[]): () => Response {
  return () => (answers.shift() ?? down)();
}

async function ask(
  set: Parameters<typeof proxyOn>[0],
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) {
  const { deps, steps } = proxyOn({ ...OTHERS, ...set });
  const response = await createHandler(deps)(
    new Request("http://edge.test/chat-proxy/v1/chat/completions", {
      method: "POST",
      headers: { ...AS_USER, ...headers },
      body: JSON.stringify({ ...ASKING, ...body }),
    }),
  );
  const argsOf = (name: string) => (steps as LedgerCalls).filter(([step]) => step === name);
  return {
    response,
    body: await response.json(),
    reserved: argsOf("reserve")[0]?.[1] as Record<string, unknown> | undefined,
    settled: argsOf("settle").map(([, args]) => args as Record<string, unknown>),
    released: argsOf("release").length,
    models: argsOf("fetch").map(([, sent]) => (sent as { model: string }).model),
  };
}

Deno.test("a provider that fails for a moment is asked again, and the answer is charged once", async () => {
  const seen = await ask({ provider: inTurn(down, down, wholeAnswer) });
  assertEquals([seen.response.status, seen.models.length], [200, 3]);
  assertEquals([seen.settled.length, seen.released], [1, 0]);
  assertEquals(seen.response.headers.get("x-model"), "openai:gpt-4o");
});

Deno.test("UPSTREAM_RETRIES=0 asks once, and a failure releases", async () => {
  const seen = await ask({ provider: down, variables: { UPSTREAM_RETRIES: "0" } });
  assertEquals([seen.response.status, seen.body.code], [502, "UPSTREAM_ERROR"]);
  assertEquals([seen.models.length, seen.settled.length, seen.released], [1, 0, 1]);
});

Deno.test("one reservation covers all models of the header, and the one that answers is charged", async () => {
  const seen = await ask(
    { provider: inTurn(down, down, down, wholeAnswer) },
    {},
    { "x-fallback-models": "openai:gpt-4o-mini, anthropic:claude" },
  );
  assertEquals(seen.response.status, 200);
  assertEquals([seen.reserved?.modelId, seen.reserved?.fallbackModels], [
    "gpt-4o",
    ["openai:gpt-4o-mini", "anthropic:claude"],
  ]);
  assertEquals(seen.models, ["gpt-4o", "gpt-4o", "gpt-4o", "gpt-4o-mini"]);
  assertEquals(seen.settled.map(({ model }) => model), ["openai:gpt-4o-mini"]);
  assertEquals(seen.response.headers.get("x-model"), "openai:gpt-4o-mini");
});

Deno.test("a model that its provider does not have falls back; a request that is at fault does not", async () => {
  const headers = { "x-fallback-models": "openai:gpt-4o-mini" };
  const missing = () => Response.json({ error: { message: "no such model" } }, { status: 404 });
  const found = await ask({ provider: inTurn(missing, wholeAnswer) }, {}, headers);
  assertEquals(found.models, ["gpt-4o", "gpt-4o-mini"]);

  const wrong = () => Response.json({ error: { message: "bad temperature" } }, { status: 400 });
  const refused = await ask({ provider: inTurn(wrong, wholeAnswer) }, {}, headers);
  assertEquals([refused.response.status, refused.models], [400, ["gpt-4o"]]);
  assertEquals(refused.body.error.message, "bad temperature");
});

Deno.test("a model to fall back to that has no price or no key is refused before anything is reserved", async () => {
  for (
    const [named, code] of [["nobody:nothing", "MODEL_NOT_FOUND"], [
      "anthropic:claude",
      "PROVIDER_NOT_ENABLED",
    ]] as const
  ) {
    const seen = await ask({ variables: {} }, {}, { "x-fallback-models": named });
    assertEquals([seen.response.status, seen.body.code], [404, code]);
    assertEquals([seen.reserved, seen.models], [undefined, []]);
  }
});

Deno.test("more models than eight to fall back to are refused", async () => {
  const names = Array.from({ length: 9 }, () => "openai:gpt-4o-mini").join(",");
  const seen = await ask({}, {}, { "x-fallback-models": names });
  assertEquals([seen.response.status, seen.body.param], [400, "models"]);
  assertStringIncludes(seen.body.message, "8");
});

Deno.test("the provider's limits reach the client with the answer and with a refusal", async () => {
  const limits = { "x-ratelimit-remaining-requests": "7" };
  const answered = await ask({
    provider: () =>
      Response.json({ choices: [{ message: { content: "Hi" } }] }, { headers: limits }),
  });
  assertEquals(answered.response.headers.get("x-ratelimit-remaining-requests"), "7");
  const busy = await ask({
    provider: () =>
      Response.json({ error: {} }, { status: 429, headers: { ...limits, "retry-after": "30" } }),
  });
  assertEquals(
    ["x-ratelimit-remaining-requests", "retry-after"].map((name) =>
      busy.response.headers.get(name)
    ),
    ["7", "30"],
  );
  assertEquals([busy.response.status, busy.models.length], [429, 1]);
});
