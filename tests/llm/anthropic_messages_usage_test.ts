import { assertEquals } from "@std/assert";
import type { UsageReport } from "../../shared/llm/counts.ts";
import { readUsage } from "../../shared/llm/dialects/anthropic_messages_usage.ts";
import { counts, end, meterText, start, stream, tokens } from "./anthropic_messages_streams.ts";

function read(usage: Record<string, unknown>): UsageReport {
  const report = readUsage(usage);
  if (report === null || report === "unreadable") throw new Error(`not read: ${report}`);
  return report;
}

Deno.test("lesson 20: cache reads and writes are outside the input, and thinking inside the output", () => {
  const { tokens: charged, reasoningTokens, flags } = read({
    input_tokens: 3,
    cache_read_input_tokens: 4565,
    cache_creation_input_tokens: 37,
    cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 7 },
    output_tokens: 70,
    output_tokens_details: { thinking_tokens: 53 },
  });
  assertEquals(charged, {
    input: 3,
    cache_read: 4565,
    cache_write_5m: 30,
    cache_write_1h: 7,
    output: 70,
  });
  assertEquals([reasoningTokens, flags], [53, []]);
});

Deno.test("writes that the split does not tell are taken for 5 minutes, and flagged where it is stale", () => {
  for (
    const [total, split, writes, flags] of [
      [17_269, { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }, [17_269, 0], 1],
      [3337, { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 3068 }, [269, 3068], 1],
      [100, { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 300 }, [0, 100], 1],
      [0, { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 50 }, [0, 0], 0],
      [90, null, [90, 0], 0],
      [undefined, { ephemeral_1h_input_tokens: 8 }, [0, 8], 0],
    ] as const
  ) {
    const usage = { ...counts(1, 2), cache_creation_input_tokens: total, cache_creation: split };
    const report = read(usage);
    assertEquals([report.tokens.cache_write_5m, report.tokens.cache_write_1h], [...writes]);
    assertEquals(report.flags, flags ? ["cache_split_stale"] : []);
  }
});

Deno.test("a delta that raises the writes makes the split of the start stale", () => {
  const split = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 3068 };
  const begun = counts(5, 1, { cache_creation_input_tokens: 3068, cache_creation: split });
  const metered = meterText(
    stream(start(begun), end(counts(5, 9, { cache_creation_input_tokens: 3337 }))),
  );
  assertEquals(metered.usage, tokens(5, 9, { cache_write_5m: 269, cache_write_1h: 3068 }));
  assertEquals(metered.flags, ["cache_split_stale"]);
});

Deno.test("compaction is outside the top level: the sum of the iterations is the bill", () => {
  const begun = counts(100, 7, { cache_read_input_tokens: 55_096 });
  const iterations = [
    counts(100, 83, { type: "compaction", cache_read_input_tokens: 55_096 }),
    counts(181, 8, { type: "message" }),
  ];
  const metered = meterText(stream(start(begun), end(counts(181, 8, { iterations }))));
  assertEquals(metered.usage, tokens(281, 91, { cache_read: 55_096 }));
  assertEquals([metered.otherModels, metered.flags], [[], []]);
});

Deno.test("the split of an iteration is its own, whatever the top level says", () => {
  const cache_creation = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 40 };
  const written = { cache_creation_input_tokens: 40 };
  const usage = counts(5, 9, {
    ...written,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    iterations: [counts(5, 9, { type: "message", ...written, cache_creation })],
  });
  const { tokens: charged, flags } = read(usage);
  assertEquals([charged, flags], [tokens(5, 9, { cache_write_1h: 40 }), []]);
});

Deno.test("where nothing but a compaction ran, the top level is beside it", () => {
  const usage = counts(0, 0, { iterations: [counts(900, 80, { type: "compaction" })] });
  assertEquals(read(usage).tokens, tokens(900, 80));
});

