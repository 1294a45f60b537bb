import { assertEquals, assertMatch } from "@std/assert";
import type { ModelRequest, RequestChange } from "../../shared/llm/dialect.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { ITEMS_MAX } from "../../shared/llm/dialects/request_checks.ts";
import { accepted, PLAIN, refused } from "./requests.ts";

const hello = { model: "openai:gpt-5", input: "Hello" };

const read = (body: unknown): ModelRequest => accepted(OPENAI_RESPONSES, body);
const faultOf = (body: unknown) => refused(OPENAI_RESPONSES, body);
const fault = (body: unknown) => faultOf(body).param;

const openai: RequestChange = {
  model: "gpt-5",
  outputTokensLimit: 60,
  usageSwitch: "optional",
  outputLimitFields: ["max_output_tokens"],
};

Deno.test("a plain request is read: not streamed, without limit, all of its prompt in sight", () => {
  const { body, ...request } = read(hello);
  assertEquals(request, { ...PLAIN, model: "openai:gpt-5", wantsUsage: true });
  assertEquals(body, hello);
});

Deno.test("stream flag, limit and alternatives are read; null is as good as absent", () => {
  const request = read({
    ...hello,
    stream: true,
    stream_options: { include_obfuscation: false },
    max_output_tokens: 100,
    models: ["xai:grok-4", "deepseek:deepseek-v4"],
    background: null,
    tools: null,
    previous_response_id: null,
    conversation: null,
    prompt: null,
    service_tier: null,
    max_tool_calls: null,
  });
  assertEquals(
    [request.stream, request.outputTokensLimit, request.fallbackModels, request.hidesInput],
    [true, 100, ["xai:grok-4", "deepseek:deepseek-v4"], false],
  );
});

Deno.test("what is malformed is a fault that names the parameter", () => {
  for (
    const [change, param] of [
      [{ model: undefined }, "model"],
      [{ model: "" }, "model"],
      [{ model: ["a"] }, "model"],
      [{ model: "x".repeat(257) }, "model"],
      [{ input: undefined }, "input"],
      [{ input: 7 }, "input"],
      [{ input: { role: "user" } }, "input"],
      [{ input: ["Hello"] }, "input[0]"],
      [{ input: [{ role: "user", content: "x" }, null] }, "input[1]"],
      [{ input: Array(ITEMS_MAX + 1).fill({ role: "user", content: "x" }) }, "input"],
      [{ stream: "yes" }, "stream"],
      [{ max_output_tokens: 0 }, "max_output_tokens"],
      [{ max_output_tokens: 1.5 }, "max_output_tokens"],
      [{ max_output_tokens: "100" }, "max_output_tokens"],
      [{ tools: {} }, "tools"],
      [{ tools: ["web"] }, "tools[0].type"],
      [{ tools: [{ web_search: {} }] }, "tools[0].type"],
      [{ models: "a" }, "models"],
      [{ models: [7] }, "models"],
      [{ models: [""] }, "models"],
      [{ models: Array.from({ length: 9 }, (_, index) => `m${index}`) }, "models"],
    ] as const
  ) {
    assertEquals(fault({ ...hello, ...change }), param, JSON.stringify(change).slice(0, 80));
  }
  for (const body of [null, [], "x", 7]) assertEquals(fault(body), null);
  let nested: unknown = "x";
  for (let depth = 0; depth < 101; depth++) nested = [nested];
  assertEquals(fault({ ...hello, metadata: nested }), null);
});

Deno.test("what no price covers, or no limit bounds, is refused with its reason", () => {
  for (
    const [change, param, why] of [
      [{ background: true }, "background", /usage/],
      [{ n: 2 }, "n", /multiplies/],
      [{ service_tier: "priority" }, "service_tier", /cost more/],
      [{ service_tier: "ultrafast" }, "service_tier", /cost more/],
      [{ modalities: ["image"] }, "modalities", /text/],
      [{ search_parameters: { mode: "on" } }, "search_parameters", /per source/],
      [{ plugins: [{ id: "web" }] }, "plugins", /per call/],
      [{ deferred: true }, "deferred", /metered/],
    ] as const
  ) {
    const refused = faultOf({ ...hello, ...change });
    assertEquals(refused.param, param);
    assertMatch(refused.message, why);
  }
  read({ ...hello, background: false, n: 1, service_tier: "flex", store: false, plugins: [] });
});

