import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { DialectName } from "../../shared/llm/dialect.ts";
import {
  type Endpoint,
  endpointHeaders,
  findProvider,
  PROVIDERS,
} from "../../shared/llm/providers.ts";

import { row, url, urlOf } from "./endpoints.ts";

Deno.test("every provider has a slug, an https address and a way to be limited", () => {
  for (const [id, provider] of PROVIDERS) {
    assertMatch(id, /^[a-z0-9][a-z0-9_-]{0,63}$/);
    assertEquals(provider.id, id);
    if (provider.keyRequired && provider.baseUrl !== null) {
      assertMatch(provider.baseUrl, /^https:\/\/[^/].*[^/]$/);
    }
    const endpoints = Object.values(provider.endpoints);
    assert(endpoints.length > 0 && endpoints.every((one) => one.outputLimitFields.length > 0));
  }
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

Deno.test("lesson 19: Mistral is never asked for usage nor limited by a name that it rejects", () => {
  const [, endpoint] = row("mistral");
  assertEquals([endpoint.usageSwitch, endpoint.outputLimitFields], ["rejected", ["max_tokens"]]);
});

Deno.test("lesson 19: whoever reports a stream's usage only where it is asked for is asked, as is whoever nobody knows", () => {
  const required = ["openai", "azure", "xai", "dashscope", "ollama", "house-vllm"];
  const onlySeenWithIt = ["anthropic", "google", "fireworks", "cerebras", "zai"];
  for (const id of [...required, ...onlySeenWithIt]) {
    const [, endpoint] = row(id);
    assertEquals([id, endpoint.usageSwitch], [id, "required"]);
  }
});

Deno.test("a provider is found by any of its names, and no name means two", () => {
  assertEquals(findProvider("google-ai-studio").id, "google");
  assertEquals(findProvider("google-vertex").id, "google");
  assertEquals(findProvider("alibaba-dashscope").id, "dashscope");
  const names = [...PROVIDERS.values()].flatMap(({ id, aliases }) => [id, ...aliases]);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assert(PROVIDERS.has(findProvider(name).id));
});

Deno.test("any other name is a server that speaks OpenAI's dialects where its address says", () => {
  const provider = findProvider("house-vllm");
  assertEquals([provider.id, provider.baseUrl, provider.abortPolicy], [
    "house-vllm",
    null,
    "drain",
  ]);
  assertEquals(
    url("house-vllm", "http://gpu.internal:8000/v1"),
    "http://gpu.internal:8000/v1/chat/completions",
  );
  assertEquals(
    urlOf("house-vllm", "openai-responses", "http://gpu.internal:8000/v1/"),
    "http://gpu.internal:8000/v1/responses",
  );
  assertThrows(() => url("house-vllm"), TypeError, "house-vllm");
  assertEquals(findProvider("__proto__").baseUrl, null);
});

Deno.test("a provider that wants no key is sent none", () => {
  const [provider, endpoint] = row("ollama");
  assertEquals([provider.keyRequired, endpointHeaders(endpoint, "")], [false, {}]);
});

Deno.test("Anthropic's dialect always goes with a version of the API", () => {
  for (const { id, endpoints } of PROVIDERS.values()) {
    const messages = endpoints["anthropic-messages"];
    if (messages) assertEquals(messages.headers, { "anthropic-version": "2023-06-01" }, id);
  }
});

Deno.test("lesson 21: xAI's reasoning is outside in chat and inside in responses; Gemini's is hidden in chat", () => {
  const reasoning = (id: string, dialect: DialectName) => row(id, dialect)[1].counting.reasoning;
  assertEquals(reasoning("xai", "openai-chat"), "outside");
  assertEquals(reasoning("xai", "openai-responses"), "inside");
  assertEquals(reasoning("google", "openai-chat"), "hidden_in_total");
  assertEquals(reasoning("google", "gemini"), "outside");
});
