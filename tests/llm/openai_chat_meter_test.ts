import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type CountingRules, DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import type { EventKind, MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { concat, encode } from "./chunks.ts";

interface Metered extends MeterSnapshot {
  readonly kinds: readonly EventKind[];
  readonly earlyEnd: string;
}

function meterText(stream: string | Uint8Array, rules = DEFAULT_COUNTING): Metered {
  const splitter = createEventSplitter({ maxEventBytes: 10_000 });
  const meter = OPENAI_CHAT.createMeter(rules);
  const events = splitter.push(typeof stream === "string" ? encode(stream) : stream);
  const rest = splitter.flush();
  const kinds = [...events, ...(rest === null ? [] : [rest])].map((event) => meter.fold(event));
  const { closing, terminal } = meter.earlyEnd();
  const earlyEnd = new TextDecoder().decode(concat([closing, terminal]));
  return { ...meter.snapshot(), kinds, earlyEnd };
}

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

const report = (usage: object, rules: CountingRules = DEFAULT_COUNTING) => {
  const snapshot = OPENAI_CHAT.readAnswer({ choices: [], usage }, rules);
  return { tokens: snapshot.usage, flags: snapshot.flags };
};

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
  assertEquals([metered.outputTokensEstimate, metered.outputTokensUpper], [9, 17]);
});

Deno.test("a chunk with content is at least one token: providers send no less", () => {
  const metered = meterText(stream(...Array.from("1, 2, 3").map((content) => delta({ content }))));
  assertEquals(metered.outputTokensEstimate, 7);
});

Deno.test("reasoning, refusals, tool calls and content parts count as received", () => {
  const text = "abcd".repeat(10);
  const call = { name: text, arguments: text };
  for (
    const [received, estimate] of [
      [{ reasoning_content: text }, 10],
      [{ reasoning: text, reasoning_content: text }, 10],
      [{ refusal: text }, 10],
      [{ tool_calls: [{ index: 0, id: "call_1", function: call }] }, 20],
      [{ tool_calls: [{ index: 0, custom: { name: text, input: text } }] }, 20],
      [{ function_call: call }, 20],
      [{ content: [{ type: "text", text }, { thinking: [{ text }] }] }, 20],
    ] as const
  ) {
    const metered = meterText(stream(delta(received)));
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [true, estimate]);
    const whole = OPENAI_CHAT.readAnswer({ choices: [{ message: received }] }, DEFAULT_COUNTING);
    assertEquals([whole.hasContent, whole.outputTokensEstimate], [true, estimate]);
  }
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

Deno.test("lesson 23: a reported zero is a report", () => {
  const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  assertEquals(report(zero).tokens?.output, 0);
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
      [`event: error\n${stream({ detail: message })}`, [
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

Deno.test("lesson 20: cached tokens leave the input, whatever they are called, once", () => {
  const prompt = { prompt_tokens: 381, completion_tokens: 74, total_tokens: 455 };
  for (
    const cached of [
      { prompt_tokens_details: { cached_tokens: 256 } },
      { cached_tokens: 256 },
      { prompt_cache_hit_tokens: 256, prompt_cache_miss_tokens: 125 },
      { prompt_cache_hit_tokens: 256, prompt_tokens_details: { cached_tokens: 256 } },
      { cache_read_input_tokens: 256, prompt_tokens_details: { cached_tokens: 256 } },
    ]
  ) {
    assertEquals(report({ ...prompt, ...cached }), {
      tokens: { input: 125, cache_read: 256, cache_write_5m: 0, cache_write_1h: 0, output: 74 },
      flags: [],
    });
  }
});

Deno.test("cache writes leave the input and have a class of their own", () => {
  const written = { cached_tokens: 8, cache_write_tokens: 4000 };
  const counts = { prompt_tokens: 4020, completion_tokens: 5, prompt_tokens_details: written };
  assertEquals(report(counts), {
    tokens: { input: 12, cache_read: 8, cache_write_5m: 4000, cache_write_1h: 0, output: 5 },
    flags: [],
  });
});

Deno.test("cached tokens that cannot be inside the prompt are counted beside it and flagged", () => {
  const counts = { ...usage, prompt_tokens_details: { cached_tokens: 163 } };
  assertEquals(report(counts), {
    tokens: { ...tokens, cache_read: 163 },
    flags: ["cached_exceeds_prompt"],
  });
});

Deno.test("reads and writes that overlap never make the input negative", () => {
  const details = { cached_tokens: 2161, cache_write_tokens: 2161 };
  const counts = { prompt_tokens: 2168, completion_tokens: 1, prompt_tokens_details: details };
  assertEquals(report(counts), {
    tokens: { input: 0, cache_read: 2161, cache_write_5m: 7, cache_write_1h: 0, output: 1 },
    flags: ["cache_overlap"],
  });
});

Deno.test("lesson 21: reasoning is counted once, inside the output or added to it by the rule", () => {
  const reasoning = { completion_tokens_details: { reasoning_tokens: 75 } };
  const outside: CountingRules = { reasoning: "outside", audioInput: "inside" };
  const inside = { ...usage, completion_tokens: 87, total_tokens: 98, ...reasoning };
  assertEquals(report(inside).tokens?.output, 87);
  const beside = { ...usage, completion_tokens: 12, total_tokens: 98, ...reasoning };
  assertEquals(report(beside, outside), { tokens: { ...tokens, output: 87 }, flags: [] });
  // Without a total there is nothing but the rule.
  const bare = { prompt_tokens: 11, completion_tokens: 12, ...reasoning };
  assertEquals(report(bare, outside).tokens?.output, 87);
  assertEquals(report(bare).tokens?.output, 12);
});

Deno.test("where only the other reading adds up to the provider's total, that one is charged", () => {
  const beside = {
    prompt_tokens: 11,
    completion_tokens: 12,
    total_tokens: 98,
    completion_tokens_details: { reasoning_tokens: 75 },
  };
  assertEquals(report(beside), { tokens: { ...tokens, output: 87 }, flags: ["counted_by_total"] });
});

Deno.test("a total that fits no reading is flagged, and the rule is charged", () => {
  const odd = { ...usage, total_tokens: 99 };
  assertEquals(report(odd), { tokens, flags: ["total_mismatch"] });
});

Deno.test("reasoning that only the total shows is output", () => {
  const counts = { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 };
  const hidden: CountingRules = { reasoning: "hidden_in_total", audioInput: "inside" };
  assertEquals(report(counts, hidden).tokens?.output, 74);
});

Deno.test("audio beside the prompt is added to the input", () => {
  const counts = {
    prompt_tokens: 11,
    completion_tokens: 15,
    total_tokens: 401,
    prompt_tokens_details: { audio_tokens: 375, cached_tokens: 9 },
  };
  assertEquals(report(counts, { reasoning: "inside", audioInput: "outside" }), {
    tokens: { input: 377, cache_read: 9, cache_write_5m: 0, cache_write_1h: 0, output: 15 },
    flags: [],
  });
});

Deno.test("lesson 22: a negative count is zero and flagged", () => {
  const counts = { prompt_tokens: -5, completion_tokens: 9 };
  assertEquals(report(counts), { tokens: { ...tokens, input: 0 }, flags: ["negative_count"] });
});

Deno.test("counts that are text, fractions or absurd are no report, and flagged", () => {
  for (const completion_tokens of ["9", 1.5, 1e12, NaN, {}, [9], true]) {
    const counts = { ...usage, completion_tokens };
    assertEquals(report(counts), { tokens: null, flags: ["usage_unreadable"] });
  }
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
