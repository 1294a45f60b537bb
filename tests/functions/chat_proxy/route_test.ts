import { assertEquals, assertStringIncludes } from "@std/assert";
import { readEnv } from "../../../shared/edge/env.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import { findRoute } from "../../../supabase/functions/chat-proxy/route.ts";

const route = (provider: string, variables: Record<string, string>) =>
  findRoute(
    provider,
    "openai-chat",
    readEnv((name) =>
      ({
        SUPABASE_URL: "http://127.0.0.1:9",
        SUPABASE_ANON_KEY: "publishable",
        SUPABASE_SERVICE_ROLE_KEY: "secret",
        ...variables,
      })[name]
    ),
  );

/** What is told to be missing; null where the provider is enabled. */
function missing(provider: string, variables: Record<string, string>): string | null {
  const found = route(provider, variables);
  return isRefusal(found) ? found.message.match(/set (.*)\./)?.[1] ?? found.message : null;
}

Deno.test("a provider is enabled when its key is set", () => {
  assertEquals(missing("openai", {}), "OPENAI_API_KEY");
  assertEquals(missing("openai", { OPENAI_API_KEY: "sk" }), null);
});

Deno.test("a provider without an address for all needs one, and says so", () => {
  assertEquals(missing("azure", { AZURE_API_KEY: "k" }), "AZURE_BASE_URL");
  assertEquals(missing("azure", {}), "AZURE_API_KEY and AZURE_BASE_URL");
  const azure = { AZURE_API_KEY: "k", AZURE_BASE_URL: "https://a.openai.azure.com" };
  assertEquals(missing("azure", azure), null);
});

Deno.test("a provider without a key is enabled by its address, and not by default", () => {
  assertEquals(missing("ollama", {}), "OLLAMA_BASE_URL");
  assertEquals(missing("ollama", { OLLAMA_BASE_URL: "http://127.0.0.1:11434" }), null);
});

Deno.test("any server that speaks OpenAI's API works by its address, key and prices alone", () => {
  assertEquals(missing("my-vllm", {}), "MY_VLLM_API_KEY and MY_VLLM_BASE_URL");
  const own = { MY_VLLM_API_KEY: "k", MY_VLLM_BASE_URL: "http://10.0.0.5:8000/v1" };
  assertEquals(missing("my-vllm", own), null);
});

Deno.test("a dialect that the provider does not speak is refused, with where to look", () => {
  const found = findRoute(
    "mistral",
    "anthropic-messages",
    readEnv((name) =>
      ({
        SUPABASE_URL: "http://127.0.0.1:9",
        SUPABASE_ANON_KEY: "a",
        SUPABASE_SERVICE_ROLE_KEY: "b",
      })[
        name
      ]
    ),
  );
  if (!isRefusal(found)) throw new Error("not refused");
  assertEquals(found.code, "PROVIDER_NOT_ENABLED");
  assertStringIncludes(found.message, "GET /v1/models");
});
