import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { encode } from "./chunks.ts";
import {
  completed,
  created,
  delta,
  done,
  meterText,
  response,
  stream,
  tokens,
  usage,
  whole,
} from "./openai_responses_streams.ts";
import { estimateTokens } from "./text_estimate.ts";

Deno.test("a stream is told apart event by event, and the report of its last event is exact", () => {
  const metered = meterText(
    ": keepalive\n\n" + stream(
      created,
      { type: "response.in_progress", response: response() } as { type: string },
      delta("Hello"),
      delta(" there"),
      { type: "response.output_text.done", text: "Hello there" } as { type: string },
      done({ type: "message", content: [{ type: "output_text", text: "Hello there" }] }),
      completed(),
    ),
  );
  assertEquals(
    metered.kinds,
    ["other", "other", "other", "content", "content", "other", "other", "terminal"],
  );
  assertEquals([metered.usage, metered.flags, metered.error], [tokens, [], null]);
  assertEquals(
    [metered.hasContent, metered.finish, metered.providerRequestId, metered.model],
    [true, "completed", "resp_1", "gpt-5-2025-08-07"],
  );
  assertEquals(
    [metered.serviceTier, metered.outputTokensEstimate],
    ["default", estimateTokens("Hello there")],
  );
});

Deno.test("the finish is why an answer is incomplete, else its status", () => {
  const incomplete = {
    type: "response.incomplete",
    response: response({ status: "incomplete", incomplete_details: { reason: "content_filter" } }),
  };
  const failed = { type: "response.failed", response: response({ status: "failed" }) };
  assertEquals(meterText(stream(created, delta("x"))).finish, null);
  assertEquals(meterText(stream(incomplete)).finish, "content_filter");
  assertEquals(meterText(stream(failed)).finish, "failed");
  assertEquals(meterText(stream({ type: "response.completed" })).finish, "completed");
  assertEquals(whole(response({ status: "completed" })).finish, "completed");
  assertEquals(whole(response({ status: "queued" })).finish, "queued");
});

Deno.test("every kind of delta counts as received, and what repeats it does not", () => {
  const text = "What was received is what is counted.";
  for (
    const type of [
      ...["output_text", "refusal", "reasoning_text", "reasoning_summary_text"],
      ...["function_call_arguments", "custom_tool_call_input", "code_interpreter_call_code"],
      ...["mcp_call_arguments", "shell_call_command", "apply_patch_call_operation_diff", "new"],
    ]
  ) {
    const item = { type: "message", content: [{ type: "output_text", text }] };
    const metered = meterText(stream(delta(text, type), done(item), completed({ output: [item] })));
    assertEquals(
      [metered.kinds[0], metered.hasContent, metered.outputTokensEstimate],
      ["content", true, estimateTokens(text)],
      type,
    );
  }
  assertEquals(meterText(stream(...Array.from("1, 2, 3", (one) => delta(one)))).kinds.length, 7);
  assertEquals(
    meterText(stream(...Array.from("1, 2, 3", (one) => delta(one)))).outputTokensEstimate,
    7,
  );
});

Deno.test("an item that comes without deltas, or whole, counts by its own text", () => {
  const text = "What was received is what is counted.";
  const once = estimateTokens(text);
  for (
    const [item, estimate] of [
      [{ type: "message", content: [{ type: "output_text", text }] }, once],
      [{ type: "message", content: [{ type: "refusal", refusal: text }] }, once],
      [
        { type: "reasoning", summary: [{ text }], content: [{ text }] },
        estimateTokens(text + text),
      ],
      [{ type: "function_call", arguments: text }, once],
      [{ type: "custom_tool_call", input: text }, once],
      [{ type: "shell_call", action: text }, once],
      [{ type: "apply_patch_call", operation: text }, once],
      [{ type: "web_search_call", action: { type: "search", sources: [text] } }, 0],
      [{ type: "reasoning", summary: [], encrypted_content: text }, 0],
    ] as const
  ) {
    for (const metered of [meterText(stream(done(item))), whole(response({ output: [item] }))]) {
      assertEquals(
        [metered.hasContent, metered.outputTokensEstimate],
        [estimate > 0, estimate],
        item.type,
      );
    }
  }
});

Deno.test("the name of a called function is output too, once", () => {
  const item = { type: "function_call", name: "get_current_weather", arguments: "{}" };
  const added = { type: "response.output_item.added", output_index: 0, item: { ...item } };
  const estimate = estimateTokens("get_current_weather{}");
  assertEquals(meterText(stream(added, done(item))).outputTokensEstimate, estimate);
  assertEquals(whole(response({ output: [item] })).outputTokensEstimate, estimate);
});

Deno.test("sound and images are delivered, but their bytes are no text", () => {
  const base64 = "QUJD".repeat(500);
  for (
    const event of [
      { type: "response.audio.delta", delta: base64 },
      { type: "response.output_audio.delta", delta: base64 },
      { type: "response.image_generation_call.partial_image", partial_image_b64: base64 },
    ]
  ) {
    const { kinds, hasContent, outputTokensEstimate } = meterText(stream(event));
    assertEquals([kinds, hasContent, outputTokensEstimate], [["content"], true, 1], event.type);
  }
});

