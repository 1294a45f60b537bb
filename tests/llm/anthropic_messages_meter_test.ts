import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  end,
  estimateOf,
  meterText,
  ping,
  readAnswer,
  start,
  startUsage,
  stop,
  stopBlock,
  stream,
  text,
  textBlock,
  tokens,
} from "./anthropic_messages_streams.ts";

Deno.test("a message is told apart event by event, and its report is exact", () => {
  const metered = meterText(stream(
    start(),
    textBlock,
    ping,
    ": keep-alive\n\n",
    text("Hello"),
    text(" there"),
    stopBlock(),
    end({ output_tokens: 9 }),
    stop,
  ));
  assertEquals(metered.kinds, [
    ...["other", "other", "other", "other", "content", "content", "other", "other", "terminal"],
  ]);
  assertEquals(metered.usage, tokens(11, 9));
  assertEquals(
    [metered.hasContent, metered.finish, metered.providerRequestId, metered.model, metered.error],
    [true, "end_turn", "msg_1", "claude-sonnet-4-5-20250929", null],
  );
  assertEquals([metered.flags, metered.serviceTier], [[], "standard"]);
});

Deno.test("the placeholder of message_start is no report: only a delta's usage is", () => {
  const metered = meterText(stream(start(), textBlock, text("The quick brown fox jumps")));
  assertEquals(metered.usage, null);
  assertEquals(metered.outputTokensEstimate, estimateOf(["The quick brown fox jumps"]));
  for (const usage of [undefined, null, {}, { output_tokens: null }, { input_tokens: 11 }]) {
    assertEquals(meterText(stream(start(), end(usage), stop)).usage, null);
  }
});

Deno.test("what message_start says of the prompt is known before there is a report, and zeros say nothing", () => {
  const usage = { ...startUsage, input_tokens: 18, cache_read_input_tokens: 6024 };
  const cut = meterText(stream(start(usage), textBlock, text("The")));
  assertEquals([cut.usage, cut.prompt], [null, { ...tokens(18, 0), cache_read: 6024 }]);
  const zeros = { ...startUsage, input_tokens: 0, output_tokens: 0 };
  assertEquals(meterText(stream(start(zeros), textBlock, text("The"))).prompt, null);
  assertEquals(meterText(stream(start(null), textBlock, text("The"))).prompt, null);
});

Deno.test("without the input of either report there is none: absent is not zero", () => {
  for (const usage of [null, {}, { input_tokens: null, output_tokens: 1 }]) {
    assertEquals(meterText(stream(start(usage), end({ output_tokens: 9 }))).usage, null);
  }
  assertEquals(meterText(stream(end({ input_tokens: 0, output_tokens: 0 }))).usage, tokens(0, 0));
});

Deno.test("lesson 24: a delta's counts replace those of the start, field by field, never summed", () => {
  const first = { ...startUsage, input_tokens: 2049, cache_read_input_tokens: 7 };
  const metered = meterText(
    stream(start(first), end({ input_tokens: 13_520, output_tokens: 415 })),
  );
  assertEquals(metered.usage, tokens(13_520, 415, { cache_read: 7 }));
});

Deno.test("of several deltas the last one wins, for they are totals, and nulls say nothing", () => {
  const metered = meterText(stream(
    start(),
    end({ input_tokens: 50, output_tokens: 13, cache_read_input_tokens: 5 }, null),
    end({ input_tokens: null, output_tokens: 20, cache_read_input_tokens: null }),
  ));
  assertEquals(metered.usage, tokens(50, 20, { cache_read: 5 }));
});

Deno.test("a report that cannot be read is flagged, and leaves the one before it", () => {
  for (const output_tokens of ["20", 1.5, 1e300, {}, []]) {
    const metered = meterText(stream(start(), end({ output_tokens: 9 }), end({ output_tokens })));
    assertEquals([metered.usage, metered.flags], [tokens(11, 9), ["usage_unreadable"]]);
  }
});

Deno.test("OpenRouter starts with zeros, counts and costs in its delta, and says [DONE] after the end", () => {
  const zeros = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: null };
  const metered = meterText(stream(
    start(zeros),
    textBlock,
    text("Hi"),
    stopBlock(),
    end({ input_tokens: 32, output_tokens: 16, cost: 0.000112, is_byok: false }),
    stop,
    "event: data\ndata: [DONE]\n\n",
  ));
  assertEquals(metered.usage, tokens(32, 16));
  assertEquals(metered.providerCost, "0.000112");
  assertEquals(metered.kinds.slice(-2), ["terminal", "other"]);
  assertEquals([metered.flags, metered.earlyEnd], [[], ""]);
});

Deno.test("[DONE] without a message_stop ends the stream", () => {
  assertEquals(meterText(stream(start(), "data: [DONE]\n\n")).kinds, ["other", "terminal"]);
});

