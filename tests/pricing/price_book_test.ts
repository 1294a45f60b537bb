import { assertEquals } from "@std/assert";
import { parsePrice } from "../../shared/pricing/price.ts";
import { createPriceBook } from "../../shared/pricing/price_book.ts";

const price = (provider_id: string, model_id: string, price_version = 1) =>
  parsePrice({ provider_id, model_id, price_version, input_per_1k: "1", output_per_1k: "1" });

const book = createPriceBook([
  price("openai", "gpt-4o"),
  price("openai", "gpt-4o-mini"),
  price("anthropic", "claude-sonnet-4-5"),
  price("openrouter", "openai/gpt-4o"),
  price("ollama", "llama3:8b"),
  price("groq", "llama-3.3-70b"),
  price("together", "llama-3.3-70b"),
]);

const found = (name: string) => {
  const lookup = book.find(name);
  return lookup.kind === "found" ? `${lookup.price.providerId}:${lookup.price.modelId}` : lookup;
};

Deno.test("a model is found by provider:model, provider/model and its bare name", () => {
  for (const name of ["openai:gpt-4o", "openai/gpt-4o", "gpt-4o"]) {
    assertEquals(found(name), "openai:gpt-4o");
  }
});

Deno.test("a model whose own id has a colon or a slash is found", () => {
  assertEquals(found("llama3:8b"), "ollama:llama3:8b");
  assertEquals(found("ollama:llama3:8b"), "ollama:llama3:8b");
  assertEquals(found("openrouter:openai/gpt-4o"), "openrouter:openai/gpt-4o");
  assertEquals(found("openrouter/openai/gpt-4o"), "openrouter:openai/gpt-4o");
});

Deno.test("a bare name that two providers offer is ambiguous, with both names to choose from", () => {
  assertEquals(found("llama-3.3-70b"), {
    kind: "ambiguous",
    candidates: ["groq:llama-3.3-70b", "together:llama-3.3-70b"],
  });
});

Deno.test("an unknown model comes with the names it may have meant, nearest first", () => {
  assertEquals(found("openai:gpt4o"), {
    kind: "unknown",
    nearest: ["openai:gpt-4o", "openrouter:openai/gpt-4o"],
  });
  assertEquals(found("GPT-4O-mini"), {
    kind: "unknown",
    nearest: ["openai:gpt-4o-mini"],
  });
  assertEquals(found("xyzzy"), { kind: "unknown", nearest: [] });
});

Deno.test("a name of a megabyte is unknown at once", () => {
  assertEquals(found("x".repeat(1_000_000)), { kind: "unknown", nearest: [] });
});

Deno.test("of two versions of a price the newer one counts, in whatever order they come", () => {
  const newer = price("openai", "gpt-4o", 2);
  for (const rows of [[newer, price("openai", "gpt-4o")], [price("openai", "gpt-4o"), newer]]) {
    assertEquals(createPriceBook(rows).get("openai", "gpt-4o")?.version, 2);
  }
  assertEquals(book.get("openai", "nothing"), null);
});
