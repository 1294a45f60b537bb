import { assertEquals, assertThrows } from "@std/assert";
import type { DialectName } from "../../shared/llm/dialect.ts";
import { endpointUrl, PROVIDERS } from "../../shared/llm/providers.ts";

import { row, url, urlOf } from "./endpoints.ts";

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

Deno.test("a base of nothing but a host keeps the path of the provider's own", () => {
  assertEquals(url("openai", "http://127.0.0.1:9"), "http://127.0.0.1:9/v1/chat/completions");
  assertEquals(url("openai", "http://127.0.0.1:9/"), "http://127.0.0.1:9/v1/chat/completions");
  assertEquals(url("openai", "http://127.0.0.1:9/api"), "http://127.0.0.1:9/api/chat/completions");
  assertEquals(url("groq", "http://localhost"), "http://localhost/openai/v1/chat/completions");
  assertEquals(url("deepseek", "http://localhost"), "http://localhost/chat/completions");
});

Deno.test("each provider is reached at its documented address in each dialect that it speaks", () => {
  const addresses: Record<string, Partial<Record<DialectName, string>>> = {
    openai: {
      "openai-chat": "https://api.openai.com/v1/chat/completions",
      "openai-responses": "https://api.openai.com/v1/responses",
    },
    anthropic: {
      "anthropic-messages": "https://api.anthropic.com/v1/messages",
      "openai-chat": "https://api.anthropic.com/v1/chat/completions",
    },
    google: {
      gemini: "https://generativelanguage.googleapis.com/v1beta",
      "openai-chat": "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
    },
    xai: {
      "openai-chat": "https://api.x.ai/v1/chat/completions",
      "openai-responses": "https://api.x.ai/v1/responses",
    },
    deepseek: {
      "openai-chat": "https://api.deepseek.com/chat/completions",
      "openai-responses": "https://api.deepseek.com/responses",
      "anthropic-messages": "https://api.deepseek.com/anthropic/v1/messages",
    },
    mistral: { "openai-chat": "https://api.mistral.ai/v1/chat/completions" },
    moonshot: {
      "openai-chat": "https://api.moonshot.ai/v1/chat/completions",
      "openai-responses": "https://api.moonshot.ai/v1/responses",
      "anthropic-messages": "https://api.moonshot.ai/anthropic/v1/messages",
    },
    dashscope: {
      "openai-chat": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
      "anthropic-messages": "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages",
    },
    zai: {
      "openai-chat": "https://api.z.ai/api/paas/v4/chat/completions",
      "anthropic-messages": "https://api.z.ai/api/anthropic/v1/messages",
    },
    groq: {
      "openai-chat": "https://api.groq.com/openai/v1/chat/completions",
      "openai-responses": "https://api.groq.com/openai/v1/responses",
    },
    openrouter: {
      "openai-chat": "https://openrouter.ai/api/v1/chat/completions",
      "openai-responses": "https://openrouter.ai/api/v1/responses",
      "anthropic-messages": "https://openrouter.ai/api/v1/messages",
    },
    fireworks: {
      "openai-chat": "https://api.fireworks.ai/inference/v1/chat/completions",
      "openai-responses": "https://api.fireworks.ai/inference/v1/responses",
      "anthropic-messages": "https://api.fireworks.ai/inference/v1/messages",
    },
    together: { "openai-chat": "https://api.together.ai/v1/chat/completions" },
    cerebras: { "openai-chat": "https://api.cerebras.ai/v1/chat/completions" },
    perplexity: {
      "openai-chat": "https://api.perplexity.ai/chat/completions",
      "openai-responses": "https://api.perplexity.ai/v1/responses",
    },
    ollama: {
      "openai-chat": "http://localhost:11434/v1/chat/completions",
      "openai-responses": "http://localhost:11434/v1/responses",
      "anthropic-messages": "http://localhost:11434/v1/messages",
    },
  };
  for (const [id, provider] of PROVIDERS) {
    if (provider.baseUrl === null) continue;
    const found = Object.fromEntries(
      Object.keys(provider.endpoints).map((name) => [name, urlOf(id, name as DialectName)]),
    );
    assertEquals(found, addresses[id], id);
  }
});

Deno.test("one address does for all dialects, whichever SDK's base it is", () => {
  for (const tail of ["", "/", "/v1", "/v1/", "/anthropic", "/anthropic/v1"]) {
    const base = `https://api.moonshot.cn${tail}`;
    assertEquals(url("moonshot", base), "https://api.moonshot.cn/v1/chat/completions");
    assertEquals(
      urlOf("moonshot", "anthropic-messages", base),
      "https://api.moonshot.cn/anthropic/v1/messages",
    );
  }
  assertEquals(
    urlOf("deepseek", "anthropic-messages", "https://api.deepseek.com/v1"),
    "https://api.deepseek.com/anthropic/v1/messages",
  );
  assertEquals(
    url("deepseek", "https://api.deepseek.com/v1"),
    "https://api.deepseek.com/v1/chat/completions",
  );
  assertEquals(
    urlOf("google", "gemini", "http://localhost:9/v1beta/openai"),
    "http://localhost:9/v1beta",
  );
  assertEquals(
    urlOf("openrouter", "anthropic-messages", "https://openrouter.ai/api"),
    "https://openrouter.ai/api/v1/messages",
  );
  assertEquals(
    url("zai", "https://api.z.ai/api/coding/paas/v4"),
    "https://api.z.ai/api/coding/paas/v4/chat/completions",
  );
});

Deno.test("Azure needs the resource's address, with or without the path of its OpenAI API", () => {
  assertThrows(() => url("azure"), TypeError, "Azure OpenAI");
  const resource = "https://house.openai.azure.com";
  for (const tail of ["", "/", "/openai", "/openai/v1", "/openai/v1/"]) {
    assertEquals(url("azure", resource + tail), `${resource}/openai/v1/chat/completions`);
    assertEquals(
      urlOf("azure", "openai-responses", resource + tail),
      `${resource}/openai/v1/responses`,
    );
  }
  assertEquals(
    url("azure", `${resource}/openai/v1?api-version=preview`),
    `${resource}/openai/v1/chat/completions?api-version=preview`,
  );
  assertEquals(
    urlOf("azure", "anthropic-messages", "https://house.services.ai.azure.com/openai/v1"),
    "https://house.services.ai.azure.com/anthropic/v1/messages",
  );
});

Deno.test("what a dialect has after the path is appended, its query last", () => {
  const suffix = "/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
  assertEquals(
    endpointUrl(...row("google", "gemini"), null, suffix),
    `https://generativelanguage.googleapis.com/v1beta${suffix}`,
  );
  assertEquals(
    endpointUrl(...row("google", "gemini"), "http://localhost:9/google?a=1", suffix),
    "http://localhost:9/google/v1beta/models/gemini-2.5-flash:streamGenerateContent?a=1&alt=sse",
  );
});
