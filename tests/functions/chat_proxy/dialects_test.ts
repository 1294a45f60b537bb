/** The four dialects through the whole of chat-proxy: one path for all, and each in its own terms. */
import { assertEquals } from "@std/assert";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import { createChatApp, createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, RESERVATION, wholeAnswer } from "./handler_harness.ts";

const HELLO = [{ role: "user", content: "Hello" }];
const GEMINI_ASKING = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };

/** One dialect: how it is asked, and the answer of 8 and 2 tokens of a provider that speaks it. */
const DIALECTS = {
  chat: { body: ASKING, answer: () => wholeAnswer() },
  responses: {
    body: { model: "openai:gpt-4o", input: "Hello" },
    answer: () =>
      Response.json({
        id: "resp_1",
        object: "response",
        status: "completed",
        output: [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }],
        usage: { input_tokens: 8, output_tokens: 2, total_tokens: 10 },
      }),
  },
  messages: {
    body: { model: "anthropic:claude", max_tokens: 100, messages: HELLO },
    answer: () =>
      Response.json({
        id: "msg_1",
        type: "message",
        role: "assistant",
        content: [{ type: "text", text: "Hi" }],
        stop_reason: "end_turn",
        usage: { input_tokens: 8, output_tokens: 2 },
      }),
  },
  gemini: {
    body: GEMINI_ASKING,
    answer: () =>
      Response.json({
        candidates: [{ content: { parts: [{ text: "Hi" }] }, finishReason: "STOP" }],
        usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 2, totalTokenCount: 10 },
      }),
  },
};

/** Every path that takes a POST, as a route and as it is asked. */
const POSTS: readonly (readonly [route: string, path: string, dialect: keyof typeof DIALECTS])[] = [
  ["/", "/", "chat"],
  ["/v1/chat/completions", "/v1/chat/completions", "chat"],
  ["/v1/responses", "/v1/responses", "responses"],
  ["/v1/messages", "/v1/messages", "messages"],
  ["/openai/v1/chat/completions", "/openai/v1/chat/completions", "chat"],
  ["/openai/v1/responses", "/openai/v1/responses", "responses"],
  ...["/openai", "/v1"].map((base) =>
    [
      `${base}/deployments/:model{.+}/chat/completions`,
      `${base}/deployments/openai:gpt-4o/chat/completions`,
      "chat",
    ] as const
  ),
  ...["v1beta", "v1", "v1alpha"].flatMap((version) =>
    [
      [
        `/${version}/models/:model{.+}`,
        `/${version}/models/google:gemini:generateContent`,
        "gemini",
      ],
      [
        `/${version}/:model{.+/.+:(?:stream)?[gG]enerateContent}`,
        `/${version}/google/gemini:generateContent`,
        "gemini",
      ],
    ] as const
  ),
];

const SET = {
  others: [
    priceOf({ provider_id: "anthropic", model_id: "claude" }),
    priceOf({ provider_id: "google", model_id: "gemini" }),
  ],
  variables: { ANTHROPIC_API_KEY: "sk-ant", GOOGLE_API_KEY: "AIza" },
};

const ask = (path: string, body: unknown) =>
  new Request(`http://edge.test/chat-proxy${path}`, {
    method: "POST",
    headers: AS_USER,
    body: JSON.stringify(body),
  });

const EMPTY: Refusal = {
  code: "INSUFFICIENT_BALANCE",
  message: "The balance is used up.",
  balance: "0",
  available: "0",
};

Deno.test("these tests know every route that takes a POST", () => {
  const routes = createChatApp(proxyOn().deps).routes.filter(({ method }) => method === "POST");
  assertEquals(
    routes.map(({ path }) => path).toSorted(),
    POSTS.map(([route]) => route).toSorted(),
  );
});

Deno.test("lesson 6: every POST route reserves before it forwards, and settles what the answer reports", async () => {
  for (const [, path, name] of POSTS) {
    const { body, answer } = DIALECTS[name];
    const { deps, steps } = proxyOn({ ...SET, provider: answer });
    const response = await createHandler(deps)(ask(path, body));
    await response.text();
    assertEquals(response.status, 200, path);
    // What of Responses lies at the provider is remembered for who may go on from it.
    const more = name === "responses" ? ["rememberStoredItems"] : [];
    assertEquals(steps.map(([step]) => step), ["reserve", "fetch", "settle", ...more], path);
    const settled = steps[2]?.[1] as { tokens: Record<string, number>; basis: string };
    assertEquals(
      [settled.tokens.input, settled.tokens.output, settled.basis],
      [8, 2, "reported"],
      path,
    );
  }
});

