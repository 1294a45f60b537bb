import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { chunksOf, cutAt, encode } from "./chunks.ts";
import { listRecordings, networkChunks, readRecording, type Recording } from "./recordings.ts";

const RANDOM_CHUNKINGS = 50;

const all = listRecordings();
const recordings = (all ?? []).filter(({ dialect, grade }) =>
  dialect === ANTHROPIC_MESSAGES.name && "ABCD".includes(grade)
);
const streams = recordings.filter((one) => one.streaming);

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
  const meter = ANTHROPIC_MESSAGES.createMeter(DEFAULT_COUNTING);
  for (const chunk of chunks) {
    for (const event of splitter.push(chunk)) meter.fold(event);
  }
  const rest = splitter.flush();
  if (rest !== null) meter.fold(rest);
  return meter.snapshot();
}

function meter(recording: Recording): MeterSnapshot {
  const bytes = readRecording(recording);
  return recording.streaming
    ? meterStream([bytes])
    : ANTHROPIC_MESSAGES.readAnswer(JSON.parse(new TextDecoder().decode(bytes)), DEFAULT_COUNTING);
}

/** Another model's counts, as the index of the recordings has them. */
type OtherModels = Record<string, Record<string, number>>;
const otherModels = (recording: Recording) =>
  (recording as { other_models?: OtherModels }).other_models ?? {};

testRecordings("every recorded message with usage is metered to exactly its counts", () => {
  assert(recordings.length >= 60);
  for (const recording of recordings.filter((one) => one.tokens !== undefined)) {
    const { usage, flags, otherModels: others } = meter(recording);
    assertEquals<unknown>(usage, recording.tokens, recording.file);
    const expected = Object.entries(otherModels(recording)).map(([model, counts]) => {
      const { uncached_input: input, ...tokens } = counts;
      return { model, tokens: { input, ...tokens } };
    });
    assertEquals<unknown>(others, expected, recording.file);
    // Only what the index flags is flagged, and the same.
    assertEquals(flags, recording.flags?.length ? ["cache_split_stale"] : [], recording.file);
  }
});

testRecordings("a recorded message without usage has none, and an error no content", () => {
  for (const recording of recordings.filter((one) => one.tokens === undefined)) {
    const { usage, hasContent, error } = meter(recording);
    assertEquals([usage, hasContent, error === null], [null, false, false], recording.file);
  }
});

testRecordings("a recorded stream is metered the same however it was cut, with LF and CRLF", () => {
  for (const recording of streams) {
    const bytes = readRecording(recording);
    const whole = meterStream([bytes]);
    assertEquals(meterStream(chunksOf(bytes, 1)), whole, recording.file);
    const sizes = networkChunks(recording);
    if (sizes !== null) {
      let offset = 0;
      const cuts = sizes.map((size) => offset += size);
      assertEquals(meterStream(cutAt(bytes, cuts)), whole, recording.file);
    }
    const text = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n");
    assertEquals(meterStream([encode(text.replaceAll("\n", "\r\n"))]), whole, recording.file);
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 30, size: "max" });
    fc.assert(
      fc.property(cuts, (cuts) => {
        assertEquals(meterStream(cutAt(bytes, cuts)), whole, recording.file);
      }),
      { numRuns: RANDOM_CHUNKINGS },
    );
  }
});

testRecordings(
  "a recorded stream that is cut before its report has none, never a placeholder",
  () => {
    for (const recording of streams) {
      const text = new TextDecoder().decode(readRecording(recording));
      const at = text.search(/data: .*"message_delta"/);
      assertEquals(meterStream([encode(text.slice(0, at))]).usage, null, recording.file);
    }
  },
);
