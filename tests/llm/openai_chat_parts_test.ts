import { assertEquals } from "@std/assert";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { readChatRequest } from "../../shared/llm/dialects/openai_chat_request.ts";

const read = (content: unknown, more: Record<string, unknown> = {}) =>
  readChatRequest({ model: "m", messages: [{ role: "user", content, ...more }] });

function accepted(content: unknown, more: Record<string, unknown> = {}) {
  const answer = read(content, more);
  if (answer.kind === "fault") throw new Error(`refused: ${answer.message}`);
  return answer;
}

const limits = { maxInputTokens: 128_000, imageTokensMax: 765 };

Deno.test("text and images can be asked about, in any mixture, and are counted", () => {
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const text = { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } };
  const thinking = { type: "thinking", thinking: [{ type: "text", text: "Hm." }] };
  const request = accepted([text, image, thinking, image, text]);
  assertEquals([request.hidesInput, request.features], [false, []]);
  assertEquals(OPENAI_CHAT.inputTokensMax(request, limits) < 2000, true);
  assertEquals(accepted([]).hidesInput, false);
});

Deno.test("lesson 18: what hides any number of tokens behind a short name holds the whole window", () => {
  const parts: unknown[] = [
    { type: "file", file: { file_id: "file-1" } },
    { type: "document_url", document_url: "https://example.com/a.pdf" },
    { type: "video_url", video_url: { url: "https://example.com/a.mp4" } },
    { type: "video", video: ["https://example.com/1.png"] },
    { type: "something_new" },
  ];
  for (const part of parts) {
    const request = accepted([{ type: "text", text: "Sum it up" }, part]);
    assertEquals([request.hidesInput, request.features], [true, []], JSON.stringify(part));
    assertEquals(OPENAI_CHAT.inputTokensMax(request, limits), 128_000);
  }
});

Deno.test("sound has a price of its own, in a part and as a spoken answer of before", () => {
  const sound = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
  const url = { type: "audio_url", audio_url: { url: "https://example.com/a.wav" } };
  for (const request of [accepted([sound, sound]), accepted([url])]) {
    assertEquals([request.hidesInput, request.features], [true, ["input_audio"]]);
  }
  const spoken = accepted("again", { audio: { id: "audio-1" } });
  assertEquals([spoken.hidesInput, spoken.features], [true, ["input_audio"]]);
  assertEquals(accepted("again", { audio: null }).features, []);
});

Deno.test("a part without a type is refused, with its place", () => {
  for (const part of [{ file: { file_id: "file-1" } }, "text", null, { type: 7 }]) {
    const answer = read([{ type: "text", text: "Sum it up" }, part]);
    assertEquals(
      answer.kind === "fault" && answer.param,
      "messages[0].content[1]",
      JSON.stringify(part),
    );
  }
});
