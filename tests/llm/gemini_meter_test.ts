import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { estimateTokens } from "./text_estimate.ts";

import { chunk, meterText, stream, tokens, usageOf, whole } from "./gemini_streams.ts";

Deno.test("a stream is told apart event by event, and its report is exact", () => {
  const metered = meterText(
    ": ping\r\n\r\n" + stream(
      chunk([{ text: "Let me think", thought: true }], {
        usageMetadata: { promptTokenCount: 8, thoughtsTokenCount: 21, totalTokenCount: 29 },
      }),
      chunk([{ text: "Hello" }], usageOf(8, 1, 21)),
      chunk([{ text: "" }], usageOf(8, 7, 21), "STOP"),
      { usageMetadata: usageOf(8, 7, 21).usageMetadata },
    ),
  );
  assertEquals(metered.kinds, ["other", "content", "content", "other", "usage_only"]);
  assertEquals(metered.usage, tokens(8, 28));
  assertEquals(
    [metered.reasoningTokens, metered.hasContent, metered.finish, metered.providerRequestId],
    [21, true, "STOP", "resp-1"],
  );
  assertEquals(
    [metered.model, metered.error, metered.flags, metered.earlyEnd],
    ["gemini-2.5-flash", null, [], ""],
  );
});

Deno.test("lesson 24: the last report wins, whole, even where its counts went down", () => {
  const metered = meterText(
    stream(chunk([{ text: "a" }], usageOf(900, 300, 90)), chunk([], usageOf(87, 21, 78), "STOP")),
  );
  assertEquals(metered.usage, tokens(87, 99));
  const without = { usageMetadata: { promptTokenCount: 87, totalTokenCount: 87 } };
  const last = chunk([{ text: "b" }], without, "STOP");
  assertEquals(
    meterText(stream(chunk([{ text: "a" }], usageOf(9, 300)), last)).usage,
    tokens(87, 0),
  );
});

Deno.test("a report of the prompt alone is no zero for the text that it came with", () => {
  const early = { usageMetadata: { promptTokenCount: 18, totalTokenCount: 18 } };
  const cut = meterText(stream(chunk([{ text: "The first words" }], early)));
  assertEquals([cut.usage, cut.outputTokensEstimate > 0], [null, true]);
  // Before any text there is nothing that it could leave out.
  assertEquals(meterText(stream(chunk([], early))).usage, tokens(18, 0));
  const later = chunk([{ text: " go on" }], usageOf(17, 15));
  assertEquals(meterText(stream(chunk([{ text: "a" }], early), later)).usage, tokens(17, 15));
  // Nor does it replace a count of what was delivered.
  assertEquals(meterText(stream(later, chunk([{ text: "a" }], early))).usage, tokens(17, 15));
});

Deno.test("a report that only names the traffic does not replace one with counts", () => {
  const traffic = { usageMetadata: { trafficType: "ON_DEMAND" } };
  const metered = meterText(
    stream(chunk([{ text: "a" }], usageOf(9, 2)), chunk([{ text: "b" }], traffic)),
  );
  assertEquals([metered.usage, metered.serviceTier], [tokens(9, 2), "ON_DEMAND"]);
  assertEquals(meterText(stream(chunk([{ text: "b" }], traffic))).usage, null);
});

Deno.test("text, thoughts, calls and code count as received, whole and streamed", () => {
  const text = "What was received is what is counted.";
  const args = { city: "Zurich" };
  const call = estimateTokens("weather" + JSON.stringify(args));
  for (
    const [part, estimate] of [
      [{ text }, estimateTokens(text)],
      [{ text, thought: true }, estimateTokens(text)],
      [{ functionCall: { name: "weather", args } }, call],
      [{ toolCall: { name: "weather", args } }, call],
      [{
        functionCall: { partialArgs: [{ jsonPath: "$.city", stringValue: text }] },
      }, estimateTokens(text)],
      [{ executableCode: { language: "PYTHON", code: text } }, estimateTokens(text)],
      [{ inlineData: { mimeType: "image/png", data: "AAAA" } }, 1290],
      [{ inlineData: { mimeType: "audio/L16;rate=24000", data: "A".repeat(6400) } }, 3],
      // What a tool found is delivered, but it is no output of the model.
      [{ codeExecutionResult: { outcome: "OUTCOME_OK", output: text } }, 1],
      [{ toolResponse: { id: "1", response: { text } } }, 1],
    ] as const
  ) {
    for (const metered of [meterText(stream(chunk([part]))), whole(chunk([part]))]) {
      assertEquals([metered.hasContent, metered.outputTokensEstimate], [true, estimate]);
      assert(metered.outputTokensUpper >= estimate);
    }
  }
});

