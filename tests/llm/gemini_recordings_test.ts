/** What only Gemini's recorded answers can show; recordings_test.ts has what holds in all dialects. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { EVENT_BYTES_MAX } from "../../shared/llm/sse_events.ts";
import { meterStream } from "./metered_text.ts";
import { listRecordings, meterRecording, readRecording, testRecordings } from "./recordings.ts";

const RANDOM_CUTS = 50;

const recordings = (listRecordings() ?? []).filter(({ dialect }) => dialect === GEMINI.name);
const settled = recordings.filter((one) => one.tokens !== undefined && !one.flags?.length);
const streams = settled.filter((one) => one.streaming);

const meterUncapped = (stream: string | Uint8Array) =>
  meterStream(GEMINI, stream, { maxEventBytes: EVENT_BYTES_MAX });

testRecordings("of recorded answers of Gemini only those that searched are flagged", () => {
  for (const recording of settled) {
    const { flags } = meterRecording(recording);
    assertEquals(flags.filter((flag) => flag !== "unpriced_tool"), [], recording.file);
  }
});

testRecordings("a recorded error of Gemini has its status for code", () => {
  for (const recording of recordings.filter((one) => one.status >= 400)) {
    assertEquals(meterRecording(recording).error?.code, String(recording.status), recording.file);
  }
});

testRecordings(
  "a recorded stream of Gemini is metered the same as the array it is without SSE",
  () => {
    for (const recording of streams) {
      const text = new TextDecoder().decode(readRecording(recording));
      const chunks = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
      const whole = meterRecording(recording);
      assertEquals(GEMINI.readAnswer(chunks, DEFAULT_COUNTING), whole, recording.file);
      assertEquals(meterUncapped(JSON.stringify(chunks)).usage, whole.usage, recording.file);
    }
  },
);

testRecordings("a recorded stream of Gemini cut anywhere has no zero for what it delivered", () => {
  for (const recording of streams) {
    const bytes = readRecording(recording);
    fc.assert(
      fc.property(fc.nat(bytes.length), (at) => {
        const cut = meterUncapped(bytes.slice(0, at));
        assert(!cut.hasContent || (cut.usage?.output ?? cut.outputTokensEstimate) > 0);
      }),
      { numRuns: RANDOM_CUTS },
    );
  }
});
