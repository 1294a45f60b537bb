/** What chat-proxy makes of the ledger's guard rails and switches. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Reservation } from "../../../shared/credit/results.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_GUEST, AS_USER, send } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, RESERVATION, wholeAnswer } from "./handler_harness.ts";

const CHAT = "/chat-proxy/v1/chat/completions";
const REQUESTS_LIMIT = { limit: 60, remaining: 58, reset_seconds: 12 };
const OURS = { "limit": "60", "remaining": "58", "reset": "12s" };

/** Asks with a ledger that reserves so, and a provider that answers so. */
async function chat(
  reserved: Partial<Reservation> | Refusal | null,
  provider: () => Response = wholeAnswer,
) {
  const answer = reserved === null || "code" in reserved
    ? reserved
    : { ...RESERVATION, ...reserved };
  const proxy = proxyOn({ ledger: { reserve: () => Promise.resolve(answer) }, provider });
  const answered = await send(createHandler(proxy.deps), CHAT, {
    method: "POST",
    headers: AS_USER,
    body: JSON.stringify(ASKING),
  });
  await Promise.all(proxy.background);
  return { ...answered, steps: proxy.steps.map(([name]) => name) };
}

const told = (headers: Headers) =>
  Object.fromEntries(
    ["limit", "remaining", "reset"].map((
      name,
    ) => [name, headers.get(`x-ratelimit-${name}-requests`)]),
  );

/** The provider's own limits, which are about all of its key's users. */
const withLimits = (response: Response) => {
  response.headers.set("x-ratelimit-limit-requests", "10000");
  response.headers.set("x-ratelimit-remaining-requests", "9999");
  response.headers.set("x-ratelimit-reset-requests", "6ms");
  response.headers.set("x-ratelimit-remaining-tokens", "777");
  return response;
};

Deno.test("a request that the ledger does not track is served without a hold, a settle or a release", async () => {
  const { status, steps, headers } = await chat(null);
  assertEquals([status, steps], [200, ["reserve", "fetch"]]);
  assertEquals([headers.get("x-cost"), headers.get("x-balance")], [null, null]);
  const failed = await chat(null, () => Response.json({ error: {} }, { status: 400 }));
  assertEquals([failed.status, failed.steps], [400, ["reserve", "fetch"]]);
});

Deno.test("our limit of requests stands in place of the provider's, whatever the answer; its limit of tokens stays", async () => {
  const answers: [number, () => Response][] = [
    [200, wholeAnswer],
    [400, () => Response.json({ error: { message: "bad" } }, { status: 400 })],
    [502, () => new Response(null, { status: 501 })],
  ];
  for (const [expected, answer] of answers) {
    const { status, headers } = await chat(
      { requests_limit: REQUESTS_LIMIT },
      () => withLimits(answer()),
    );
    assertEquals([status, told(headers)], [expected, OURS]);
    if (status < 500) assertEquals(headers.get("x-ratelimit-remaining-tokens"), "777");
  }
  const without = await chat({}, () => withLimits(wholeAnswer()));
  assertEquals(without.headers.get("x-ratelimit-limit-requests"), "10000");
});

Deno.test("a refusal by a guard rail carries the limit, and nothing is forwarded", async () => {
  const { status, headers, json, steps } = await chat({
    code: "TOO_MANY_REQUESTS",
    message: "Too many. Try again in 12 s.",
    retry_after_seconds: 12,
    limit: 60,
    remaining: 0,
    requests_limit: { ...REQUESTS_LIMIT, remaining: 0 },
  });
  assertEquals([status, steps], [429, ["reserve"]]);
  assertEquals(told(headers), { ...OURS, remaining: "0" });
  assertEquals([headers.get("retry-after"), headers.get("x-should-retry")], ["12", null]);
  assertEquals([json.code, json.limit, json.remaining], ["TOO_MANY_REQUESTS", 60, 0]);
});

Deno.test("the answer says that the day's limit made it short; a model that gives none so short is a 429, released", async () => {
  const limited = {
    output_limited_by: "spend_limit" as const,
    output_tokens_limit: 200,
    spend_limit: { limit: "5", spent: "4.99", resets_at: "2099-01-01T00:00:00+00:00" },
  };
  const { headers } = await chat(limited);
  assertEquals(headers.get("x-output-limited-by"), "spend_limit");

  const { deps, steps } = proxyOn({
    ledger: {
      reserve: () => Promise.resolve({ ...RESERVATION, ...limited, output_tokens_limit: 5 }),
    },
  });
  const refused = await send(createHandler(deps), "/chat-proxy/v1/responses", {
    method: "POST",
    headers: AS_USER,
    body: JSON.stringify({ model: ASKING.model, input: "Hello" }),
  });
  assertEquals([refused.status, refused.json.code], [429, "SPEND_LIMIT_REACHED"]);
  assertMatch(refused.json.message, /an answer of 5 tokens, and this model gives none below 16/);
  assertEquals(steps.map(([name]) => name), ["reserve", "release"]);
});

Deno.test("the list of models has only those that the caller may use, and one that they may not is a 403", async () => {
  const { deps } = proxyOn({
    others: [
      priceOf({ model_id: "o3", allowed: false, allowed_for_guests: false }),
      priceOf({ model_id: "gpt-4.1", allowed_for_guests: false }),
    ],
  });
  const get = (path: string, headers: HeadersInit) =>
    send(createHandler(deps), `/chat-proxy/v1${path}`, { headers });
  const listed = async (headers: HeadersInit) =>
    (await get("/models", headers)).json.data.map(({ id }: { id: string }) => id);
  assertEquals(await listed(AS_USER), ["openai:gpt-4.1", "openai:gpt-4o"]);
  assertEquals(await listed(AS_GUEST), ["openai:gpt-4o"]);
  assertEquals((await get("/models/openai:gpt-4.1", AS_USER)).status, 200);
  const hidden = await get("/models/openai:o3", AS_USER);
  assertEquals([hidden.status, hidden.json.code, hidden.json.model], [
    403,
    "MODEL_NOT_ALLOWED",
    "openai:o3",
  ]);
});