Deno.test("tools that the client runs are allowed, those that the provider bills are not", () => {
  const local = [
    { type: "function", name: "f", parameters: {} },
    { type: "custom", name: "c" },
    { type: "local_shell" },
    { type: "apply_patch" },
    { type: "shell", environment: { type: "local" } },
    { type: "tool_search", execution: "client" },
    { type: "namespace", name: "n", tools: [{ type: "function", name: "g" }] },
  ];
  assertEquals(read({ ...hello, tools: local }).features, []);
  for (
    const tool of [
      { type: "code_interpreter", container: { type: "auto" } },
      { type: "file_search", vector_store_ids: [] },
      { type: "image_generation" },
      { type: "mcp", server_label: "x", server_url: "https://x.test" },
      { type: "computer_use_preview" },
      { type: "programmatic_tool_calling" },
      { type: "x_search" },
      { type: "web_search_premium" },
      { type: "shell" },
      { type: "shell", environment: { type: "container_auto" } },
      { type: "tool_search" },
    ]
  ) {
    assertEquals(fault({ ...hello, tools: [local[0], tool] }), "tools[1].type", tool.type);
    assertEquals(
      fault({ ...hello, tools: [{ type: "namespace", tools: [tool] }] }),
      "tools[0].tools[0].type",
    );
    for (const type of ["additional_tools", "tool_search_output"]) {
      assertEquals(
        fault({ ...hello, input: [{ type, tools: [tool] }] }),
        "input[0].tools[0].type",
      );
    }
  }
});

Deno.test("the provider may search the web as often as max_tool_calls says, and not without it", () => {
  for (
    const type of ["web_search", "web_search_preview", "web_search_2025_08_26"]
  ) {
    const tools = [{ type: "function", name: "f" }, { type }];
    const { webSearchesMax, features } = read({ ...hello, tools, max_tool_calls: 3 });
    assertEquals([webSearchesMax, features], [3, ["web_search"]]);
    const refused = faultOf({ ...hello, tools });
    assertEquals(refused.param, "max_tool_calls");
    assertMatch(refused.message, /Set max_tool_calls/);
    for (const max_tool_calls of [0, -1, 1.5, "3", 101]) {
      assertEquals(fault({ ...hello, tools, max_tool_calls }), "max_tool_calls");
    }
  }
  assertEquals(read({ ...hello, max_tool_calls: 3 }).webSearchesMax, 0);
});

Deno.test("a request that makes a model think hides output: at best a summary of it is shown", () => {
  for (const reasoning of [{ effort: "low" }, { summary: "auto" }, {}, { enabled: true }]) {
    assertEquals(read({ ...hello, reasoning }).hidesOutput, true);
  }
  for (const reasoning of [null, { effort: "none" }, { enabled: false }]) {
    assertEquals(read({ ...hello, reasoning }).hidesOutput, false);
  }
});

Deno.test("only model and limit are changed, and our own field is taken out", () => {
  const body = {
    ...hello,
    stream: true,
    stream_options: { include_obfuscation: false },
    store: false,
    service_tier: "flex",
    max_output_tokens: 100,
    models: ["xai:grok-4"],
    reasoning: { effort: "low" },
    some_future_field: { x: [1] },
  };
  const { models: _, ...rest } = body;
  assertEquals(OPENAI_RESPONSES.rewriteRequest(read(body), openai), {
    body: { ...rest, model: "gpt-5", max_output_tokens: 60 },
    withholdUsage: false,
    pathSuffix: "",
  });
  const unlimited = { ...openai, outputTokensLimit: null };
  assertEquals(
    OPENAI_RESPONSES.rewriteRequest(read(body), unlimited).body.max_output_tokens,
    100,
  );
  assertEquals(OPENAI_RESPONSES.rewriteRequest(read(hello), unlimited).body, {
    ...hello,
    model: "gpt-5",
  });
});

Deno.test("a chat's id is read, refused where it is none, and never forwarded", () => {
  const request = read({ ...hello, chat_id: "chat-1" });
  assertEquals(request.chatId, "chat-1");
  assertEquals("chat_id" in OPENAI_RESPONSES.rewriteRequest(request, openai).body, false);
  for (const chat_id of ["", 7, {}, "x".repeat(129)]) {
    assertEquals(fault({ ...hello, chat_id }), "chat_id");
  }
});

Deno.test("a file that lies at the provider is refused, for it could be another user's", () => {
  const file = { type: "input_file", file_id: "file_1" };
  const image = { type: "input_image", file_id: "file_1" };
  for (
    const item of [
      { role: "user", content: [{ type: "input_text", text: "x" }, file] },
      { type: "message", role: "user", content: [image] },
      { type: "function_call_output", call_id: "c", output: [file] },
      { type: "computer_call_output", call_id: "c", output: image },
      file,
    ]
  ) {
    assertEquals(fault({ ...hello, input: [item] }), "input[0]", JSON.stringify(item));
  }
  const prompt = { id: "pmpt_1", variables: { city: "Paris", file } };
  assertEquals(fault({ model: hello.model, prompt }), "prompt.variables");
  const cited = { type: "output_text", text: "x", annotations: [{ file_id: "file_1" }] };
  assertEquals(
    read({ ...hello, input: [{ role: "assistant", content: [cited] }] }).kind,
    "request",
  );
});
