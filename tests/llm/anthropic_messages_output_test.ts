import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createOutput } from "../../shared/llm/dialects/anthropic_messages_output.ts";
import {
  block,
  delta,
  end,
  estimateOf,
  meterText,
  readAnswer,
  start,
  stopBlock,
  stream,
  text,
  textBlock,
} from "./anthropic_messages_streams.ts";

Deno.test("thinking, tool calls, compaction and citations count as received, whole or in pieces", () => {
  const said = "What was received is what is counted.";
  for (
    const [whole, pieces, estimate] of [
      [{ type: "text", text: said }, [{ type: "text_delta", text: said }], estimateOf([said])],
      [
        { type: "thinking", thinking: said, signature: "c2ln" },
        [{ type: "thinking_delta", thinking: said }, {
          type: "signature_delta",
          signature: "c2ln",
        }],
        estimateOf([said]),
      ],
      [
        { type: "tool_use", id: "toolu_1", name: "look", input: { said } },
        [{ type: "input_json_delta", partial_json: "" }, {
          type: "input_json_delta",
          partial_json: JSON.stringify({ said }),
        }],
        estimateOf(["look", JSON.stringify({ said })], 1),
      ],
      [
        { type: "compaction", content: said },
        [{ type: "compaction_delta", content: said }],
        estimateOf([said]),
      ],
      [
        { type: "text", text: said, citations: [{ cited_text: said }] },
        [{ type: "text_delta", text: said }, { type: "citations_delta", citation: {} }],
        estimateOf([said], 0, 1),
      ],
    ] as const
  ) {
    const answer = readAnswer({ type: "message", content: [whole] });
    assertEquals([answer.hasContent, answer.outputTokensEstimate], [true, estimate]);
    const { type } = whole;
    const begun = type === "tool_use" ? { ...whole, input: {} } : { type };
    const metered = meterText(
      stream(start(), block(begun), ...pieces.map((piece) => delta(piece))),
    );
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [true, estimate], type);
  }
});

Deno.test("results of the provider's tools, and calls from code, are not output", () => {
  const found = { type: "web_search_tool_result", content: [{ title: "x".repeat(500) }] };
  const caller = { type: "code_execution_20250825", tool_id: "srvtoolu_1" };
  const called = { type: "tool_use", name: "look", input: { at: "x".repeat(500) }, caller };
  for (const [content, hasContent] of [[found, false], [called, true]] as const) {
    const metered = meterText(stream(start(), block(content), stopBlock()));
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [hasContent, 0]);
    const whole = readAnswer({ content: [content] });
    assertEquals([whole.hasContent, whole.outputTokensEstimate], [hasContent, 0]);
  }
});

Deno.test("redacted thinking is delivered, though its tokens cannot be told", () => {
  const redacted = { type: "redacted_thinking", data: "x".repeat(500) };
  const metered = meterText(stream(start(), block(redacted)));
  assertEquals([metered.hasContent, metered.outputTokensEstimate], [true, 0]);
});

Deno.test("the estimate never passes the upper bound, nor the bound what was reported", () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.string({ unit: "binary" })), { maxLength: 5 });
  fc.assert(fc.property(texts, fc.nat(3), fc.nat(3), (texts, calls, citations) => {
    const output = createOutput();
    for (const text of texts) output.text(text);
    for (let i = 0; i < calls; i++) output.call();
    output.citations(citations);
    assert(output.estimate() <= output.upper());
  }));
  const metered = meterText(stream(start(), textBlock, text("Hi"), end({ output_tokens: 900 })));
  assertEquals(metered.outputTokensUpper, 900);
});
