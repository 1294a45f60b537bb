import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { meterStream } from "./metered_text.ts";
import { estimateTokens } from "./text_estimate.ts";

const meterText = (stream: string | Uint8Array, rules = DEFAULT_COUNTING) =>
  meterStream(OPENAI_CHAT, stream, { rules });

/** A stream of these chunks; a text stands for itself. */
const stream = (...chunks: unknown[]) =>
  chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`)
    .join("");
const delta = (delta: object, finish_reason: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "gpt-4o-2024-08-06",
  choices: [{ index: 0, delta, finish_reason }],
});
const usageOnly = (usage: object) => ({ id: "chatcmpl-1", choices: [], usage });
const usage = { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 };
const tokens = { input: 11, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 9 };

Deno.test("a stream is told apart event by event, and its report is exact", () => {
  const metered = meterText(
    ": keep-alive\n\n" + stream(
      delta({ role: "assistant", content: "" }),
      delta({ content: "Hello" }),
      delta({ content: " there" }),
      delta({}, "stop"),
      usageOnly(usage),
      "[DONE]",
    ),
  );
  assertEquals(
    metered.kinds,
    ["other", "other", "content", "content", "other", "usage_only", "terminal"],
  );
  assertEquals(metered.usage, tokens);
  assertEquals(
    [metered.hasContent, metered.finish, metered.providerRequestId, metered.model, metered.error],
    [true, "stop", "chatcmpl-1", "gpt-4o-2024-08-06", null],
  );
  assertEquals(metered.flags, []);
});

Deno.test("a stream cut before its usage has none, and an estimate of what was received", () => {
  const metered = meterText(stream(delta({ content: "The quick brown fox jumps over the" })));
  assertEquals(metered.usage, null);
  assertEquals([metered.outputTokensEstimate, metered.outputTokensUpper], [7, 28]);
});

Deno.test("a chunk with content is at least one token: providers send no less", () => {
  const metered = meterText(stream(...Array.from("1, 2, 3").map((content) => delta({ content }))));
  assertEquals(metered.outputTokensEstimate, 7);
});

Deno.test("reasoning, refusals, tool calls and content parts count as received", () => {
  const text = "What was received is what is counted.";
  const [once, twice] = [estimateTokens(text), estimateTokens(text + text)];
  const call = { name: text, arguments: text };
  for (
    const [received, estimate] of [
      [{ reasoning_content: text }, once],
      [{ reasoning: text, reasoning_content: text }, once],
      [{ refusal: text }, once],
      [{ reasoning_text: text }, once],
      [{ reasoning: "", reasoning_details: [{ type: "reasoning.text", text }] }, once],
      [{ reasoning: text, reasoning_details: [{ type: "reasoning.text", text }] }, once],
      [{ audio: { id: "audio_1", data: "AAAA", transcript: text } }, once],
      [{ tool_calls: [{ index: 0, id: "call_1", function: call }] }, twice],
      [{ tool_calls: [{ index: 0, custom: { name: text, input: text } }] }, twice],
      [{ function_call: call }, twice],
      [{ content: [{ type: "text", text }, { thinking: [{ text }] }] }, twice],
    ] as const
  ) {
    const metered = meterText(stream(delta(received)));
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [true, estimate]);
    const whole = OPENAI_CHAT.readAnswer({ choices: [{ message: received }] }, DEFAULT_COUNTING);
    assertEquals([whole.hasContent, whole.outputTokensEstimate], [true, estimate]);
  }
});

Deno.test("of a spoken answer the id is kept by which it can be gone on from, once; of others none", () => {
  const spoken = { audio: { id: "audio_1", data: "AAAA", transcript: "Hi" } };
  assertEquals(meterText(stream(delta(spoken), delta(spoken))).storedIds, ["audio_1"]);
  const whole = OPENAI_CHAT.readAnswer({ choices: [{ message: spoken }] }, DEFAULT_COUNTING);
  assertEquals(whole.storedIds, ["audio_1"]);
  assertEquals(meterText(stream(delta({ content: "Hi", audio: null }))).storedIds, []);
});

Deno.test("an answer of nothing has no content, though it has a role and a finish reason", () => {
  const metered = meterText(stream(delta({ role: "assistant", content: "" }), delta({}, "stop")));
  assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
});

Deno.test("lesson 24: the last report wins, whole; it is not summed and no field is kept", () => {
  const first = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };
  const cached = { ...first, prompt_tokens_details: { cached_tokens: 80 } };
  assertEquals(meterText(stream(usageOnly(cached), usageOnly(usage))).usage, tokens);
});

Deno.test("a report with nulls, as before the end, does not replace or count as one", () => {
  const early = { prompt_tokens: 11, completion_tokens: null, total_tokens: null };
  assertEquals(meterText(stream(usageOnly(early))).usage, null);
  assertEquals(meterText(stream(usageOnly(usage), usageOnly(early))).usage, tokens);
});

Deno.test("usage is found at the top, in x_groq and in a choice", () => {
  const bare = delta({}, "stop");
  for (
    const chunk of [
      { ...bare, usage },
      { ...bare, x_groq: { id: "req_1", usage } },
      { ...bare, choices: [{ ...bare.choices[0], usage }] },
    ]
  ) {
    const metered = meterText(stream(chunk));
    assertEquals([metered.usage, metered.kinds], [tokens, ["other"]]);
  }
});

Deno.test("Azure's prompt filter chunk has no choices and is not the usage chunk", () => {
  const metered = meterText(
    stream({ choices: [], id: "", model: "", prompt_filter_results: [] }, delta({ content: "x" })),
  );
  assertEquals(metered.kinds, ["other", "content"]);
  assertEquals(
    [metered.providerRequestId, metered.model],
    ["chatcmpl-1", "gpt-4o-2024-08-06"],
  );
});

Deno.test("lesson 17: the text of an error is not output, in any shape or place", () => {
  const message = "x".repeat(400);
  for (
    const [frame, found] of [
      [stream({ error: { message, type: "t", code: 502 } }), [message, "t", "502"]],
      [stream({ error: message, code: "c" }), [message, null, "c"]],
      [stream({ object: "error", message }), [message, null, null]],
      [stream({ detail: message }), [message, null, null]],
      [stream({ code: 42, message, type: "t" }), [message, "t", "42"]],
      [`event: error\n${stream({ reason: message })}`, [
        "The provider sent an error event.",
        null,
        null,
      ]],
      [
        stream({ choices: [{ delta: { content: message }, error: { message } }] }),
        [message, null, null],
      ],
    ] as const
  ) {
    const metered = meterText(frame);
    assertEquals(metered.kinds, ["error"]);
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
    assertEquals([metered.error?.message, metered.error?.type, metered.error?.code], [...found]);
  }
});

Deno.test("a report in the same chunk as an error, or after one, is the bill", () => {
  const failed = { ...delta({ content: "" }, "length"), error: { code: 400, message: "limit" } };
  assertEquals(meterText(stream({ ...failed, usage })).usage, tokens);
  assertEquals(meterText(stream(failed, usageOnly(usage))).usage, tokens);
});

Deno.test("what is not a JSON object is flagged and passed on", () => {
  const metered = meterText(stream("{", "[]", "null", "7", "<html>") + 'data: {"id":"chat');
  assertEquals(new Set(metered.kinds), new Set(["other"]));
  assertEquals([metered.flags, metered.hasContent], [["unreadable"], false]);
  assertEquals(OPENAI_CHAT.readAnswer("<html>", DEFAULT_COUNTING).flags, ["unreadable"]);
});

Deno.test("an event over the cap counts as content whose tokens are not known", () => {
  const metered = meterText(stream(delta({ content: "x".repeat(20_000) })));
  assertEquals(
    [metered.flags, metered.hasContent, metered.outputTokensEstimate, metered.usage],
    [["oversized"], true, 0, null],
  );
});

Deno.test("a stream that is cut short ends as at a length limit, under its own name", () => {
  const { earlyEnd } = meterText(stream(delta({ role: "assistant", content: "Hello" })));
  const [chunk, done, rest] = earlyEnd.split("\n\n");
  assertEquals(JSON.parse(chunk?.replace(/^data: /, "") ?? ""), delta({}, "length"));
  assertEquals([done, rest], ["data: [DONE]", ""]);
  assert(meterText(earlyEnd).kinds.includes("terminal"));
});

Deno.test("no stream makes the meter throw, whatever JSON it carries", () => {
  const keys = [
    ...["id", "model", "choices", "delta", "message", "usage", "x_groq", "error", "content"],
    ...["tool_calls", "function", "prompt_tokens", "completion_tokens", "total_tokens", "thinking"],
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, true, 1, -1, 1.5, 1e300, "", "x", "[DONE]"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 5 }),
    ),
  })).value;
  fc.assert(
    fc.property(fc.array(json, { maxLength: 5 }), (chunks) => {
      const metered = meterText(stream(...chunks.map((chunk) => JSON.stringify(chunk))));
      assert(!metered.flags.includes("meter_fault"));
      if (metered.usage !== null) {
        assert(
          Object.values(metered.usage).every((count) => Number.isInteger(count) && count >= 0),
        );
      }
      const whole = OPENAI_CHAT.readAnswer(chunks[0], DEFAULT_COUNTING);
      assert(!whole.flags.includes("meter_fault"));
    }),
    { numRuns: 3000 },
  );
});
