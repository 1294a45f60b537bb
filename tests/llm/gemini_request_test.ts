import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RequestTarget } from "../../shared/llm/dialect.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { ITEMS_MAX } from "../../shared/llm/dialects/request_checks.ts";
import { PLAIN } from "./requests.ts";

import { change, config, fault, hello, read, rewrite, target } from "./gemini_requests.ts";

Deno.test("a plain request of Gemini is read: model and method from the path", () => {
  const { body, ...request } = read(hello);
  assertEquals(request, {
    ...PLAIN,
    model: "google:gemini-2.5-flash",
    method: "generateContent",
    wantsUsage: true,
  });
  assertEquals(body, hello);
  assertEquals(read(hello, { ...target, stream: true }).stream, true);
  assertEquals(read({ contents: hello.contents[0] }).kind, "request");
});

Deno.test("a request without a model in its path is refused", () => {
  assertEquals(GEMINI.readRequest(hello).kind, "fault");
  for (const model of ["", "x".repeat(1000)]) {
    assertEquals(fault(hello, { ...target, model }), "model");
  }
});

Deno.test("a body of Gemini that is not an object, or nested without end, is refused", () => {
  for (const body of [null, [], "x", 1, true, undefined]) assertEquals(fault(body), null);
  let deep: unknown = {};
  for (let depth = 0; depth < 10_000; depth++) deep = { deep };
  assertEquals(fault({ ...hello, deep }), null);
});

Deno.test("contents that are absent, empty, too many or no contents are refused", () => {
  const many = Array.from({ length: ITEMS_MAX + 1 }, () => hello.contents[0]);
  for (const contents of [undefined, null, [], many]) assertEquals(fault({ contents }), "contents");
  assertEquals(fault({ contents: "Hello" }), "contents[0]");
  assertEquals(fault({ contents: [hello.contents[0], 7] }), "contents[1]");
  assertEquals(fault({ contents: [{ parts: ["Hello"] }] }), "contents[0].parts[0]");
});

Deno.test("limit, chat and alternatives are read under either name; null is as good as absent", () => {
  for (
    const body of [
      { generationConfig: { maxOutputTokens: 100 }, chat_id: "chat-1", models: ["a", "b"] },
      { generation_config: { max_output_tokens: 100 }, chat_id: "chat-1", models: ["a", "b"] },
      { generation_config: { maxOutputTokens: 100 }, chat_id: "chat-1", models: ["a", "b"] },
    ]
  ) {
    const request = read({ ...hello, ...body });
    assertEquals(
      [request.outputTokensLimit, request.chatId, request.fallbackModels],
      [100, "chat-1", ["a", "b"]],
    );
  }
  const nothing = { generationConfig: null, chat_id: null, models: null, tools: null };
  assertEquals(read({ ...hello, ...nothing }).outputTokensLimit, null);
  assertEquals(read(config({ maxOutputTokens: null, candidateCount: 1 })).outputTokensLimit, null);
});

Deno.test("a field under both of its names is refused, wherever it stands", () => {
  for (
    const [body, name] of [
      [{ generationConfig: {}, generation_config: { candidate_count: 8 } }, "generationConfig"],
      [{ generationConfig: { maxOutputTokens: 1, max_output_tokens: 9 } }, "maxOutputTokens"],
      [{ generationConfig: { maxOutputTokens: null, max_output_tokens: 9 } }, "maxOutputTokens"],
      [{ contents: [{ parts: [{ inlineData: {}, inline_data: {} }] }] }, "inlineData"],
      [
        { tools: [{ functionDeclarations: [], function_declarations: [] }] },
        "functionDeclarations",
      ],
    ] as const
  ) {
    assertEquals(fault({ ...hello, ...body }), name);
  }
  // Within what is the client's own JSON, two names are two names.
  const args = { a_b: 1, aB: 2 };
  assertEquals(
    read({ contents: [{ parts: [{ functionCall: { name: "f", args } }] }] }).kind,
    "request",
  );
});