Deno.test("an answer of nothing has no content, though it has a finish and a signature", () => {
  const empty = [{ text: "" }, { thoughtSignature: "c2ln" }, { functionCall: {} }, {}];
  const metered = meterText(stream(chunk(empty, {}, "STOP")));
  assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
});

Deno.test("a chunk with content is at least one token: Google sends no less", () => {
  const metered = meterText(stream(...Array.from("1, 2, 3").map((text) => chunk([{ text }]))));
  assertEquals(metered.outputTokensEstimate, 7);
});

Deno.test("a blocked prompt has no content, its reason for a finish, and its report", () => {
  const blocked = {
    promptFeedback: { blockReason: "SAFETY", blockReasonMessage: "Long reasons of no interest" },
    usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
  };
  for (const metered of [meterText(stream(blocked)), whole(blocked), whole([blocked])]) {
    assertEquals(
      [metered.finish, metered.hasContent, metered.outputTokensEstimate, metered.usage],
      ["SAFETY", false, 0, tokens(7, 0)],
    );
  }
  assertEquals(meterText(stream(blocked)).kinds, ["other"]);
});

Deno.test("the tier that was served is told in its own word, and a dearer one is flagged", () => {
  for (
    const [name, tier, flags] of [
      ["serviceTier", "standard", []],
      ["serviceTier", "flex", []],
      ["serviceTier", "priority", ["unpriced_tier"]],
      ["trafficType", "PROVISIONED_THROUGHPUT", []],
      ["trafficType", "ON_DEMAND_PRIORITY", ["unpriced_tier"]],
    ] as const
  ) {
    const { usageMetadata } = usageOf(8, 7);
    const metered = whole({ usageMetadata: { ...usageMetadata, [name]: tier } });
    assertEquals([metered.serviceTier, metered.flags], [tier, [...flags]]);
  }
});

Deno.test("searches in an answer are flagged, for no price here covers them", () => {
  const grounded = (groundingMetadata: object) =>
    whole({ candidates: [{ content: { parts: [{ text: "x" }] }, groundingMetadata }] }).flags;
  assertEquals(grounded({ webSearchQueries: ["capital of Peru"] }), ["unpriced_tool"]);
  assertEquals(grounded({ imageSearchQueries: ["cats"] }), ["unpriced_tool"]);
  assertEquals(grounded({ webSearchQueries: [], groundingChunks: [] }), []);
});

Deno.test("lesson 17: the text of an error is not output, in any shape or place", () => {
  const error = { code: 503, message: "x".repeat(400), status: "UNAVAILABLE" };
  const body = { error: { ...error, details: [] } };
  for (
    const frame of [
      stream(body),
      stream([body]),
      "event: error\r\n" + stream(body),
      // Bare JSON where an event should be, as Google breaks off.
      JSON.stringify(body, null, 2),
      JSON.stringify([body]) + "\r\n\r\n",
      stream({ ...chunk([{ text: "x".repeat(400) }]), ...body }),
    ]
  ) {
    const metered = meterText(frame);
    assertEquals(metered.kinds, ["error"]);
    assertEquals(metered.error, { message: error.message, type: "UNAVAILABLE", code: "503" });
    assertEquals([metered.hasContent, metered.outputTokensEstimate], [false, 0]);
  }
  assertEquals(whole(body).error, whole([body]).error);
  assertEquals(whole({ error: "Overloaded" }).error?.message, "Overloaded");
  assertEquals(meterText("event: error\r\ndata: {}\r\n\r\n").kinds, ["error"]);
});

