import { assert, assertEquals } from "@std/assert";
import { estimateTokens } from "./text_estimate.ts";

import { chunk, meterText, stream, usageOf } from "./gemini_streams.ts";

Deno.test("a stream that is cut short ends as at a length limit, under its own name", () => {
  const { earlyEnd } = meterText(stream(chunk([{ text: "Hello" }], usageOf(8, 1))));
  assert(earlyEnd.endsWith("\r\n\r\n"));
  const last = JSON.parse(earlyEnd.replace(/^data: /, ""));
  assertEquals(last, chunk([{ text: "" }], usageOf(8, 1), "MAX_TOKENS"));
  // It adds nothing, and says the same to a meter further down.
  assertEquals(meterText(earlyEnd).hasContent, false);
});

Deno.test("a stream that is cut short before a report ends with the estimate of what was sent", () => {
  const usageMetadata = { promptTokenCount: 18, totalTokenCount: 18 };
  const { earlyEnd } = meterText(stream(chunk([{ text: "Hello" }], { usageMetadata })));
  assertEquals(JSON.parse(earlyEnd.replace(/^data: /, "")).usageMetadata, {
    promptTokenCount: 18,
    candidatesTokenCount: estimateTokens("Hello"),
  });
  const bare = JSON.parse(meterText("").earlyEnd.replace(/^data: /, ""));
  assertEquals([bare.usageMetadata, bare.responseId], [{ candidatesTokenCount: 0 }, undefined]);
});
