import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ModelRequest } from "../../shared/llm/dialect.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { accepted, refused } from "./requests.ts";
import { estimateTokens } from "./text_estimate.ts";

const target = { model: "google:gemini-2.5-flash", stream: false };
const limits = { maxInputTokens: 1_000_000, imageTokensMax: 1_000 };
const ask = (...parts: unknown[]) => ({ contents: [{ role: "user", parts }] });

/** Why, and for which parameter, a request with these parts is refused. */
const refusal = (...parts: unknown[]) => refused(GEMINI, ask(...parts), target);
const read = (body: unknown): ModelRequest => accepted(GEMINI, body, target);

/** What a request with this part hides, and which prices it needs. */
function seen(part: unknown): [boolean, readonly string[]] {
  const { hidesInput, features } = read(ask(part));
  return [hidesInput, features];
}

const blob = (mimeType: string) => ({ inlineData: { mimeType, data: "AAAA" } });

Deno.test("text, calls, what functions answer, code and thoughts hide nothing", () => {
  for (
    const part of [
      { text: "Hello" },
      { text: "Hm", thought: true, thoughtSignature: "c2ln" },
      { functionCall: { name: "f", args: { a: 1 } }, thought_signature: "c2ln" },
      { functionResponse: { name: "f", response: { result: "ok" } } },
      { function_response: { name: "f", response: { result: "ok" } } },
      { executableCode: { language: "PYTHON", code: "1" } },
      { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
    ]
  ) {
    assertEquals(seen(part), [false, []]);
  }
});

Deno.test("an image is bounded; sound has a price of its own; files cannot be counted", () => {
  for (
    const [part, hides, features] of [
      [blob("image/png"), false, []],
      [{ inline_data: { mime_type: "image/jpeg", data: "AAAA" } }, false, []],
      [blob("image/gif"), true, []], // Any number of pictures.
      [blob("application/pdf"), true, []],
      [blob("text/plain"), true, []],
      [blob("audio/mp3"), true, ["input_audio"]],
      [blob("audio/L16;rate=24000"), true, ["input_audio"]],
      [blob("video/mp4"), true, ["input_audio"]], // A video has sound.
      [blob(""), true, ["input_audio"]],
      [{ inlineData: { data: "AAAA" } }, true, ["input_audio"]],
      [
        { fileData: { fileUri: "https://example.com/a.pdf", mimeType: "application/pdf" } },
        true,
        [],
      ],
      [{ fileData: { fileUri: "https://youtu.be/abc" } }, true, ["input_audio"]],
      [{ file_data: { file_uri: "https://www.youtube.com/watch?v=a" } }, true, ["input_audio"]],
    ] as const
  ) {
    assertEquals(seen(part), [hides, [...features]]);
    // Pictures and files beside what a function answers are seen as well.
    assertEquals(seen({ functionResponse: { name: "f", parts: [part] } }), [hides, [...features]]);
    const instruction = { ...ask({ text: "x" }), system_instruction: { parts: [part] } };
    assertEquals(read(instruction).hidesInput, hides);
  }
});

Deno.test("an image at a resolution beyond the model's dearest is not bounded", () => {
  const at = (mediaResolution: unknown) => seen({ ...blob("image/png"), mediaResolution })[0];
  assertEquals(at({ level: "MEDIA_RESOLUTION_HIGH" }), false);
  assertEquals(at({ level: "MEDIA_RESOLUTION_ULTRA_HIGH" }), true);
  assertEquals(at({ level: "MEDIA_RESOLUTION_LOW", numTokens: 90_000 }), true);
  assertEquals(at(3), true);
});

Deno.test("files of the account that pays are refused, in whatever way they are named", () => {
  for (
    const fileUri of [
      "https://generativelanguage.googleapis.com/v1beta/files/abc",
      "https://GENERATIVELANGUAGE.googleapis.com/v1beta/files/abc",
      "https://generativelanguage.googleapis.com.:443/v1beta/files/abc",
      "https://storage.googleapis.com/bucket/a.pdf",
      "https://storage.cloud.google.com/bucket/a.pdf",
      "https://drive.google.com/file/d/abc",
      "https://user@storage.googleapis.com/a",
      "https://example.com\\@storage.googleapis.com/a",
      "gs://bucket/a.pdf",
      "files/abc",
      "http://example.com/a.pdf",
      "https://localhost/a",
      "",
      7,
    ]
  ) {
    assertEquals(refusal({ fileData: { fileUri } }).param, "contents[0].parts[0]");
  }
});

Deno.test("a part of a kind that is not known is refused by its place and name", () => {
  for (const part of [{ hologram: {} }, { text: "x", attach: "files/abc" }, { inlineData: "x" }]) {
    assertEquals(refusal({ text: "a" }, part).param, "contents[0].parts[1]");
  }
  assertStringIncludes(refusal({ hologram: {} }).message, '"hologram"');
});

Deno.test("a prompt of text is bounded by all of its text, and estimated by what the model reads", () => {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
  const short = read(ask({ text: "Hello" }));
  const most = (body: object) => GEMINI.inputTokensMax(read(body), limits);
  const least = estimateTokens(text);
  for (
    const body of [
      ask({ text }),
      ask({ functionResponse: { name: "f", response: { text } } }),
      { ...ask({ text: "Hello" }), systemInstruction: { parts: [{ text }] } },
      { ...ask({ text: "Hello" }), system_instruction: { parts: [{ text }] } },
      { ...ask({ text: "Hello" }), tools: [{ functionDeclarations: [{ description: text }] }] },
      { ...ask({ text: "Hello" }), generationConfig: { responseJsonSchema: { title: text } } },
    ]
  ) {
    assert(most(body) >= GEMINI.inputTokensMax(short, limits) + least);
    const estimate = GEMINI.inputTokensEstimate(read(body), limits);
    assert(estimate >= least && estimate <= most(body));
  }
  assertEquals(
    most({ ...ask({ text: "Hello" }), labels: { a: text } }),
    most(ask({ text: "Hello" })),
  );
});

Deno.test("an instruction that is a list is read like any other, of contents and of parts", () => {
  const instructed = (...list: unknown[]) => ({
    ...ask({ text: "Hello" }),
    systemInstruction: list,
  });
  const house = {
    fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/a" },
  };
  for (
    const [item, param] of [
      [{ parts: [{ text: "Be brief." }, house] }, "systemInstruction[1].parts[1]"],
      [{ parts: { ...house } }, "systemInstruction[1].parts[0]"],
      [house, "systemInstruction[1]"],
      [{ somethingNew: 1 }, "systemInstruction[1]"],
    ] as const
  ) {
    assertEquals(refused(GEMINI, instructed({ text: "Hi" }, item), target).param, param);
  }
  assertEquals(read(instructed({ parts: [blob("application/pdf")] })).hidesInput, true);
  const text = "You are a tax adviser. ".repeat(100);
  const estimate = (body: unknown) => GEMINI.inputTokensEstimate(read(body), limits);
  const alone = estimate({ ...ask({ text: "Hello" }), systemInstruction: { parts: [{ text }] } });
  assertEquals(estimate(instructed({ parts: [{ text }] })), alone);
  assertEquals(estimate(instructed({ text })), alone);
  const image = blob("image/png");
  const most = (body: unknown) => GEMINI.inputTokensMax(read(body), limits);
  assert(most(instructed(image)) >= most(instructed({ text: "" })) + 900);
});

Deno.test("an image counts as the model's dearest, whatever its bytes; a file as the whole window", () => {
  const image = (data: string) =>
    ask({ text: "What?" }, { inlineData: { mimeType: "image/png", data } });
  const bare = GEMINI.inputTokensMax(read(ask({ text: "What?" })), limits);
  const small = GEMINI.inputTokensMax(read(image("AAAA")), limits);
  assertEquals(GEMINI.inputTokensMax(read(image("A".repeat(1_000_000))), limits), small);
  assert(small >= bare + 1_000 && small < bare + 1_100);
  assertEquals(
    GEMINI.inputTokensEstimate(read(image("AAAA")), limits) -
      GEMINI.inputTokensEstimate(read(ask({ text: "What?" })), limits),
    500,
  );
  assertEquals(GEMINI.inputTokensMax(read(ask(blob("application/pdf"))), limits), 1_000_000);
});