Deno.test("an answer after comments, blank lines or a BOM is metered, and passed on as it came", async () => {
  for (const [, path, name] of POSTS) {
    const { body, answer } = DIALECTS[name];
    const sent = `\uFEFF: keep-alive\n\n  \r\n${await answer().text()}\n`;
    const provider = () => new Response(sent, { headers: { "content-type": "application/json" } });
    const { deps, steps } = proxyOn({ ...SET, provider });
    const response = await createHandler(deps)(ask(path, body));
    const bytes = new Uint8Array(await response.arrayBuffer());
    assertEquals(bytes, new TextEncoder().encode(sent), path);
    const settled = steps[2]?.[1] as { tokens: Record<string, number>; basis: string };
    assertEquals([settled.tokens.output, settled.basis], [2, "reported"], path);
  }
});

Deno.test("a chat's id in the body is settled with the charge and not forwarded, in every dialect", async () => {
  for (const [, path, name] of POSTS) {
    const { body, answer } = DIALECTS[name];
    const { deps, steps } = proxyOn({ ...SET, provider: answer });
    const response = await createHandler(deps)(ask(path, { ...body, chat_id: "chat-1" }));
    await response.text();
    const [reserved, forwarded] = steps.map(([, arg]) => arg as Record<string, unknown>);
    assertEquals([reserved?.chatId, "chat_id" in (forwarded ?? {})], ["chat-1", false], path);
  }
});

Deno.test("lesson 4: a 402 of every route is told in its dialect's form and in ours, and nothing is forwarded", async () => {
  type Body = { type?: string; error: { type?: string; code?: unknown; status?: unknown } };
  const forms: Record<keyof typeof DIALECTS, (body: Body) => boolean> = {
    chat: ({ error }) => error.type === "insufficient_quota",
    responses: ({ error }) => error.type === "insufficient_quota",
    messages: ({ type, error }) => type === "error" && error.type === "billing_error",
    gemini: ({ error }) => error.code === 402 && typeof error.status === "string",
  };
  for (const [, path, name] of POSTS) {
    const { deps, steps } = proxyOn({
      ...SET,
      ledger: { reserve: () => Promise.resolve(EMPTY) },
    });
    const response = await createHandler(deps)(ask(path, DIALECTS[name].body));
    const body = await response.json();
    assertEquals([response.status, body.code, body.message], [402, EMPTY.code, EMPTY.message]);
    assertEquals(forms[name](body), true, `${path}: ${JSON.stringify(body)}`);
    assertEquals(response.headers.get("x-balance"), "0");
    assertEquals(steps.map(([step]) => step), ["reserve"], path);
  }
});

Deno.test("Anthropic's SDKs find the request's id where Anthropic has it, in answers and refusals", async () => {
  const { deps } = proxyOn({ ...SET, provider: DIALECTS.messages.answer });
  for (const body of [DIALECTS.messages.body, {}]) {
    const request = ask("/v1/messages", body);
    request.headers.set("anthropic-version", "2023-06-01");
    const { headers } = await createHandler(deps)(request);
    assertEquals(headers.get("request-id"), headers.get("x-request-id"));
  }
  const other = await createHandler(deps)(ask("/v1/messages", {}));
  assertEquals(other.headers.get("request-id"), null);
});

Deno.test("a model is refused over a dialect that its provider does not speak", async () => {
  const { deps, steps } = proxyOn(SET);
  const body = { ...DIALECTS.messages.body, model: "openai:gpt-4o" };
  const response = await createHandler(deps)(ask("/v1/messages", body));
  assertEquals([response.status, (await response.json()).code], [404, "PROVIDER_NOT_ENABLED"]);
  assertEquals(steps, []);
});

Deno.test("a method of Gemini's that answers no chat is refused in Gemini's form", async () => {
  const { deps, steps } = proxyOn(SET);
  for (const path of ["google:gemini:embedContent", "gemini", ":generateContent"]) {
    const response = await createHandler(deps)(ask(`/v1beta/models/${path}`, GEMINI_ASKING));
    const body = await response.json();
    assertEquals([response.status, body.code, body.error.code], [404, "NOT_FOUND", 404], path);
  }
  assertEquals(steps, []);
});

