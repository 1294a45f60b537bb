import { assertEquals } from "@std/assert";
import { type CountingRules, DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";

const usage = { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 };

/** What a whole answer with this usage, and nothing else, is metered to. */
const report = (usage: object, rules: CountingRules = DEFAULT_COUNTING) => {
  const snapshot = OPENAI_CHAT.readAnswer({ choices: [], usage }, rules);
  return { tokens: snapshot.usage, flags: snapshot.flags };
};

const snapshot = (usage: object, rules: CountingRules = DEFAULT_COUNTING) =>
  OPENAI_CHAT.readAnswer({ choices: [], usage }, rules);

Deno.test("sound and images are told apart within their classes", () => {
  const { media, flags } = snapshot({
    prompt_tokens: 900,
    completion_tokens: 500,
    prompt_tokens_details: {
      audio_tokens: 300,
      image_tokens: 200,
      cached_tokens: 400,
      cached_tokens_details: { audio_tokens: 100 },
    },
    completion_tokens_details: { audio_tokens: 350, image_tokens: 50 },
  });
  assertEquals(media, {
    input_audio: 200,
    input_image: 200,
    cache_read_audio: 100,
    output_audio: 350,
    output_image: 50,
  });
  assertEquals(flags, []);
});

Deno.test("images that can only have been cached are cut to the input without a flag", () => {
  const { media, flags } = snapshot({
    prompt_tokens: 300,
    completion_tokens: 5,
    prompt_tokens_details: { image_tokens: 256, cached_tokens: 290 },
  });
  assertEquals([media.input_image, flags], [10, []]);
});

Deno.test("more sound than there are tokens is cut to them and flagged", () => {
  const { media, flags } = snapshot({
    ...usage,
    prompt_tokens_details: { audio_tokens: 12 },
    completion_tokens_details: { audio_tokens: 8, image_tokens: 8 },
  });
  assertEquals([media.input_audio, media.output_audio, media.output_image], [11, 8, 1]);
  assertEquals(flags, ["media_exceeds_class"]);
});

Deno.test("searches are counted where they are told, and by citations where they are not", () => {
  for (
    const told of [
      { server_tool_use_details: { web_search_requests: 3 } },
      { server_tool_use: { web_search_requests: 3 } },
      { num_search_queries: 3 },
    ]
  ) assertEquals(snapshot({ ...usage, ...told }).webSearches, 3);
  const annotations = [{ type: "url_citation", url_citation: { url: "https://example.com" } }];
  const cited = { choices: [{ message: { content: "So.", annotations } }], usage };
  assertEquals(OPENAI_CHAT.readAnswer(cited, DEFAULT_COUNTING).webSearches, 1);
  assertEquals(snapshot(usage).webSearches, 0);
});

Deno.test("calls that no price covers are flagged", () => {
  assertEquals(report({ ...usage, num_sources_used: 2 }).flags, ["unpriced_tool"]);
  assertEquals(report({ ...usage, num_server_side_tools_used: 1 }).flags, ["unpriced_tool"]);
  assertEquals(report({ ...usage, num_sources_used: 0 }).flags, []);
  const ran = {
    choices: [{ message: { content: "So.", executed_tools: [{ type: "search" }] } }],
    usage,
  };
  assertEquals(OPENAI_CHAT.readAnswer(ran, DEFAULT_COUNTING).flags, ["unpriced_tool"]);
});

Deno.test("the provider's own cost and tier are taken down, a dear tier with a flag", () => {
  const cost = (more: object) => snapshot({ ...usage, ...more }).providerCost;
  assertEquals(cost({ cost: 0.066407 }), "0.066407");
  assertEquals(cost({ cost_in_usd_ticks: 1_466_250 }), "0.000146625");
  assertEquals(cost({ cost: { total_cost: 0.00502 } }), "0.00502");
  assertEquals(cost({}), null);
  const tier = (body: object) => {
    const { serviceTier, flags } = OPENAI_CHAT.readAnswer(body, DEFAULT_COUNTING);
    return [serviceTier, ...flags];
  };
  assertEquals(tier({ choices: [], usage, service_tier: "default" }), ["default"]);
  assertEquals(tier({ choices: [], usage: { ...usage, service_tier: "standard" } }), ["standard"]);
  assertEquals(tier({ choices: [], usage, service_tier: "priority" }), [
    "priority",
    "unpriced_tier",
  ]);
});
