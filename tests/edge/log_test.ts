import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatLine, LOG } from "../../shared/edge/log.ts";

Deno.test("a line is the message that people grep for, then JSON", () => {
  assertEquals(
    formatLine(LOG.usageRecorded, { cost: "0.0012", tokens: { input: 3 }, units: 12_000_000n }),
    'Usage recorded: {"cost":"0.0012","tokens":{"input":3},"units":"12000000"}',
  );
});

Deno.test("a line holds no secret, whether its name or its look gives it away", () => {
  const line = formatLine("Failed", {
    authorization: "Bearer abc",
    nested: { OPENAI_API_KEY: "plain", guest_token: "v1.x", guest_token_id: "kept" },
    text: "key sk-proj-abcdefghijklmnop and sb_secret_abcdefghijklmnop, eyJhbGciOi.eyJzdWIi.sig",
    error: new Error("connect postgres://user:hunter2@db.internal:5432/postgres failed"),
  });
  for (
    const secret of [
      'abc"',
      "plain",
      "v1.x",
      "sk-proj",
      "sb_secret_a",
      "eyJ",
      "hunter2",
      "db.internal",
    ]
  ) assert(!line.includes(secret), `${secret} in ${line}`);
  assert(line.includes('"guest_token_id":"kept"'));
});

Deno.test("a line stays one line of at most 10,000 characters", () => {
  const line = formatLine("Two\nlines", { text: "x\n".repeat(20_000) });
  assertEquals(line.length, 10_000);
  assert(!line.includes("\n"));
  assertMatch(line, /^Two lines: .*…$/);
});

Deno.test("what cannot be written as JSON does not break the caller", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  assertMatch(formatLine("Loop", loop), /^Loop: \{/);
});
