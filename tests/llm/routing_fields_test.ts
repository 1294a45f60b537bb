/** Who of several hosts answers: OpenRouter's fields, in every dialect that it speaks. */
import { assertEquals } from "@std/assert";
import type { Dialect } from "../../shared/llm/dialect.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { accepted, refused } from "./requests.ts";

const model = "openrouter:openai/gpt-4o";
const messages = [{ role: "user", content: "Hello" }];
const SPOKEN: readonly (readonly [Dialect, object])[] = [
  [OPENAI_CHAT, { model, messages }],
  [OPENAI_RESPONSES, { model, input: "Hello" }],
  [ANTHROPIC_MESSAGES, { model, messages, max_tokens: 100 }],
];

Deno.test("a host that may cost more than the price here cannot be picked, nor a preset", () => {
  const picks = [
    { order: ["azure"] },
    { only: ["azure"] },
    { sort: "throughput" },
    { quantizations: ["fp8"] },
    { Order: ["azure"] },
    { zdr: true, order: [] },
    "azure",
  ];
  for (const [dialect, hello] of SPOKEN) {
    for (const provider of picks) {
      assertEquals(refused(dialect, { ...hello, provider }).param, "provider", dialect.name);
    }
    assertEquals(refused(dialect, { ...hello, preset: "mine" }).param, "preset");
  }
});

Deno.test("what is said of hosts without picking one is passed on", () => {
  const provider = {
    data_collection: "deny",
    zdr: true,
    require_parameters: true,
    max_price: { prompt: 1 },
    ignore: ["azure"],
    allow_fallbacks: false,
  };
  for (const [dialect, hello] of SPOKEN) {
    for (const field of [provider, {}, null]) {
      assertEquals(accepted(dialect, { ...hello, provider: field }).kind, "request");
    }
  }
});
