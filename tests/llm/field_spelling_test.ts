/** Keys that a server in Go would take for others, in every dialect. */
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import type { Dialect, JsonObject } from "../../shared/llm/dialect.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import * as anthropic from "./anthropic_messages_requests.ts";
import * as gemini from "./gemini_requests.ts";
import * as chat from "./openai_chat_requests.ts";
import { dialectOf, listRecordings, testRecordings } from "./recordings.ts";
import { accepted, refused } from "./requests.ts";

const responses = { hello: { model: "openai:gpt-5", input: "Hello" } };
/** Dialects whose fields have one name. */
const HELLO: readonly (readonly [Dialect, JsonObject])[] = [
  [OPENAI_CHAT, { ...chat.hello, stream: true, stream_options: {} }],
  [OPENAI_RESPONSES, responses.hello],
  [ANTHROPIC_MESSAGES, anthropic.hello],
];

const limits = { maxInputTokens: null, imageTokensMax: null };

/** Every field that a dialect looks at in a body, there or not. */
function fieldsRead(dialect: Dialect, hello: JsonObject): string[] {
  const names = new Set<string>();
  const body = new Proxy(hello, {
    get(target, name) {
      if (typeof name === "string") names.add(name);
      return Reflect.get(target, name);
    },
  });
  const request = accepted(dialect, body);
  dialect.inputTokensMax(request, limits);
  dialect.inputTokensEstimate(request, limits);
  dialect.rewriteRequest(request, chat.openai);
  return [...names];
}

/** How else a server in Go would know a name: capitals, and two letters that fold into ASCII. */
function otherSpellings(name: string): string[] {
  const capital = name[0]!.toUpperCase() + name.slice(1);
  const foreign = name.replaceAll("k", "\u212A").replaceAll("s", "\u017F");
  return [name.toUpperCase(), capital, foreign].filter((other) => other !== name);
}

for (const [dialect, hello] of HELLO) {
  Deno.test(`${dialect.name}: every field that is read is refused under another spelling`, () => {
    const fields = fieldsRead(dialect, hello);
    assertEquals(fields.includes("model") && fields.includes("tools"), true);
    for (const key of fields.flatMap(otherSpellings)) {
      for (const value of [null, 9, "Hello"]) {
        const { param, message } = refused(dialect, { ...hello, [key]: value });
        assertEquals(param, key);
        assertStringIncludes(message, JSON.stringify(key));
      }
    }
  });
}

Deno.test("gemini: fields of the body and of generationConfig are refused under another spelling", () => {
  const body = [
    ...["contents", "systemInstruction", "system_instruction", "generationConfig", "tools"],
    ...["models", "model", "chatId", "chat_id", "cachedContent", "serviceTier", "service_tier"],
  ];
  for (const key of body.flatMap(otherSpellings)) {
    assertEquals(gemini.fault({ ...gemini.hello, [key]: [] }), key);
  }
  const config = [
    ...["maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count"],
    ...["thinkingConfig", "responseModalities", "imageConfig", "speechConfig", "responseFormat"],
  ];
  for (const key of config.flatMap(otherSpellings)) {
    assertEquals(gemini.fault(gemini.config({ [key]: 9 })), `generationConfig.${key}`);
  }
  const PARTS = [{ text: "Hello" }];
  assertEquals(gemini.fault({ contents: [{ PARTS }] }), "contents[0].PARTS");
  const systemInstruction = { Parts: PARTS };
  assertEquals(gemini.fault({ ...gemini.hello, systemInstruction }), "systemInstruction[0].Parts");
  const tools = [{ FUNCTIONDECLARATIONS: [] }];
  assertEquals(gemini.fault({ ...gemini.hello, tools }), "tools[0].FUNCTIONDECLARATIONS");
});

Deno.test("what is checked in messages, tools and options is refused under another spelling", () => {
  const message = { role: "user", content: "Hello", CONTENT: "Long" };
  assertEquals(chat.fault({ ...chat.hello, messages: [message] }), "messages[0].CONTENT");
  assertEquals(anthropic.fault({ messages: [message] }), "messages[0].CONTENT");
  const item = refused(OPENAI_RESPONSES, { ...responses.hello, input: [message] });
  assertEquals(item.param, "input[0].CONTENT");
  const stream_options = { INCLUDE_USAGE: false };
  const streamed = { ...chat.hello, stream: true };
  assertEquals(chat.fault({ ...streamed, stream_options }), "stream_options.INCLUDE_USAGE");
  assertEquals(chat.fault({ ...chat.hello, options: { Num_Predict: 9 } }), "options");

  const own = { type: "function", name: "f", Type: "code_interpreter" };
  assertEquals(chat.fault({ ...chat.hello, tools: [own] }), "tools[0]");
  const namespace = { type: "namespace", tools: [own] };
  const tool = refused(OPENAI_RESPONSES, { ...responses.hello, tools: [namespace] });
  assertEquals(tool.param, "tools[0].tools[0].Type");
  const custom = { name: "f", input_schema: {}, TYPE: "code_execution_20250825" };
  assertEquals(anthropic.fault({ tools: [custom] }), "tools[0].TYPE");
});

Deno.test("a part of a message cannot be another one under another spelling", () => {
  const part = { type: "text", text: "Hi", TYPE: "image_url", image_url: { url: "https://a.b/c" } };
  const messages = [{ role: "user", content: [part] }];
  assertEquals(chat.fault({ ...chat.hello, messages }), "messages[0].content[0].TYPE");
  const file = { type: "image_url", image_url: {}, FILE_ID: "file-1" };
  const named = [{ role: "user", content: [file] }];
  assertEquals(chat.fault({ ...chat.hello, messages: named }), "messages[0].content[0].FILE_ID");
  const item = refused(OPENAI_RESPONSES, { ...responses.hello, input: messages });
  assertEquals(item.param, "input[0].content[0].TYPE");
  const result = { type: "tool_result", tool_use_id: "t", content: [part] };
  assertEquals(anthropic.fault({ messages: [{ role: "user", content: [result] }] }), "messages");
});

testRecordings("no field of a recorded request is taken for another", () => {
  const requests = listRecordings()!.filter((one) => one.request !== undefined);
  let read = 0;
  for (const recording of requests) {
    const dialect = dialectOf(recording);
    const hello = [...HELLO, [GEMINI, gemini.hello] as const].find(([one]) => one === dialect);
    if (dialect === undefined || hello === undefined) continue;
    const body = { ...hello[1], ...recording.request };
    const request = dialect.readRequest(body, gemini.target);
    if (request.kind === "fault") assertNotMatch(request.message, /could be read as/);
    else read++;
  }
  assertEquals(read > 200, true, `${read} of ${requests.length} were accepted`);
});
