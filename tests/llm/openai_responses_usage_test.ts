import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
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

Deno.test("lesson 20: cached and written tokens and reasoning are inside, streamed or whole", () => {
  const detailed = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 40 },
    total_tokens: 150,
  };
  const expected = { input: 10, cache_read: 60, cache_write_5m: 30, cache_write_1h: 0, output: 50 };
  for (
    const metered of [
      meterText(stream(completed({ usage: detailed }))),
      whole(response({ status: "completed", usage: detailed })),
    ]
  ) {
    assertEquals(
      [metered.usage, metered.reasoningTokens, metered.flags],
      [expected, 40, []],
    );
  }
});

Deno.test("each token of a report that adds up is in exactly one class", () => {
  const count = fc.nat(1_000_000);
  fc.assert(
    fc.property(count, count, count, count, count, (fresh, cached, written, said, thought) => {
      const [input_tokens, output_tokens] = [fresh + cached + written, said + thought];
      const metered = whole(response({
        usage: {
          input_tokens,
          input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
          output_tokens,
          output_tokens_details: { reasoning_tokens: thought },
          total_tokens: input_tokens + output_tokens,
        },
      }));
      assertEquals([metered.usage, metered.flags, metered.reasoningTokens], [
        {
          input: fresh,
          cache_read: cached,
          cache_write_5m: written,
          cache_write_1h: 0,
          output: output_tokens,
        },
        [],
        thought,
      ]);
    }),
  );
});

Deno.test("lesson 23: an explicit zero is a report; nulls and absence are none", () => {
  const zero = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
  assertEquals(
    meterText(stream(delta("said all the same"), completed({ usage: zero }))).usage,
    { ...tokens, input: 0, output: 0 },
  );
  for (const none of [null, undefined, {}, { input_tokens: null, output_tokens: null }, "x", 7]) {
    assertEquals(meterText(stream(completed({ usage: none }))).usage, null);
    assertEquals(whole(response({ usage: none })).usage, null);
  }
});

Deno.test("lesson 24: the last report wins, whole; a usage before the last event is none", () => {
  const first = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 80 },
    output_tokens: 50,
    total_tokens: 150,
  };
  const early = { type: "response.in_progress", response: response({ usage: first }) };
  assertEquals(meterText(stream(early)).usage, null);
  assertEquals(meterText(stream(completed({ usage: first }), completed())).usage, tokens);
});

Deno.test("totals that do not add up, and counts that are none, are flagged", () => {
  const cases = [
    [{ ...usage, total_tokens: 99 }, "total_mismatch"],
    [{ ...usage, input_tokens: -5, total_tokens: 9 }, "negative_count"],
    [{ ...usage, input_tokens: "11" }, "usage_unreadable"],
    [{ ...usage, output_tokens: 1e300 }, "usage_unreadable"],
    [{ ...usage, input_tokens_details: { cached_tokens: 12 } }, "cached_exceeds_prompt"],
    [{ ...usage, output_tokens_details: { reasoning_tokens: 10 } }, "reasoning_exceeds_output"],
  ] as const;
  for (const [usage, flag] of cases) {
    assert(meterText(stream(completed({ usage }))).flags.includes(flag), flag);
    assert(whole(response({ usage })).flags.includes(flag), flag);
  }
});

Deno.test("searches are counted by the report, else by the items that are searches", () => {
  const call = (type?: string) => ({ type: "web_search_call", ...(type && { action: { type } }) });
  const output = [call("search"), call("open_page"), call("find_in_page"), call()];
  const items = output.map(done);
  const toolUsage = (num_requests: number) => ({ tool_usage: { web_search: { num_requests } } });
  const xai = (calls: object) => ({ usage: { ...usage, server_side_tool_usage_details: calls } });
  for (
    const [fields, searches] of [
      [{}, 2],
      [toolUsage(5), 5],
      [toolUsage(0), 0],
      [toolUsage(-1), 2],
      [xai({ web_search_calls: 3, x_search_calls: 0 }), 3],
      [{ usage: { ...usage, num_server_side_tools_used: 2 } }, 2],
    ] as const
  ) {
    const metered = meterText(stream(...items, completed(fields)));
    assertEquals([metered.webSearches, metered.flags], [searches, []], JSON.stringify(fields));
    assertEquals(whole(response({ usage, output, ...fields })).webSearches, searches);
  }
  assertEquals(meterText(stream(...items)).webSearches, 2); // Cut off before any report.
});

Deno.test("a tool or a tier that has no price here is flagged", () => {
  const images = (output_tokens: number) => ({
    tool_usage: { image_gen: { input_tokens: 0, output_tokens } },
  });
  const xai = (calls: object) => ({ usage: { ...usage, server_side_tool_usage_details: calls } });
  for (
    const [fields, flags] of [
      [images(0), []],
      [images(4160), ["unpriced_tool"]],
      [xai({ web_search_calls: 1, x_search_calls: 1 }), ["unpriced_tool"]],
      [xai({ code_interpreter_calls: 1 }), ["unpriced_tool"]],
      [{ usage: { ...usage, num_sources_used: 4 } }, ["unpriced_tool"]],
      [{ service_tier: "priority" }, ["unpriced_tier"]],
      [{ service_tier: "flex" }, []],
    ] as const
  ) {
    const metered = meterText(stream(completed(fields)));
    assertEquals([metered.usage, [...metered.flags]], [tokens, [...flags]], JSON.stringify(fields));
  }
  for (const type of ["code_interpreter_call", "file_search_call", "image_generation_call"]) {
    assertEquals(meterText(stream(done({ type }))).flags, ["unpriced_tool"]);
    assertEquals(whole(response({ output: [{ type }] })).flags, ["unpriced_tool"]);
  }
});

Deno.test("what the provider says that it bills is passed on", () => {
  const cost = (fields: object) => whole(response({ usage: { ...usage, ...fields } })).providerCost;
  assertEquals(cost({ cost_in_usd_ticks: 160_708_500 }), "0.01607085");
  assertEquals(cost({ cost: 0.0000285, is_byok: false }), "0.0000285");
  assertEquals(cost({ cost: 0.0000285, is_byok: true }), null);
  assertEquals(cost({}), null);
});

Deno.test("a last event that is too long to be read still has its bill, however it is cut", () => {
  const long = "x".repeat(30_000);
  const spoof = '"usage":{"input_tokens":0,"output_tokens":0}';
  const tail = { usage, user: null, metadata: { note: "n".repeat(500) } };
  const last = stream({
    type: "response.completed",
    response: { id: "resp_1", instructions: long + spoof, output: [], ...tail },
  } as { type: string });
  for (const chunkBytes of [Infinity, 20_000, 1_000, 7]) {
    const metered = meterText(stream(created, delta("Hello")) + last, chunkBytes);
    assertEquals([metered.usage, metered.finish], [tokens, "completed"], `${chunkBytes}`);
    // Not terminal: a part of it is with the client when its end is seen.
    assert(!metered.kinds.includes("terminal"));
    assertEquals(metered.flags, ["oversized"]);
  }
});
