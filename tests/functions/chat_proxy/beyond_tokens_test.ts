import { assertEquals } from "@std/assert";
import { NOTHING_METERED } from "../../../shared/llm/meter.ts";
import { NO_MEDIA, ZERO_TOKENS } from "../../../shared/pricing/usage.ts";
import {
  beyondTokens,
  loggedBeyond,
} from "../../../supabase/functions/chat-proxy/beyond_tokens.ts";

const SEEN = {
  ...NOTHING_METERED,
  media: { ...NO_MEDIA, input_audio: 375 },
  webSearches: 2,
  otherModels: [{ model: "claude-opus-4-7", tokens: { ...ZERO_TOKENS, output: 9 } }],
  providerCost: "0.0002833",
  serviceTier: "default",
  flags: ["unpriced_tool" as const],
};

Deno.test("a reported answer is settled with all that was reported beyond its tokens", () => {
  const { media, webSearches, otherModels, providerCost, serviceTier, flags } = SEEN;
  const expected = { media, webSearches, otherModels, providerCost, serviceTier, flags };
  assertEquals(beyondTokens(SEEN, "reported"), expected);
});

Deno.test("an estimate has the searches that were seen, and nothing that only a report tells", () => {
  const { media, webSearches, otherModels } = beyondTokens(SEEN, "estimated");
  assertEquals([media, webSearches, otherModels], [NO_MEDIA, 2, []]);
});

Deno.test("what searches in any case is charged for it, though it tells nothing, and not twice", () => {
  const { webSearches } = beyondTokens({ ...SEEN, webSearches: 0 }, "reported", 1);
  assertEquals([webSearches, beyondTokens(SEEN, "reported", 1).webSearches], [1, 2]);
});

Deno.test("more other models than the ledger takes do not keep an answer from being settled", () => {
  const otherModels = Array.from({ length: 12 }, (_, index) => ({
    model: `model-${index}`,
    tokens: ZERO_TOKENS,
  }));
  assertEquals(beyondTokens({ ...SEEN, otherModels }, "reported").otherModels.length, 8);
});

Deno.test("a line of the log says all that a later settle needs, and nothing for what there is not", () => {
  assertEquals(loggedBeyond(beyondTokens(NOTHING_METERED, "reported")), {});
  assertEquals(loggedBeyond(beyondTokens(SEEN, "reported")), {
    media: SEEN.media,
    web_searches: 2,
    other_models: SEEN.otherModels,
    provider_cost: "0.0002833",
    service_tier: "default",
    flags: ["unpriced_tool"],
  });
});
