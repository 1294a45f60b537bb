import { assertEquals } from "@std/assert";
import { NOTHING_METERED } from "../../../shared/llm/meter.ts";
import { ZERO_TOKENS } from "../../../shared/pricing/usage.ts";
import { decideCharge } from "../../../supabase/functions/chat-proxy/decide_charge.ts";

const SEEN = NOTHING_METERED;
const tokens = (input: number, output: number) => ({ ...ZERO_TOKENS, input, output });

Deno.test("a report is charged as it stands, estimates notwithstanding", () => {
  const seen = { ...SEEN, usage: tokens(7, 3), hasContent: true, outputTokensEstimate: 900 };
  assertEquals(decideCharge(seen, 50, "complete"), {
    kind: "charge",
    tokens: tokens(7, 3),
    basis: "reported",
  });
});

Deno.test("lesson 23: a reported zero for an answer with content is charged as reported, not estimated", () => {
  const seen = { ...SEEN, usage: tokens(0, 0), hasContent: true, outputTokensEstimate: 900 };
  assertEquals(decideCharge(seen, 50, "complete"), {
    kind: "charge",
    tokens: tokens(0, 0),
    basis: "reported",
  });
});

Deno.test("lesson 16: an answer without content and without reported output is free", () => {
  assertEquals(decideCharge({ ...SEEN, usage: tokens(500, 0) }, 50, "complete"), {
    kind: "release",
    reason: "empty_answer",
  });
  assertEquals(decideCharge(SEEN, 50, "complete"), { kind: "release", reason: "empty_answer" });
});

Deno.test("reasoning alone is not an empty answer: the provider bills it", () => {
  const seen = { ...SEEN, usage: tokens(20, 640), finish: "length" };
  assertEquals(decideCharge(seen, 20, "complete").kind, "charge");
});

Deno.test("content without a report is estimated: the prompt and at least one token", () => {
  const seen = { ...SEEN, hasContent: true, outputTokensEstimate: 42 };
  assertEquals(decideCharge(seen, 9, "complete"), {
    kind: "charge",
    tokens: tokens(9, 42),
    basis: "estimated",
  });
  const tiny = { ...SEEN, hasContent: true, outputTokensEstimate: 0 };
  assertEquals(decideCharge(tiny, 9, "complete"), {
    kind: "charge",
    tokens: tokens(9, 1),
    basis: "estimated",
  });
});

Deno.test("lesson 13: what was received before an answer ended early is charged, whoever ended it", () => {
  const seen = { ...SEEN, hasContent: true, outputTokensEstimate: 42 };
  for (const end of ["cancelled", "upstream_error", "deadline", "insufficient_balance"] as const) {
    const charge = { kind: "charge", tokens: tokens(9, 42), basis: "estimated" };
    assertEquals<unknown>(decideCharge(seen, 9, end), charge, end);
  }
  // A report that came before it counts all the same.
  const reported = { ...seen, usage: tokens(11, 40) };
  const charge = { kind: "charge", tokens: tokens(11, 40), basis: "reported" };
  assertEquals<unknown>(decideCharge(reported, 9, "cancelled"), charge);
});

Deno.test("lesson 17: an error instead of an answer is free, however long its text", () => {
  const error = { message: "x".repeat(10_000), type: null, code: null };
  assertEquals(decideCharge({ ...SEEN, error }, 50, "complete"), {
    kind: "release",
    reason: "upstream_error",
  });
});

Deno.test("hanging up before the first word costs the prompt: the provider had it, and bills it", () => {
  assertEquals(decideCharge(SEEN, 40_000, "cancelled"), {
    kind: "charge",
    tokens: tokens(40_000, 0),
    basis: "estimated",
  });
  assertEquals(decideCharge(SEEN, 40_000, "deadline").kind, "release");
  assertEquals(decideCharge(SEEN, 40_000, "upstream_error").kind, "release");
});

Deno.test("hanging up on the provider's error, as SDKs do, is free", () => {
  const error = { message: "overloaded", type: null, code: null };
  assertEquals(decideCharge({ ...SEEN, error }, 40_000, "cancelled"), {
    kind: "release",
    reason: "upstream_error",
  });
});

Deno.test("a prompt that was reported before the answer was cut is charged by its classes, not estimated", () => {
  const prompt = { ...ZERO_TOKENS, input: 18, cache_read: 6024 };
  const seen = { ...SEEN, prompt, hasContent: true, outputTokensEstimate: 10 };
  for (const end of ["cancelled", "upstream_error", "deadline"] as const) {
    assertEquals(decideCharge(seen, 6485, end), {
      kind: "charge",
      tokens: { ...prompt, output: 10 },
      basis: "estimated",
    });
  }
  assertEquals(decideCharge({ ...SEEN, prompt }, 6485, "cancelled"), {
    kind: "charge",
    tokens: prompt,
    basis: "estimated",
  });
});
