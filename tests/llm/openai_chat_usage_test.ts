import { assertEquals } from "@std/assert";
import { type CountingRules, DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";

const usage = { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 };
const tokens = { input: 11, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 9 };

/** What a whole answer with this usage, and nothing else, is metered to. */
const report = (usage: object, rules: CountingRules = DEFAULT_COUNTING) => {
  const snapshot = OPENAI_CHAT.readAnswer({ choices: [], usage }, rules);
  return { tokens: snapshot.usage, flags: snapshot.flags };
};

Deno.test("lesson 23: a reported zero is a report", () => {
  const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  assertEquals(report(zero).tokens?.output, 0);
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

Deno.test("cache writes are split by lifetime, and go by any of their names", () => {
  const counts = { prompt_tokens: 4020, completion_tokens: 5 };
  const lifetimes = { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 3000 };
  const split = { input: 20, cache_read: 0, cache_write_5m: 1000, cache_write_1h: 3000, output: 5 };
  for (
    const written of [
      { cache_creation_input_tokens: 4000, cache_creation: lifetimes },
      { prompt_tokens_details: { cache_creation: lifetimes } },
      { prompt_tokens_details: { cache_write_tokens: 4000, cache_creation: lifetimes } },
    ]
  ) {
    assertEquals(report({ ...counts, ...written }), { tokens: split, flags: [] });
  }
  // DashScope's explicit cache.
  const explicit = {
    prompt_tokens_details: { cached_tokens: 0, cache_creation_input_tokens: 1405 },
  };
  assertEquals(report({ ...counts, ...explicit }).tokens?.cache_write_5m, 1405);
});

Deno.test("cached tokens that only add up to the total beside the prompt are counted there", () => {
  const counts = { prompt_tokens: 50, completion_tokens: 9, total_tokens: 159 };
  assertEquals(report({ ...counts, cache_read_input_tokens: 100 }), {
    tokens: { ...tokens, input: 50, cache_read: 100 },
    flags: ["counted_by_total"],
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

Deno.test("audio beside the prompt is found by the total, whoever sends it", () => {
  const counts = {
    prompt_tokens: 11,
    completion_tokens: 15,
    total_tokens: 401,
    prompt_tokens_details: { audio_tokens: 375 },
  };
  assertEquals(report(counts), {
    tokens: { ...tokens, input: 386, output: 15 },
    flags: ["counted_by_total"],
  });
  const inside = { ...counts, prompt_tokens: 386 };
  assertEquals(report(inside, { reasoning: "inside", audioInput: "outside" }), {
    tokens: { ...tokens, input: 386, output: 15 },
    flags: ["counted_by_total"],
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