Deno.test("an advisor's tokens are its own model's, summed by model, and in no class of the first", () => {
  const advised = (model: string, input: number, output: number) =>
    counts(input, output, { type: "advisor_message", model });
  const { tokens: charged, otherModels, flags } = read(counts(4727, 3391, {
    iterations: [
      counts(1051, 35, { type: "message" }),
      advised("claude-opus-4-7", 2728, 3880),
      advised("claude-opus-4-7", 2, 20),
      advised("claude-haiku-4-5", 1, 1),
      counts(3676, 3356, { type: "message" }),
    ],
  }));
  assertEquals([charged, flags], [tokens(4727, 3391), []]);
  assertEquals(otherModels, [
    { model: "claude-opus-4-7", tokens: tokens(2730, 3900) },
    { model: "claude-haiku-4-5", tokens: tokens(1, 1) },
  ]);
});

Deno.test("iterations that do not add up to the top level are charged as they are, and flagged", () => {
  const usage = counts(10, 20, { iterations: [counts(10, 25, { type: "message" })] });
  const { tokens: charged, flags } = read(usage);
  assertEquals([charged, flags], [tokens(10, 25), ["total_mismatch"]]);
});

Deno.test("iterations that cannot be read leave the top level, flagged; none at all leave it as it is", () => {
  const huge = counts(90_000_000, 1, { type: "message" });
  for (const iterations of [["x"], [{}], [counts(1, 1), { input_tokens: "1" }], [huge, huge]]) {
    const { tokens: charged, flags } = read(counts(10, 20, { iterations }));
    assertEquals([charged, flags], [tokens(10, 20), ["usage_unreadable"]]);
  }
  for (const iterations of [null, [], {}, "x"]) {
    const { tokens: charged, flags } = read(counts(10, 20, { iterations }));
    assertEquals([charged, flags], [tokens(10, 20), []]);
  }
});

Deno.test("searches are counted; fetches are free; any other counted tool is flagged", () => {
  for (
    const [server_tool_use, searches, flags] of [
      [{ web_search_requests: 10, web_fetch_requests: 2 }, 10, []],
      [{ web_search_requests: 0, code_execution_requests: 0 }, 0, []],
      [{ code_execution_requests: 3 }, 0, ["unpriced_tool"]],
      [{ web_search_requests: "3" }, 0, ["usage_unreadable"]],
      [{ web_search_requests: -3 }, 0, ["negative_count"]],
      [null, 0, []],
    ] as const
  ) {
    const report = read(counts(1, 2, { server_tool_use }));
    assertEquals([report.webSearches, report.flags], [searches, [...flags]]);
  }
});

Deno.test("the tier is recorded; fast mode and a fixed region cost more than the price here", () => {
  for (
    const [more, tier, flags] of [
      [{ service_tier: "priority", speed: "standard" }, "priority", []],
      [{ service_tier: "standard", inference_geo: "global" }, "standard", []],
      [{ service_tier: null, inference_geo: "not_available" }, null, []],
      [{ speed: "fast" }, null, ["unpriced_tier"]],
      [{ inference_geo: "us" }, null, ["unpriced_tier"]],
    ] as const
  ) {
    const report = read(counts(1, 2, more));
    assertEquals([report.serviceTier, report.flags], [tier, [...flags]]);
  }
});

Deno.test("lesson 22: negative counts are zero and flagged; what is no count is no report", () => {
  const report = read({ input_tokens: -5, output_tokens: 9, cache_read_input_tokens: -1 });
  assertEquals([report.tokens, report.flags], [tokens(0, 9), ["negative_count"]]);
  for (const odd of ["5", 1.5, 1e300, true, {}, []]) {
    assertEquals(readUsage({ input_tokens: odd, output_tokens: 9 }), "unreadable");
    assertEquals(readUsage(counts(1, 2, { cache_read_input_tokens: odd })), "unreadable");
  }
});

Deno.test("lesson 23: an explicit zero is a report, and an absent side is none", () => {
  assertEquals(read({ input_tokens: 0, output_tokens: 0 }).tokens, tokens(0, 0));
  for (const usage of [{}, { input_tokens: 5 }, { output_tokens: 5 }, { input_tokens: null }]) {
    assertEquals(readUsage(usage), null);
  }
});

Deno.test("more thinking than output is flagged, and charged as said", () => {
  const usage = counts(1, 20, { output_tokens_details: { thinking_tokens: 30 } });
  const report = read(usage);
  assertEquals([report.tokens.output, report.flags], [20, ["reasoning_exceeds_output"]]);
});
