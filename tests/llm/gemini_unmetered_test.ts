import { assertEquals } from "@std/assert";

import { config, fault, hello, read } from "./gemini_requests.ts";

Deno.test("more than one candidate is refused", () => {
  for (const count of [0, 2, "1", "2", [1], 1.5]) {
    assertEquals(fault(config({ candidateCount: count })), "generationConfig.candidateCount");
    assertEquals(fault(config({ candidate_count: count })), "generationConfig.candidateCount");
  }
});

Deno.test("functions can be used; tools that Google runs are refused with a reason", () => {
  const declared = { functionDeclarations: [{ name: "f", parameters: { type: "OBJECT" } }] };
  for (const tools of [[declared], declared, [], [{}]]) {
    assertEquals(read({ ...hello, tools }).features, []);
  }
  for (
    const name of [
      ...["googleSearch", "googleSearchRetrieval", "urlContext", "codeExecution", "googleMaps"],
      ...["fileSearch", "computerUse", "mcpServers", "retrieval", "enterpriseWebSearch"],
      ...["google_search", "url_context", "code_execution", "somethingNew", "constructor"],
    ]
  ) {
    const camel = name.replace(/_./g, (at) => at.slice(1).toUpperCase());
    assertEquals(fault({ ...hello, tools: [declared, { [name]: {} }] }), `tools[1].${camel}`);
    assertEquals(fault({ ...hello, tools: { ...declared, [name]: {} } }), `tools[0].${camel}`);
  }
  assertEquals(fault({ ...hello, tools: ["googleSearch"] }), "tools[0]");
});

Deno.test("what lies at the provider, other models and dearer tiers are refused", () => {
  for (
    const [field, value] of [
      ["cachedContent", "cachedContents/abc"],
      ["cached_content", "cachedContents/abc"],
      ["continuationToken", "AAAA"],
      ["serviceTier", "priority"],
      ["service_tier", "PRIORITY"],
      ["serviceTier", 3],
      ["modelArmorConfig", {}],
    ] as const
  ) {
    const camel = field.replace(/_./g, (at) => at.slice(1).toUpperCase());
    assertEquals(fault({ ...hello, [field]: value }), camel);
  }
  for (const tier of ["standard", "flex", "STANDARD", "unspecified"]) {
    assertEquals(read({ ...hello, serviceTier: tier }).kind, "request");
  }
  for (const field of ["routingConfig", "modelSelectionConfig"]) {
    assertEquals(fault(config({ [field]: {} })), `generationConfig.${field}`);
  }
});

Deno.test("answers beyond text have a price of their own, under any spelling", () => {
  const features = (generationConfig: object) => read(config(generationConfig)).features;
  for (
    const [sent, expected] of [
      [{ responseModalities: ["TEXT"] }, []],
      [{ responseModalities: ["TEXT", "IMAGE"] }, ["output_image"]],
      [{ response_modalities: ["image"] }, ["output_image"]],
      [{ responseModalities: "AUDIO" }, ["output_audio"]],
      [{ speechConfig: {} }, ["output_audio"]],
      [{ image_config: {} }, ["output_image"]],
      [{ responseModalities: ["AUDIO"], speechConfig: {} }, ["output_audio"]],
      [{ responseFormat: [{ text: { mimeType: "text/plain" } }] }, []],
    ] as const
  ) {
    assertEquals(features(sent), [...expected]);
  }
  for (const responseModalities of [["VIDEO"], [2], [null], [["IMAGE"]], {}]) {
    assertEquals(fault(config({ responseModalities })), "generationConfig.responseModalities");
  }
  for (const responseFormat of [[{ audio: {} }], { image: {} }, ["x"]]) {
    assertEquals(fault(config({ responseFormat })), "generationConfig.responseFormat");
  }
});

Deno.test("thoughts are output that is not shown, unless their budget is 0", () => {
  for (
    const [thinking, hides] of [
      [{ includeThoughts: true }, true],
      [{ thinkingLevel: "HIGH" }, true],
      [{ thinkingBudget: -1 }, true],
      [{ thinkingBudget: "0" }, true],
      [{ thinkingBudget: 0 }, false],
      [{ thinking_budget: 0 }, false],
    ] as const
  ) {
    assertEquals(read(config({ thinkingConfig: thinking })).hidesOutput, hides);
    assertEquals(read(config({ thinking_config: thinking })).hidesOutput, hides);
  }
});
