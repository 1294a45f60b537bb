import { assertEquals } from "@std/assert";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { NO_MEDIA } from "../../shared/pricing/usage.ts";

/** What a whole answer with this usage, and nothing else, is metered to. */
const report = (usageMetadata: object) => {
  const { usage, media, reasoningTokens, flags } = GEMINI.readAnswer(
    { candidates: [], usageMetadata },
    DEFAULT_COUNTING,
  );
  return { usage, media, reasoningTokens, flags };
};

const tokens = (input: number, cache_read: number, output: number) => ({
  input,
  cache_read,
  cache_write_5m: 0,
  cache_write_1h: 0,
  output,
});
const details = (counts: Record<string, number>) =>
  Object.entries(counts).map(([modality, tokenCount]) => ({ modality, tokenCount }));

Deno.test("lesson 21: thoughts are output beside the candidates, whatever the provider's rules say", () => {
  const usage = {
    promptTokenCount: 8,
    candidatesTokenCount: 7,
    thoughtsTokenCount: 21,
    totalTokenCount: 36,
  };
  const rules = { reasoning: "inside", audioInput: "outside" } as const;
  const { usage: found } = GEMINI.readAnswer({ usageMetadata: usage }, rules);
  assertEquals(found, tokens(8, 0, 28));
  assertEquals(report(usage), {
    usage: tokens(8, 0, 28),
    media: NO_MEDIA,
    reasoningTokens: 21,
    flags: [],
  });
});

Deno.test("lesson 20: what came from a cache leaves the input, once", () => {
  const { usage, flags } = report({
    promptTokenCount: 1087,
    cachedContentTokenCount: 1081,
    candidatesTokenCount: 2,
    thoughtsTokenCount: 21,
    totalTokenCount: 1110,
  });
  assertEquals([usage, flags], [tokens(6, 1081, 23), []]);
});

Deno.test("the prompts of tools are input beside the prompt", () => {
  const { usage, flags } = report({
    promptTokenCount: 132,
    cachedContentTokenCount: 32,
    toolUsePromptTokenCount: 1355,
    candidatesTokenCount: 5,
    totalTokenCount: 1492,
  });
  assertEquals([usage, flags], [tokens(1455, 32, 5), []]);
});

Deno.test("an answer without a count of candidates took its thoughts alone", () => {
  const { usage, flags } = report({
    promptTokenCount: 87,
    thoughtsTokenCount: 78,
    totalTokenCount: 165,
  });
  assertEquals([usage, flags], [tokens(87, 0, 78), []]);
});

Deno.test("lesson 23: a reported zero is a report", () => {
  assertEquals(report({ promptTokenCount: 0, totalTokenCount: 0 }).usage, tokens(0, 0, 0));
});

Deno.test("a usage that only names the traffic is no report, and nothing is odd about it", () => {
  const { usage, flags } = report({ trafficType: "ON_DEMAND" });
  assertEquals([usage, flags], [null, []]);
});

Deno.test("counts without a prompt are no report: a prompt is never free", () => {
  const { usage, flags } = report({ candidatesTokenCount: 5, totalTokenCount: 25 });
  assertEquals([usage, flags], [null, ["usage_unreadable"]]);
});

Deno.test("a total that does not add up is flagged, and the documented reading is charged", () => {
  const counts = { promptTokenCount: 10, candidatesTokenCount: 96, thoughtsTokenCount: 61 };
  for (const totalTokenCount of [106, 168, 0]) {
    const { usage, flags } = report({ ...counts, totalTokenCount });
    assertEquals([usage, flags], [tokens(10, 0, 157), ["total_mismatch"]]);
  }
  assertEquals(report(counts).flags, []);
});

Deno.test("more cached than there is in the prompt is counted beside it and flagged", () => {
  const counts = { promptTokenCount: 11, cachedContentTokenCount: 163, candidatesTokenCount: 9 };
  const { usage, flags } = report(counts);
  assertEquals([usage, flags], [tokens(11, 163, 9), ["cached_exceeds_prompt"]]);
});

Deno.test("sound and images are told by modality, inside of the classes that they belong to", () => {
  const { usage, media, flags } = report({
    promptTokenCount: 1000,
    cachedContentTokenCount: 400,
    candidatesTokenCount: 1400,
    totalTokenCount: 2400,
    promptTokensDetails: details({ TEXT: 100, AUDIO: 500, IMAGE: 300, VIDEO: 60, DOCUMENT: 40 }),
    cacheTokensDetails: details({ AUDIO: 350, IMAGE: 50 }),
    candidatesTokensDetails: details({ TEXT: 10, IMAGE: 1290, AUDIO: 100 }),
  });
  assertEquals(usage, tokens(600, 400, 1400));
  assertEquals(media, {
    input_audio: 150,
    input_image: 250,
    cache_read_audio: 350,
    output_audio: 100,
    output_image: 1290,
  });
  assertEquals(flags, []);
});

Deno.test("a document that was cached as images takes no image from the input", () => {
  // As Vertex reports a PDF of before.
  const { media, flags } = report({
    promptTokenCount: 1344,
    cachedContentTokenCount: 1274,
    candidatesTokenCount: 173,
    promptTokensDetails: details({ TEXT: 54, DOCUMENT: 1290 }),
    cacheTokensDetails: details({ TEXT: 51, IMAGE: 1223 }),
  });
  assertEquals([media, flags], [NO_MEDIA, []]);
});

Deno.test("more sound or images than their class holds are cut to it and flagged", () => {
  const { media, flags } = report({
    promptTokenCount: 100,
    cachedContentTokenCount: 60,
    candidatesTokenCount: 5,
    promptTokensDetails: details({ AUDIO: 30, IMAGE: 30 }),
    candidatesTokensDetails: details({ IMAGE: 6 }),
  });
  assertEquals(media, { ...NO_MEDIA, input_audio: 30, input_image: 10, output_image: 5 });
  assertEquals(flags, ["media_exceeds_class"]);
});

Deno.test("lesson 22: a negative count is zero and flagged", () => {
  const { usage, flags } = report({ promptTokenCount: -5, candidatesTokenCount: 9 });
  assertEquals([usage, flags], [tokens(0, 0, 9), ["negative_count"]]);
});

Deno.test("counts that are text, fractions or absurd are no report, and flagged", () => {
  const good = { promptTokenCount: 11, candidatesTokenCount: 9, totalTokenCount: 20 };
  for (const odd of ["9", 1.5, 1e12, NaN, {}, [9], true]) {
    for (const name of Object.keys(good)) {
      const { usage, flags } = report({ ...good, [name]: odd });
      assertEquals([usage, flags], [null, ["usage_unreadable"]]);
    }
  }
});

Deno.test("details that are no details change no count", () => {
  const good = { promptTokenCount: 11, candidatesTokenCount: 9, totalTokenCount: 20 };
  for (const promptTokensDetails of [null, "x", {}, [null, 7, "AUDIO", { modality: 3 }]]) {
    const { usage, media } = report({ ...good, promptTokensDetails });
    assertEquals([usage, media], [tokens(11, 0, 9), NO_MEDIA]);
  }
  const odd = report({ ...good, promptTokensDetails: [{ modality: "AUDIO", tokenCount: "5" }] });
  assertEquals([odd.usage, odd.flags], [tokens(11, 0, 9), ["usage_unreadable"]]);
});