Deno.test("what was delivered before an error stays, and so does a report beside or after it", () => {
  const error = { error: { code: 500, message: "Internal", status: "INTERNAL" } };
  const hello = chunk([{ text: "Hello" }]);
  const after = meterText(stream(hello, { ...error, ...usageOf(8, 2) }));
  assertEquals([after.usage, after.hasContent, after.error?.code], [tokens(8, 2), true, "500"]);
  assertEquals(meterText(stream(hello, error, usageOf(8, 3))).usage, tokens(8, 3));
});

Deno.test("an array of chunks, as a stream without SSE is, is read like the stream", () => {
  const chunks = [
    chunk([{ text: "Hel" }], { usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 } }),
    chunk([{ text: "lo" }], usageOf(8, 2), "STOP"),
  ];
  const { kinds: _, earlyEnd: __, ...metered } = meterText(stream(...chunks));
  assertEquals(whole(chunks), metered);
  assertEquals(meterText(JSON.stringify(chunks, null, 1)).usage, tokens(8, 2));
  assertEquals(whole([]).usage, null);
});

Deno.test("what is not a JSON object is flagged and passed on", () => {
  const metered = meterText(stream("{", "null", "7", "<html>", "[1]") + 'data: {"candidates":[{');
  assertEquals(new Set(metered.kinds), new Set(["other"]));
  assertEquals([metered.flags, metered.hasContent], [["unreadable"], false]);
  assertEquals(meterText("{ broken\r\n\r\n").flags, ["unreadable"]);
  assertEquals(meterText("<html>Bad gateway</html>\r\n\r\n").hasContent, false);
  for (const body of ["<html>", null, 7]) assertEquals(whole(body).flags, ["unreadable"]);
});

Deno.test("arguments that nest without end, or are no values, hide no report beside them", () => {
  const deep = "[".repeat(4_000) + "]".repeat(4_000);
  const { usageMetadata } = usageOf(8, 2);
  for (const call of [`{"args":${deep}}`, `{"partialArgs":[{"stringValue":{"toString":1}}]}`]) {
    const parts = `{"content":{"parts":[{"functionCall":${call}}]}}`;
    const metered = meterText(
      stream(`{"candidates":[${parts}],"usageMetadata":${JSON.stringify(usageMetadata)}}`),
    );
    assertEquals([metered.usage, metered.hasContent, metered.flags], [tokens(8, 2), true, []]);
  }
});

Deno.test("an event over the cap counts as content whose tokens are not known", () => {
  const image = { inlineData: { mimeType: "image/png", data: "A".repeat(20_000) } };
  const metered = meterText(stream(chunk([image])));
  assertEquals(
    [metered.flags, metered.hasContent, metered.usage],
    [["oversized"], true, null],
  );
  // What comes after it is still the bill.
  assertEquals(
    meterText(stream(chunk([image]), chunk([], usageOf(8, 1290), "STOP"))).usage,
    tokens(8, 1290),
  );
});

Deno.test("no stream makes the meter throw, whatever JSON it carries", () => {
  const keys = [
    ...["candidates", "content", "parts", "text", "functionCall", "args", "partialArgs", "error"],
    ...["usageMetadata", "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"],
    ...["cachedContentTokenCount", "promptTokensDetails", "modality", "tokenCount", "inlineData"],
    ...["totalTokenCount", "finishReason", "promptFeedback", "blockReason", "groundingMetadata"],
    ...["__proto__", "mimeType", "data", "serviceTier", "webSearchQueries", "message", "code"],
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, true, 1, -1, 1.5, 1e300, "", "x", "IMAGE", "AUDIO"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 5 }),
    ),
  })).value;
  fc.assert(
    fc.property(fc.array(json, { maxLength: 5 }), (chunks) => {
      const texts = chunks.map((chunk) => JSON.stringify(chunk));
      const metered = [meterText(stream(...texts)), whole(chunks), whole(chunks[0])];
      for (const { flags, usage, media } of metered) {
        assert(!flags.includes("meter_fault"));
        for (const count of Object.values({ ...usage, ...media })) {
          assert(Number.isInteger(count) && count >= 0);
        }
        assert(media.input_audio + media.input_image <= (usage?.input ?? 0));
        assert(media.output_audio + media.output_image <= (usage?.output ?? 0));
      }
    }),
    { numRuns: 3000 },
  );
});
