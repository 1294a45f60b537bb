/** A meter's faults are its own: they reach neither the stream nor the charge. */
import { assertEquals } from "@std/assert";
import { type AnswerSoFar, createAnswer } from "../../shared/llm/answer_so_far.ts";
import { type AnswerReader, meterEvents } from "../../shared/llm/event_meter.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { decideCharge } from "../../supabase/functions/chat-proxy/decide_charge.ts";
import { assert } from "../support/narrowing.ts";
import { encode } from "./chunks.ts";

const broken = () => {
  throw new Error("a bug");
};

/** Reads each event as one token; `changes` break it. */
function meterOf(changes: (answer: AnswerSoFar) => Partial<AnswerReader>) {
  let tokens = 0;
  const answer = createAnswer({ estimate: () => tokens, upper: () => tokens });
  const meter = meterEvents({
    answer,
    readEvent() {
      tokens++;
      answer.contentEvents++;
      answer.hasContent = true;
      return "content";
    },
    readWhole() {},
    snapshot: () => answer.snapshot(),
    earlyEnd: broken,
    ...changes(answer),
  });
  for (const event of createEventSplitter().push(encode('data: {"a":1}\n\n'.repeat(5)))) {
    meter.fold(event);
  }
  return meter;
}

Deno.test("an event at which a meter throws is passed over, and the others are counted", () => {
  let events = 0;
  const meter = meterOf((answer) => ({
    readEvent() {
      if (++events === 2) broken();
      answer.contentEvents++;
      answer.hasContent = true;
      return "content";
    },
  }));
  const snapshot = meter.snapshot();
  assertEquals([snapshot.outputTokensEstimate, snapshot.flags], [4, ["meter_fault"]]);
});

Deno.test("what cannot be told at the end is charged by what is sure: a token for each event with content", () => {
  for (const isCountBroken of [false, true]) {
    const meter = meterOf((answer) => {
      if (isCountBroken) Object.assign(answer, { estimate: broken, upper: broken });
      return { snapshot: broken };
    });
    const snapshot = meter.snapshot();
    assert(snapshot.hasContent && snapshot.flags.includes("meter_fault"));
    assertEquals([snapshot.outputTokensEstimate, snapshot.outputTokensUpper], [5, 5]);
    const decided = decideCharge(snapshot, 7, "complete");
    assert(decided.kind === "charge");
    assertEquals([decided.basis, decided.tokens.input, decided.tokens.output], ["estimated", 7, 5]);
  }
});

Deno.test("an end that cannot be written is none", () => {
  const { closing, terminal } = meterOf(() => ({})).earlyEnd();
  assertEquals([closing.length, terminal.length], [0, 0]);
});
