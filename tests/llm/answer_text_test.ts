import { assert, assertEquals } from "@std/assert";
import { createAnswerText, textOfWholeAnswer } from "../../shared/llm/answer_text.ts";
import type { DialectName } from "../../shared/llm/dialect.ts";
import { chunksOf, encode } from "./chunks.ts";
import { dialectOf, listRecordings, readRecording } from "./recordings.ts";

/** The text of a stream that comes in chunks of this size. */
function textOf(dialect: DialectName, stream: string | Uint8Array, chunkBytes = 1 << 20): string {
  const text = createAnswerText(dialect, 1 << 20);
  const bytes = typeof stream === "string" ? encode(stream) : stream;
  for (const chunk of chunksOf(bytes, chunkBytes)) text.add(chunk);
  return text.end();
}

const events = (...data: object[]) => data.map((d) => `data: ${JSON.stringify(d)}\n\n`).join("");
const whole = (dialect: DialectName, body: unknown) =>
  textOfWholeAnswer(encode(JSON.stringify(body)), dialect);

Deno.test("Chat Completions: the content or refusal of the first choice, also in parts; no reasoning, no calls", () => {
  const delta = (delta: object, index = 0) => ({ choices: [{ index, delta }] });
  const stream = events(
    delta({ role: "assistant", content: "" }),
    delta({ reasoning_content: "Hm." }),
    delta({ content: "One" }),
    delta({ content: "Uno" }, 1),
    delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }] }),
    delta({ content: [{ type: "text", text: " two" }] }),
    delta({ tool_calls: [{ index: 0, function: { name: "f", arguments: "{}" } }] }),
    delta({ refusal: " no" }),
    { choices: [], usage: {} },
  );
  assertEquals(textOf("openai-chat", `: farebox {}\n\n${stream}data: [DONE]\n\n`), "One two no");
  const message = { role: "assistant", content: "Hi", reasoning: "Hm." };
  assertEquals(whole("openai-chat", { choices: [{ message }] }), "Hi");
});

Deno.test("Responses: the text of messages, not of reasoning", () => {
  const stream = events(
    { type: "response.reasoning_text.delta", delta: "Hm." },
    { type: "response.output_text.delta", delta: "One" },
    { type: "response.output_text.done", text: "One" },
    { type: "response.function_call_arguments.delta", delta: "{}" },
  );
  assertEquals(textOf("openai-responses", stream), "One");
  const output = [
    { type: "reasoning", content: [{ type: "reasoning_text", text: "Hm." }] },
    { type: "message", content: [{ type: "output_text", text: "One" }, { refusal: " no" }] },
  ];
  assertEquals(whole("openai-responses", { output }), "One no");
});

Deno.test("Messages: text blocks, not thinking or tools", () => {
  const stream = events(
    { type: "content_block_start", content_block: { type: "text", text: "" } },
    { type: "content_block_delta", delta: { type: "thinking_delta", thinking: "Hm." } },
    { type: "content_block_delta", delta: { type: "text_delta", text: "One" } },
    { type: "content_block_delta", delta: { type: "input_json_delta", partial_json: "{}" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" } },
  );
  assertEquals(textOf("anthropic-messages", stream), "One");
  const content = [{ type: "thinking", thinking: "Hm." }, { type: "text", text: "Hi" }];
  assertEquals(whole("anthropic-messages", { content }), "Hi");
});

Deno.test("Gemini: the parts of the first candidate, not thoughts; also of an array of chunks", () => {
  const chunk = (...parts: object[]) => ({ candidates: [{ content: { parts } }] });
  const chunks = [chunk({ text: "Hm.", thought: true }), chunk({ text: "One" }, { text: " two" })];
  assertEquals(textOf("gemini", events(...chunks)), "One two");
  assertEquals(whole("gemini", chunks), "One two");
  assertEquals(whole("gemini", chunks[1]), "One two");
});

Deno.test("what is no answer has no text, and a text without end is cut", () => {
  for (const stream of ["", "data: [1]\n\n", "data: {\n\n", "data: [DONE]\n\n", "<html>"]) {
    assertEquals(textOf("openai-chat", stream), "");
    assertEquals(textOfWholeAnswer(encode(stream), "openai-chat"), "");
  }
  const text = createAnswerText("openai-chat", 5);
  const event = encode(events({ choices: [{ index: 0, delta: { content: "abc" } }] }));
  for (let i = 0; i < 1000; i++) text.add(event);
  assertEquals(text.end(), "abcab");
});

const recordings = listRecordings();

Deno.test({
  name:
    "of every recorded stream the text is the same at any chunking, and in Responses what its last event repeats",
  ignore: recordings === null,
  fn() {
    let compared = 0;
    for (const recording of recordings!) {
      const dialect = dialectOf(recording)?.name;
      if (dialect === undefined || !recording.streaming) continue;
      const bytes = readRecording(recording);
      const text = textOf(dialect, bytes);
      assertEquals(textOf(dialect, bytes, 97), text, recording.file);
      // Others were shortened by those who keep them.
      if (dialect !== "openai-responses" || recording.grade !== "A") continue;
      const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
      const last = lines.find((line) => /^data:.*"response\.completed"/.test(line));
      const response = last && JSON.parse(last.slice("data:".length)).response;
      // Some providers repeat nothing there.
      if (!response?.output?.length) continue;
      assertEquals(text, whole(dialect, response), recording.file);
      compared++;
    }
    assert(compared > 5, `${compared} recordings were compared`);
  },
});