Deno.test("an answer of nothing has no content, though it has items", () => {
  const item = { type: "reasoning", summary: [] };
  const metered = meterText(stream(created, delta(""), done(item), completed({ usage: null })));
  assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
});

Deno.test("lesson 17: the text of an error is not output, in any shape", () => {
  const message = "x".repeat(400);
  const failed = (error: unknown) => ({
    type: "response.failed",
    response: response({ status: "failed", error }),
  });
  for (
    const [frame, kind, found] of [
      [stream({ type: "error", message, code: "c" } as { type: string }), "error", [null, "c"]],
      [
        stream({ type: "error", error: { message, type: "t", code: "c" } } as { type: string }),
        "error",
        ["t", "c"],
      ],
      [`event: error\ndata: {"message":"${message}"}\n\n`, "error", [null, null]],
      [`data: {"error":{"message":"${message}","code":502}}\n\n`, "error", [null, "502"]],
      [stream(failed({ message, code: "server_error" })), "terminal", [null, "server_error"]],
    ] as const
  ) {
    const metered = meterText(frame);
    assertEquals(metered.kinds, [kind]);
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
    assertEquals([metered.error?.message, metered.error?.type, metered.error?.code], [
      message,
      ...found,
    ]);
  }
  assertEquals(whole({ detail: message }).error?.message, message);
  assertEquals(whole({ error: message }).error?.message, message);
  assertEquals(whole({ detail: message }).outputTokensEstimate, 0);
  assert(meterText(`event: error\ndata: {"x":1}\n\n`).error !== null);
});

Deno.test("an answer that fails after an error event still has its bill", () => {
  const error = { type: "error", error: { message: "overloaded", code: "server_error" } };
  const failed = {
    type: "response.failed",
    response: response({ status: "failed", error: { code: "x", message: "later" }, usage }),
  };
  const metered = meterText(stream(created, delta("Hello"), error, failed));
  assertEquals(metered.kinds, ["other", "content", "error", "terminal"]);
  assertEquals([metered.usage, metered.error?.message], [tokens, "later"]);
});

Deno.test("[DONE], as gateways send it after the last event, is of no interest", () => {
  assertEquals(meterText(stream(completed(), "[DONE]")).kinds, ["terminal", "other"]);
  assertEquals(meterText(stream(created, "[DONE]")).kinds, ["other", "other"]);
});

Deno.test("what is not a JSON object is flagged and passed on", () => {
  const metered = meterText(stream("{", "[]", "null", "7", "<html>") + 'data: {"type":"resp');
  assertEquals(new Set(metered.kinds), new Set(["other"]));
  assertEquals([metered.flags, metered.hasContent], [["unreadable"], false]);
  assertEquals(whole("<html>").flags, ["unreadable"]);
});

Deno.test("another event over the cap is content whose tokens are not known, or a long prompt", () => {
  const long = meterText(stream(delta("x".repeat(20_000))));
  assertEquals(
    [long.flags, long.hasContent, long.outputTokensEstimate, long.usage],
    [["oversized"], true, 0, null],
  );
  const prompt = { ...created, response: response({ instructions: "x".repeat(20_000) }) };
  const metered = meterText(stream(prompt), 3_000);
  assertEquals([metered.hasContent, metered.providerRequestId], [false, "resp_1"]);
});

Deno.test("no stream makes the meter throw, whatever JSON it carries", () => {
  const keys = [
    ...["type", "response", "item", "delta", "output_index", "usage", "output", "content", "error"],
    ...["input_tokens", "output_tokens", "total_tokens", "tool_usage", "status", "summary", "part"],
    ...["content_index", "summary_index", "id", "incomplete_details", "action", "sequence_number"],
  ];
  const types = [
    ...["response.created", "response.completed", "response.failed", "response.output_text.delta"],
    ...["response.output_item.added", "response.output_item.done", "response.content_part.added"],
    ...["response.output_text.annotation.added", "response.reasoning_summary_part.done", "error"],
    ...["message", "reasoning", "function_call", "web_search_call"],
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, true, 0, 1, -1, 1.5, 1e300, "", "x", "[DONE]", ...types),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
    ),
  })).value;
  const typed = fc.tuple(fc.constantFrom(...types), fc.dictionary(fc.constantFrom(...keys), json))
    .map(([type, fields]) => ({ ...fields, type, output_index: 0 }));
  fc.assert(
    fc.property(fc.array(fc.oneof(json, typed), { maxLength: 8 }), (events) => {
      const splitter = createEventSplitter();
      const meter = OPENAI_RESPONSES.createMeter(DEFAULT_COUNTING);
      const bytes = encode(stream(...events.map((event) => JSON.stringify(event))));
      splitter.push(bytes).forEach(meter.fold);
      meter.earlyEnd();
      const { flags, usage } = meter.snapshot();
      assert(!flags.includes("meter_fault"));
      if (usage !== null) {
        assert(Object.values(usage).every((count) => Number.isInteger(count) && count >= 0));
      }
      assert(!whole(events[0]).flags.includes("meter_fault"));
    }),
    { numRuns: 3000 },
  );
});