Deno.test("what needs a price of its own and has none is refused, in words that say what to leave out", async () => {
  const body = {
    ...DIALECTS.messages.body,
    tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 2 }],
  };
  const without = proxyOn(SET);
  const refused = await createHandler(without.deps)(ask("/v1/messages", body));
  assertEquals([refused.status, (await refused.json()).code], [400, "INVALID_REQUEST"]);
  assertEquals(without.steps, []);

  const searching = priceOf({
    provider_id: "anthropic",
    model_id: "claude",
    web_search_fee: "0.01",
  });
  const { deps, steps } = proxyOn({
    ...SET,
    others: [searching],
    provider: DIALECTS.messages.answer,
  });
  const served = await createHandler(deps)(ask("/v1/messages", body));
  await served.text();
  assertEquals(served.status, 200);
  assertEquals((steps[0]?.[1] as { webSearchesMax: number }).webSearchesMax, 2);
});

Deno.test("the list of models has the form that the asking SDK reads, and says what is reached over which API", async () => {
  const { deps } = proxyOn(SET);
  const list = async (path: string, headers: Record<string, string> = {}) => {
    const request = new Request(`http://edge.test/chat-proxy${path}`, {
      headers: { ...AS_USER, ...headers },
    });
    const response = await createHandler(deps)(request);
    return await response.json();
  };
  const openai = await list("/v1/models");
  assertEquals(openai.object, "list");
  const dialects = Object.fromEntries(
    openai.data.map((model: { id: string; dialects: string[] }) => [model.id, model.dialects]),
  );
  assertEquals(dialects["anthropic:claude"].includes("anthropic-messages"), true);
  assertEquals(dialects["google:gemini"].includes("gemini"), true);
  assertEquals(dialects["openai:gpt-4o"], ["openai-chat", "openai-responses"]);

  const anthropic = await list("/v1/models", { "anthropic-version": "2023-06-01" });
  assertEquals([anthropic.has_more, anthropic.data[0].type], [false, "model"]);
  const token = AS_USER.authorization.replace("Bearer ", "");
  for (
    const gemini of [
      await list("/v1beta/models"),
      await list("/v1/models", { "x-goog-api-key": token }),
    ]
  ) {
    assertEquals(
      gemini.models.find(({ name }: { name: string }) => name === "models/google:gemini")
        .supportedGenerationMethods,
      ["generateContent", "streamGenerateContent"],
    );
  }
  assertEquals((await list("/v1/models/openai:gpt-4o")).id, "openai:gpt-4o");
});

Deno.test("the list of models says whether hanging up stops the bill, in every form", async () => {
  const hiding = priceOf({ model_id: "o3", hides_reasoning: true });
  const { deps } = proxyOn({ ...SET, others: [...SET.others, hiding] });
  for (const headers of [{}, { "anthropic-version": "2023-06-01" }, { "x-goog-api-key": "k" }]) {
    const stops = async (model: string) => {
      const request = new Request(`http://edge.test/chat-proxy/v1/models/${model}`, {
        headers: { ...AS_USER, ...headers },
      });
      return (await (await createHandler(deps)(request)).json()).stops_billing_on_abort;
    };
    assertEquals(
      [await stops("gpt-4o"), await stops("o3"), await stops("google:gemini")],
      [true, false, false],
    );
  }
});

Deno.test("a balance that pays for less than the least that a provider takes is a 402, and released", async () => {
  for (const [limit, status] of [[15, 402], [16, 200]] as const) {
    const { deps, steps } = proxyOn({
      provider: DIALECTS.responses.answer,
      ledger: {
        reserve: () =>
          Promise.resolve({
            ...RESERVATION,
            output_tokens_limit: limit,
            output_limited_by: "balance" as const,
          }),
      },
    });
    const response = await createHandler(deps)(ask("/v1/responses", DIALECTS.responses.body));
    await response.text();
    assertEquals(response.status, status);
    const last = status === 402
      ? ["reserve", "release"]
      : ["reserve", "fetch", "settle", "rememberStoredItems"];
    assertEquals(steps.map(([step]) => step), last);
  }
});
