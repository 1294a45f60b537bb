import { assertEquals, assertStringIncludes } from "@std/assert";
import { readChatRequest } from "../../shared/llm/dialects/openai_chat_request.ts";

const read = (content: unknown, more: Record<string, unknown> = {}) =>
  readChatRequest({ model: "m", messages: [{ role: "user", content, ...more }] });

Deno.test("text and images can be asked about, in any mixture", () => {
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const text = { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } };
  assertEquals(read([text, image, image, text]).kind, "request");
  assertEquals(read([]).kind, "request");
});

Deno.test("what hides any number of tokens behind a short name is refused, with its place", () => {
  const parts: unknown[] = [
    { type: "file", file: { file_id: "file-1" } },
    { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
    { type: "document_url", document_url: "https://example.com/a.pdf" },
    { type: "video_url", video_url: { url: "https://example.com/a.mp4" } },
    { type: "FILE", file: {} },
    { file: { file_id: "file-1" } },
    "text",
    null,
  ];
  for (const part of parts) {
    const answer = read([{ type: "text", text: "Sum it up" }, part]);
    if (answer.kind !== "fault") throw new Error(`${JSON.stringify(part)} was let through`);
    assertEquals(answer.param, "messages[0].content[1]");
    assertStringIncludes(answer.message, "cannot be metered");
  }
  assertEquals(read("again", { audio: { id: "audio-1" } }).kind, "fault");
});
