import { assertEquals } from "@std/assert";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { hello, openai, read, rewrite } from "./openai_chat_requests.ts";

Deno.test("upstream gets the provider's model and a limit, no chat id, and all else as sent", () => {
  const sent = { temperature: 0.2, seed: 7, unknown_field: { a: [1] }, chat_id: "chat-1" };
  assertEquals(rewrite(sent).body, {
    ...hello,
    temperature: 0.2,
    seed: 7,
    unknown_field: { a: [1] },
    model: "gpt-4o",
    max_completion_tokens: 60,
  });
});

Deno.test("the client's own name for the limit is kept where the provider obeys it", () => {
  const { body } = rewrite({ max_tokens: 100 });
  assertEquals([body.max_tokens, body.max_completion_tokens], [60, undefined]);
});

Deno.test("a limit under a name that the provider does not obey is renamed, not lost", () => {
  const { body } = rewrite({ max_completion_tokens: 100 }, { outputLimitFields: ["max_tokens"] });
  assertEquals([body.max_tokens, body.max_completion_tokens], [60, undefined]);
});

Deno.test("of two equal limits one is sent: providers refuse both at once", () => {
  const { body } = rewrite({ max_tokens: 100, max_completion_tokens: 100 });
  assertEquals([body.max_tokens, body.max_completion_tokens], [undefined, 60]);
});

Deno.test("no limit leaves the request without one", () => {
  const { body } = rewrite({}, { outputTokensLimit: null });
  assertEquals([body.max_tokens, body.max_completion_tokens], [undefined, undefined]);
});

Deno.test("lesson 19: usage is switched on where it must be, keeping other options, and then withheld", () => {
  const upstream = rewrite({ stream: true, stream_options: { include_obfuscation: false } });
  assertEquals(upstream.body.stream_options, { include_obfuscation: false, include_usage: true });
  assertEquals(upstream.withholdUsage, true);
});

Deno.test("usage that the client asked for is not withheld", () => {
  const upstream = rewrite({ stream: true, stream_options: { include_usage: true } });
  assertEquals(upstream.body.stream_options, { include_usage: true });
  assertEquals(upstream.withholdUsage, false);
});

Deno.test("usage is not switched on where it comes anyway, nor in a whole answer", () => {
  for (
    const upstream of [rewrite({ stream: true }, { usageSwitch: "optional" }), rewrite({})]
  ) {
    assertEquals([upstream.body.stream_options, upstream.withholdUsage], [undefined, false]);
  }
});

Deno.test("a client that wants no usage does not switch it off for us, whatever the switch", () => {
  const sent = {
    stream: true,
    stream_options: { include_usage: false, include_obfuscation: true },
  };
  for (const usageSwitch of ["required", "optional"] as const) {
    const { body, withholdUsage } = rewrite(sent, { usageSwitch });
    assertEquals(body.stream_options, { include_usage: true, include_obfuscation: true });
    assertEquals(withholdUsage, true, usageSwitch);
  }
  const { body, withholdUsage } = rewrite(sent, { usageSwitch: "rejected" });
  assertEquals(["stream_options" in body, withholdUsage], [false, false]);
});

Deno.test("a client that says nothing of usage sees what the provider sends of itself", () => {
  for (const stream_options of [null, {}, { include_usage: null }, { include_obfuscation: true }]) {
    const sent = { stream: true, stream_options };
    assertEquals(rewrite(sent, { usageSwitch: "optional" }).withholdUsage, false);
    const required = rewrite(sent).body.stream_options as Record<string, unknown>;
    assertEquals(required.include_usage, true);
  }
});

Deno.test("a provider that rejects the switch never sees it, even from the client", () => {
  const sent = { stream: true, stream_options: { include_usage: true } };
  const upstream = rewrite(sent, { usageSwitch: "rejected" });
  assertEquals(["stream_options" in upstream.body, upstream.withholdUsage], [false, false]);
});

Deno.test("rewriting does not touch the client's own body", () => {
  const body = { ...hello, stream: true, max_tokens: 100, chat_id: "c" };
  const before = structuredClone(body);
  OPENAI_CHAT.rewriteRequest(read(body), openai);
  assertEquals(body, before);
});