Deno.test("a negative, zero, fractional, textual or absurd output limit of Gemini is refused", () => {
  for (const limit of [-1, 0, 1.5, "100", 1e18, 10_000_001, NaN, [100], true]) {
    assertEquals(fault(config({ maxOutputTokens: limit })), "generationConfig.maxOutputTokens");
    assertEquals(
      fault({ ...hello, generation_config: { max_output_tokens: limit } }),
      "generationConfig.maxOutputTokens",
    );
  }
  for (const odd of [[], "x", 7, true]) assertEquals(fault(config(odd)), "generationConfig");
});

Deno.test("a chat or alternatives of another shape are refused", () => {
  for (const chat_id of ["", 7, {}, "x".repeat(129)]) {
    assertEquals(fault({ ...hello, chat_id }), "chat_id");
  }
  for (const models of [[7], [""], [{}], Array.from({ length: 9 }, (_, i) => `m${i}`)]) {
    assertEquals(fault({ ...hello, models }), "models");
  }
});

Deno.test("what the proxy changes is under the names that the client used; the rest stays", () => {
  const kept = { safetySettings: [], toolConfig: {}, systemInstruction: { parts: [] } };
  for (
    const [sent, forwarded] of [
      [{}, { generationConfig: { maxOutputTokens: 60 } }],
      [{ generationConfig: null }, { generationConfig: { maxOutputTokens: 60 } }],
      [
        { generationConfig: { topP: 1, max_output_tokens: 99 } },
        { generationConfig: { topP: 1, max_output_tokens: 60 } },
      ],
      [
        { generation_config: { top_p: 1 } },
        { generation_config: { top_p: 1, max_output_tokens: 60 } },
      ],
    ] as const
  ) {
    const ours = { chat_id: "c", models: ["b"], model: "models/other" };
    assertEquals(rewrite({ ...kept, ...sent, ...ours }).body, { ...hello, ...kept, ...forwarded });
  }
  assertEquals(rewrite({ chat_id: "c" }, { outputTokensLimit: null }).body, hello);
  assertEquals(rewrite({}).withholdUsage, false);
});

Deno.test("the path goes on with the model, escaped, and the method that was asked for", () => {
  const suffix = (to: Partial<RequestTarget>, model = "gemini-2.5-flash") =>
    rewrite({}, { model }, { ...target, ...to }).pathSuffix;
  assertEquals(suffix({}), "/models/gemini-2.5-flash:generateContent");
  const streamed = "/models/gemini-2.5-flash:streamGenerateContent";
  assertEquals(suffix({ stream: true }), `${streamed}?alt=sse`);
  assertEquals(suffix({ stream: true, method: "streamGenerateContent" }), `${streamed}?alt=sse`);
  // Without alt=sse Google answers with one array of chunks.
  assertEquals(suffix({ method: "streamGenerateContent" }), streamed);
  const odd = suffix({}, "../x?key=1#/:generateContent");
  assertEquals(odd, "/models/..%2Fx%3Fkey%3D1%23%2F%3AgenerateContent:generateContent");
});

Deno.test("whatever the JSON, a request of Gemini is read or refused, and never thrown at", () => {
  const keys = [
    ...["contents", "parts", "text", "inlineData", "inline_data", "mimeType", "mime_type", "data"],
    ...["generationConfig", "generation_config", "maxOutputTokens", "candidateCount", "tools"],
    ...["thinkingConfig", "responseModalities", "functionDeclarations", "functionResponse"],
    ...["fileData", "fileUri", "systemInstruction", "__proto__", "models", "chat_id", "response"],
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, true, 1, -1, 1.5, "", "x", "IMAGE", "image/png", "https://a.b/c"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
    ),
  })).value;
  const limits = { maxInputTokens: null, imageTokensMax: null };
  fc.assert(
    fc.property(json, json, (body, contents) => {
      for (const sent of [body, { ...Object(body), contents: [{ parts: contents }] }]) {
        const request = GEMINI.readRequest(sent, target);
        if (request.kind !== "request") continue;
        const most = GEMINI.inputTokensMax(request, limits);
        assert(most > 0 && GEMINI.inputTokensEstimate(request, limits) <= most);
        const upstream = GEMINI.rewriteRequest(request, change).body;
        // What is forwarded is read the same way, with the limit in force.
        const again = GEMINI.readRequest(upstream, target);
        assertEquals(again.kind === "request" && again.outputTokensLimit, 60);
      }
    }),
    { numRuns: 2000 },
  );
});
