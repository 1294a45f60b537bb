import { assertEquals } from "@std/assert";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";

Deno.test("a well-formed version of the API is passed on, and no other header of the client", () => {
  const forward = (headers: Record<string, string>) =>
    ANTHROPIC_MESSAGES.requestHeaders(new Headers(headers));
  const key = { "x-api-key": "secret", authorization: "Bearer secret", "x-chat-id": "1" };
  assertEquals(forward({ ...key, "anthropic-version": "2023-06-01" }), {
    "anthropic-version": "2023-06-01",
  });
  for (const version of ["2023-01-01", "latest", "2023-06-01, 2023-06-01", "2023-6-1", ""]) {
    assertEquals(forward({ "anthropic-version": version }), {});
  }
  assertEquals(forward(key), {});
});

Deno.test("betas that cannot change a price are passed on; others and unknown ones are dropped", () => {
  const harmless = [
    ...["interleaved-thinking-2025-05-14", "fine-grained-tool-streaming-2025-05-14"],
    ...["prompt-caching-2024-07-31", "extended-cache-ttl-2025-04-11", "computer-use-2025-11-24"],
  ];
  const dropped = [
    ...["context-1m-2025-08-07", "fast-mode-2026-02-01", "code-execution-2025-05-22", "skills"],
    ...["mcp-client-2025-11-20", "advisor-tool-2026-03-01", "pdfs", "pdfs-2024-09-25x", "pdfs-1"],
    // An answer past the model's own limit, which is all that is held.
    ...["output-128k-2025-02-19", "output-300k-2026-03-24"],
  ];
  const forward = (betas: readonly string[]) =>
    ANTHROPIC_MESSAGES.requestHeaders(new Headers({ "anthropic-beta": betas.join(", ") }));
  assertEquals(forward([...dropped, ...harmless, ...harmless]), {
    "anthropic-beta": harmless.join(","),
  });
  assertEquals(forward(dropped), {});
});