Deno.test("several answers in a stream, as where code calls tools: the last report is the bill", () => {
  const metered = meterText(stream(
    start(),
    end({ output_tokens: 725 }, "tool_use"),
    stop,
    start({ input_tokens: 0, output_tokens: 0 }, { id: "msg_2", stop_reason: "tool_use" }),
    stop,
    start({ input_tokens: 4551, output_tokens: 1 }, { id: "msg_3" }),
    end({ output_tokens: 197 }),
    stop,
  ));
  assertEquals([metered.usage, metered.finish], [tokens(4551, 197), "end_turn"]);
});

Deno.test("lesson 17: the text of an error is not output, and what came before it stays", () => {
  const error = { type: "overloaded_error", message: "x".repeat(400) };
  for (
    const failure of [
      stream({ type: "error", error, request_id: "req_1" } as { type: string }),
      `data: ${JSON.stringify({ type: "error", error })}\n\n`,
      `event: error\ndata: ${JSON.stringify({ error })}\n\n`,
    ]
  ) {
    const metered = meterText(stream(start(), textBlock, text("Hello"), failure));
    assertEquals(metered.kinds.at(-1), "error");
    assertEquals(metered.error, { message: error.message, type: error.type, code: null });
    assertEquals(
      [metered.usage, metered.hasContent, metered.outputTokensEstimate],
      [null, true, estimateOf(["Hello"])],
    );
    assertEquals(meterText(failure).hasContent, false);
  }
  for (const failure of ["event: error\ndata: {}\n\n", "event: error\ndata: <html>\n\n"]) {
    assertEquals(meterText(failure).error?.message, "The provider sent an error event.");
    assertEquals(meterText(failure).kinds, ["error"]);
  }
});

Deno.test("a whole error of whatever status has no usage and no content", () => {
  const body = { type: "error", error: { type: "authentication_error", message: "invalid" } };
  const { usage, hasContent, error, flags } = readAnswer(body);
  assertEquals([usage, hasContent, flags], [null, false, []]);
  assertEquals(error, { message: "invalid", type: "authentication_error", code: null });
});

Deno.test("what is not a JSON object is flagged and passed on", () => {
  const lines = ["{", "[]", "null", "7", "<html>"].map((line) => `data: ${line}\n\n`);
  const metered = meterText(lines.join("") + 'data: {"type":"mess');
  assertEquals(new Set(metered.kinds), new Set(["other"]));
  assertEquals([metered.flags, metered.hasContent], [["unreadable"], false]);
  assertEquals(readAnswer("<html>").flags, ["unreadable"]);
});

Deno.test("an event over the cap counts as content whose tokens are not known", () => {
  const metered = meterText(stream(start(), textBlock, text("x".repeat(20_000))));
  assertEquals(
    [metered.flags, metered.hasContent, metered.outputTokensEstimate, metered.usage],
    [["oversized"], true, 0, null],
  );
});

Deno.test("an answer of nothing has no content, though it has a reason to finish", () => {
  const refused = stream(
    start(),
    textBlock,
    stopBlock(),
    end({ output_tokens: 0 }, "refusal"),
    stop,
  );
  const metered = meterText(refused);
  assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
  assertEquals([metered.usage, metered.finish], [tokens(11, 0), "refusal"]);
});

Deno.test("no stream makes the meter throw, whatever JSON it carries", () => {
  const types = [
    ...["message_start", "message_delta", "message_stop", "content_block_start", "error", "ping"],
    ...["content_block_delta", "content_block_stop", "text", "tool_use", "compaction", "message"],
    ...["advisor_message", "text_delta", "web_search_tool_result"],
  ];
  const keys = [
    ...["type", "message", "usage", "delta", "content_block", "content", "index", "error", "text"],
    ...[
      "input_tokens",
      "output_tokens",
      "iterations",
      "cache_creation",
      "server_tool_use",
      "model",
    ],
    ...["cache_creation_input_tokens", "web_search_requests", "stop_reason", "id", "input", "name"],
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>(null, true, 1, 7, -1, 1.5, 1e8, 1e300, "", "x", ...types),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
    ),
  })).value;
  const event = fc.tuple(fc.constantFrom(...types), json).map(([type, value]) =>
    JSON.stringify(typeof value === "object" && value !== null ? { type, ...value } : value)
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), json, (events, body) => {
      const metered = meterText(events.map((data) => `data: ${data}\n\n`).join(""));
      const whole = readAnswer(body);
      for (const { flags, usage, otherModels, webSearches } of [metered, whole]) {
        assert(!flags.includes("meter_fault"));
        const all = [usage ?? {}, ...otherModels.map((other) => other.tokens), { webSearches }];
        assert(
          all.flatMap((counts) => Object.values(counts) as number[]).every((count) =>
            Number.isInteger(count) && count >= 0 && count <= 100_000_000
          ),
        );
      }
      assert(!meterText(metered.earlyEnd).flags.includes("unreadable"));
    }),
    { numRuns: 2000 },
  );
});
