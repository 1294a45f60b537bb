import { assertEquals } from "@std/assert";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { fault, hello, read } from "./openai_chat_requests.ts";

const ask = (content: unknown, more: object = {}) => ({
  ...hello,
  messages: [{ role: "user", content, ...more }],
});
const accepted = (content: unknown, more: object = {}) => read(ask(content, more));

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
    { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" } },
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

Deno.test("a spoken answer of before is gone on from by its id, which is text and spelt so", () => {
  const references = (audio: unknown) => accepted("again", { audio }).references;
  assertEquals(references({ id: "audio_1", transcript: "Hi" }), [
    { id: "audio_1", param: "messages[0].audio.id" },
  ]);
  for (const none of [null, { transcript: "Hi" }, { id: null }]) {
    assertEquals(references(none), undefined, JSON.stringify(none));
  }
  for (const [audio, param] of [[{ id: 7 }, "id"], [{ id: "" }, "id"], [{ ID: "a" }, "ID"]]) {
    assertEquals(fault(ask("again", { audio })), `messages[0].audio.${param}`);
  }
});

Deno.test("a part without a type is refused, with its place", () => {
  for (const part of [{ file: { file_id: "file-1" } }, "text", null, { type: 7 }]) {
    const content = [{ type: "text", text: "Sum it up" }, part];
    assertEquals(fault(ask(content)), "messages[0].content[1]", JSON.stringify(part));
  }
});

Deno.test("a file that lies at the provider is refused, for it could be another user's", () => {
  for (
    const part of [
      { type: "file", file: { file_id: "file-1" } },
      { type: "file", file_id: "file-1" }, // Mistral
      { type: "input_file", file_id: "file-1" },
      { type: "image_url", image_url: { file_id: "file-1" } },
    ]
  ) {
    assertEquals(fault(ask([part])), "messages[0].content[0]", JSON.stringify(part));
  }
  assertEquals(
    accepted([{ type: "file", file: { file_data: "A", file_id: null } }]).hidesInput,
    true,
  );
});
