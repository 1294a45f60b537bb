import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { chunksOf, cutAt, encode } from "./chunks.ts";
import { listRecordings, networkChunks, readRecording, type Recording } from "./recordings.ts";

const RANDOM_CHUNKINGS = 50;

const all = listRecordings();
const recordings = (all ?? []).filter(({ dialect }) => dialect === GEMINI.name);
const settled = recordings.filter((one) => one.tokens !== undefined && !one.flags?.length);
const streams = settled.filter((one) => one.streaming);

/** A test that is skipped, and says so, where the recordings are not beside the checkout. */
function testRecordings(name: string, fn: () => void): void {
  const isThere = all !== null;
  Deno.test({
    name: isThere ? name : `${name} [no ../shared/recordings beside this checkout]`,
    ignore: !isThere,
    fn,
  });
}

function meterStream(chunks: Iterable<Uint8Array>): MeterSnapshot {
  const splitter = createEventSplitter();
  const meter = GEMINI.createMeter(DEFAULT_COUNTING);
  for (const chunk of chunks) for (const event of splitter.push(chunk)) meter.fold(event);
  const rest = splitter.flush();
  if (rest !== null) meter.fold(rest);
  return meter.snapshot();
}

function meter(recording: Recording): MeterSnapshot {
  const bytes = readRecording(recording);
  return recording.streaming
    ? meterStream([bytes])
    : GEMINI.readAnswer(JSON.parse(new TextDecoder().decode(bytes)), DEFAULT_COUNTING);
}

const sorted = (counts: object | null | undefined) =>
  Object.entries(counts ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1);

testRecordings("every recorded answer of Gemini is metered to exactly its counts", () => {
  for (const recording of settled) {
    const { usage, flags } = meter(recording);
    assertEquals(sorted(usage), sorted(recording.tokens), recording.file);
    // Searches were switched on in some; nothing else about them is odd.
    assertEquals(flags.filter((flag) => flag !== "unpriced_tool"), [], recording.file);
  }
});

testRecordings("a recorded answer of Gemini without usage has none: never zeros", () => {
  for (const recording of recordings.filter((one) => one.tokens === undefined)) {
    assertEquals(meter(recording).usage, null, recording.file);
  }
});

testRecordings("a recorded error of Gemini is seen as one, and its text is no output", () => {
  for (const recording of recordings.filter((one) => one.status >= 400)) {
    const { error, usage, hasContent, outputTokensEstimate } = meter(recording);
    assertEquals(error?.code, String(recording.status), recording.file);
    assertEquals([usage, hasContent, outputTokensEstimate], [null, false, 0], recording.file);
  }
});

testRecordings(
  "a recorded stream of Gemini is metered the same however it is cut or framed",
  () => {
    for (const recording of streams) {
      const bytes = readRecording(recording);
      const whole = meterStream([bytes]);
      assertEquals(meterStream(chunksOf(bytes, 1)), whole, recording.file);
      const text = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n");
      assertEquals(meterStream([encode(text)]), whole, recording.file);
      let offset = 0;
      const cuts = (networkChunks(recording) ?? []).map((size) => offset += size);
      assertEquals(meterStream(cutAt(bytes, cuts)), whole, recording.file);
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30, size: "max" }), (cuts) => {
          assertEquals(meterStream(cutAt(bytes, cuts)), whole, recording.file);
        }),
        { numRuns: RANDOM_CHUNKINGS },
      );
    }
  },
);

testRecordings(
  "a recorded stream of Gemini is metered the same as the array it is without SSE",
  () => {
    for (const recording of streams) {
      const text = new TextDecoder().decode(readRecording(recording));
      const chunks = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
      const whole = meter(recording);
      assertEquals(GEMINI.readAnswer(chunks, DEFAULT_COUNTING), whole, recording.file);
      assertEquals(meterStream([encode(JSON.stringify(chunks))]).usage, whole.usage);
    }
  },
);

testRecordings("a recorded stream of Gemini cut anywhere has no zero for what it delivered", () => {
  for (const recording of streams) {
    const bytes = readRecording(recording);
    fc.assert(
      fc.property(fc.nat(bytes.length), (at) => {
        const { usage, hasContent, outputTokensEstimate } = meterStream([bytes.slice(0, at)]);
        assert(!hasContent || (usage?.output ?? outputTokensEstimate) > 0, recording.file);
      }),
      { numRuns: RANDOM_CHUNKINGS },
    );
  }
});
