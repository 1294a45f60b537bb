import { assertEquals } from "@std/assert";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import { refused } from "./requests.ts";

const LONG = "m".repeat(257);
const SAID = "The name of a model has at most 256 characters.";
const hello = [{ role: "user", content: "Hello" }];
const BODIES = {
  "openai-chat": { messages: hello },
  "openai-responses": { input: "Hello" },
  "anthropic-messages": { messages: hello, max_tokens: 100 },
  "gemini": { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
};

Deno.test("a model's name of more than 256 characters is refused by a sentence that says so", () => {
  for (const [name, dialect] of DIALECTS) {
    const target = name === "gemini" ? { model: LONG, stream: false } : undefined;
    const named = refused(dialect, { ...BODIES[name], ...(!target && { model: LONG }) }, target);
    assertEquals([named.message, named.param], [SAID, "model"], name);
    const short = target && { ...target, model: "m" };
    const listed = refused(dialect, {
      ...BODIES[name],
      ...(!short && { model: "m" }),
      models: [LONG],
    }, short);
    assertEquals([listed.message, listed.param], [SAID, "models"], name);
  }
});
