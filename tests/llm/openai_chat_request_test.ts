import { assertEquals } from "@std/assert";
import { ITEMS_MAX } from "../../shared/llm/dialects/request_checks.ts";
import { fault, hello, read } from "./openai_chat_requests.ts";
import { PLAIN } from "./requests.ts";

Deno.test("a plain request is read: not streamed, without limit, without usage, without chat", () => {
  const { body, ...request } = read(hello);
  assertEquals(request, { ...PLAIN, model: "openai:gpt-4o", wantsUsage: false });
  assertEquals(body, hello);
});

Deno.test("stream flag, limit, usage wish and chat are read; null is as good as absent", () => {
  const request = read({
    ...hello,
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: null,
    max_tokens: 100,
    chat_id: "chat-1",
    n: 1,
    tools: null,
  });
  assertEquals(
    [request.stream, request.wantsUsage, request.outputTokensLimit, request.chatId],
    [true, true, 100, "chat-1"],
  );
  assertEquals(read({ ...hello, max_tokens: 9, max_completion_tokens: 9 }).outputTokensLimit, 9);
});

Deno.test("a body that is not an object is refused", () => {
  for (const body of [null, [], "x", 1, true, undefined]) assertEquals(fault(body), null);
});

Deno.test("a model that is absent, empty, no text or absurdly long is refused", () => {
  for (const model of [undefined, null, "", ["gpt-4o"], { id: "x" }, 4, "x".repeat(1000)]) {
    assertEquals(fault({ ...hello, model }), "model");
  }
});

Deno.test("messages that are absent, empty, too many or no messages are refused", () => {
  const many = Array.from({ length: 10_000 }, () => hello.messages[0]);
  for (
    const messages of [undefined, null, [], {}, "Hello", many, many.slice(0, ITEMS_MAX + 1)]
  ) {
    assertEquals(fault({ ...hello, messages }), "messages");
  }
  assertEquals(fault({ ...hello, messages: [{ role: "user" }, "Hello"] }), "messages[1]");
  assertEquals(fault({ ...hello, messages: [{ content: "Hello" }] }), "messages[0]");
  const content = { text: "Hello" };
  assertEquals(fault({ ...hello, messages: [{ role: "user", content }] }), "messages[0].content");
  assertEquals(read({ ...hello, messages: many.slice(0, ITEMS_MAX) }).kind, "request");
});

Deno.test("a negative, zero, fractional, textual or absurd output limit is refused", () => {
  for (const limit of [-1, 0, 1.5, "100", 1e18, 10_000_001, NaN, [100], true]) {
    assertEquals(fault({ ...hello, max_tokens: limit }), "max_tokens");
    assertEquals(fault({ ...hello, max_completion_tokens: limit }), "max_completion_tokens");
  }
});

Deno.test("two different output limits are refused: which one holds is the provider's guess", () => {
  assertEquals(fault({ ...hello, max_tokens: 10, max_completion_tokens: 20 }), "max_tokens");
});

Deno.test("more than one answer is refused", () => {
  for (const n of [0, 2, "1", [1], 1.5]) assertEquals(fault({ ...hello, n }), "n");
});

Deno.test("a stream flag or stream options of another type are refused", () => {
  for (const stream of ["true", 1, {}]) assertEquals(fault({ ...hello, stream }), "stream");
  for (const stream_options of [[], "x", true]) {
    assertEquals(fault({ ...hello, stream: true, stream_options }), "stream_options");
  }
  const stream_options = { include_usage: "yes" };
  assertEquals(
    fault({ ...hello, stream: true, stream_options }),
    "stream_options.include_usage",
  );
});

Deno.test("a body nested a hundred thousand deep is refused without overflowing the stack", () => {
  const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
  assertEquals(fault({ ...hello, metadata: deep }), null);
});

Deno.test("a chat id that is empty, long or no text is refused", () => {
  for (const chat_id of ["", "x".repeat(129), 7, {}]) {
    assertEquals(fault({ ...hello, chat_id }), "chat_id");
  }
});
