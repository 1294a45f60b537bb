import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Endpoint,
  endpointHeaders,
  endpointUrl,
  type Provider,
  PROVIDERS,
} from "../../shared/llm/providers.ts";

function row(id: string): [Provider, Endpoint] {
  const provider = PROVIDERS.get(id);
  const endpoint = provider?.endpoints["openai-chat"];
  if (provider === undefined || endpoint === undefined) throw new Error(`no row for ${id}`);
  return [provider, endpoint];
}

const url = (id: string, baseUrl: string | null = null) => endpointUrl(...row(id), baseUrl);

Deno.test("every provider has a slug, an https address and a way to be limited", () => {
  for (const [id, provider] of PROVIDERS) {
    assertMatch(id, /^[a-z0-9][a-z0-9_-]{0,63}$/);
    assertEquals(provider.id, id);
    assertMatch(provider.baseUrl, /^https:\/\/[^/].*[^/]$/);
    const endpoints = Object.values(provider.endpoints);
    assert(endpoints.length > 0 && endpoints.every((one) => one.outputLimitFields.length > 0));
  }
});

Deno.test("chat goes where each provider has it", () => {
  assertEquals(url("openai"), "https://api.openai.com/v1/chat/completions");
  assertEquals(url("anthropic"), "https://api.anthropic.com/v1/chat/completions");
  assertEquals(
    url("google"),
    "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
  );
});

Deno.test("a base URL may end with a slash, and may repeat the version of the path", () => {
  assertEquals(url("openai", "http://localhost:9/v1/"), "http://localhost:9/v1/chat/completions");
  for (const base of ["http://localhost:9", "http://localhost:9/v1", "http://localhost:9/v1/"]) {
    assertEquals(url("anthropic", base), "http://localhost:9/v1/chat/completions");
  }
  assertEquals(
    url("google", "http://localhost:9/v1beta"),
    "http://localhost:9/v1beta/openai/chat/completions",
  );
});

Deno.test("the key goes into the header where the provider takes it", () => {
  const [, endpoint] = row("openai");
  assertEquals(endpointHeaders(endpoint, "k"), { authorization: "Bearer k" });
  const native: Endpoint = {
    ...endpoint,
    keyHeader: "x-api-key",
    headers: { "anthropic-version": "2023-06-01" },
  };
  assertEquals(endpointHeaders(native, "k"), {
    "anthropic-version": "2023-06-01",
    "x-api-key": "k",
  });
});

Deno.test("Mistral is never asked for usage nor limited by a name that it rejects", () => {
  const [, endpoint] = row("mistral");
  assertEquals([endpoint.usageSwitch, endpoint.outputLimitFields], ["rejected", ["max_tokens"]]);
});

Deno.test("a base of nothing but a host keeps the path of the provider's own", () => {
  assertEquals(url("openai", "http://127.0.0.1:9"), "http://127.0.0.1:9/v1/chat/completions");
  assertEquals(url("openai", "http://127.0.0.1:9/"), "http://127.0.0.1:9/v1/chat/completions");
  assertEquals(url("openai", "http://127.0.0.1:9/api"), "http://127.0.0.1:9/api/chat/completions");
  assertEquals(url("groq", "http://localhost"), "http://localhost/openai/v1/chat/completions");
  assertEquals(url("deepseek", "http://localhost"), "http://localhost/chat/completions");
});
