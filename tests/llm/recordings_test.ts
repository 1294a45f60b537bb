import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { chunksOf, concat, cutAt, encode } from "./chunks.ts";
import {
  countingRules,
  listRecordings,
  networkChunks,
  readRecording,
  type Recording,
} from "./recordings.ts";

const RANDOM_CHUNKINGS = 200;

const all = listRecordings();
const recordings = (all ?? []).filter(({ dialect, grade }) =>
  dialect === OPENAI_CHAT.name && "ABC".includes(grade)
);

/** A test that is skipped, and says so, where the recordings are not beside the checkout. */
function testRecordings(name: string, fn: () => void): void {
  const isThere = all !== null;
  Deno.test({
    name: isThere ? name : `${name} [no ../shared/recordings beside this checkout]`,
    ignore: !isThere,
    fn,
  });
}

function meterStream(recording: Recording, chunks: Iterable<Uint8Array>): MeterSnapshot {
  const splitter = createEventSplitter();
  const meter = OPENAI_CHAT.createMeter(countingRules(recording));
  const relayed: Uint8Array[] = [];
  const sent: Uint8Array[] = [];
  for (const chunk of chunks) {
    sent.push(chunk);
    for (const event of splitter.push(chunk)) {
      relayed.push(event.bytes);
      meter.fold(event);
    }
  }
  const rest = splitter.flush();
  if (rest !== null) {
    relayed.push(rest.bytes);
    meter.fold(rest);
  }
  assertEquals(concat(relayed), concat(sent));
  return meter.snapshot();
}

function meter(recording: Recording): MeterSnapshot {
  const bytes = readRecording(recording);
  return recording.streaming ? meterStream(recording, [bytes]) : OPENAI_CHAT.readAnswer(
    JSON.parse(new TextDecoder().decode(bytes)),
    countingRules(recording),
  );
}

const withCounts = recordings.filter((one) => one.tokens !== undefined && !one.flags?.length);
const streams = withCounts.filter((one) => one.streaming);

testRecordings(
  "every recorded answer whose counts are settled is metered to exactly those counts",
  () => {
    const rows = new Map<string, { exact: number; of: number; open: number; none: number }>();
    const wrong: unknown[] = [];
    for (const recording of recordings) {
      const row = rows.get(recording.provider) ?? { exact: 0, of: 0, open: 0, none: 0 };
      rows.set(recording.provider, row);
      if (recording.tokens === undefined) row.none++;
      else if (recording.flags?.length) row.open++;
      else {
        row.of++;
        const { usage, flags } = meter(recording);
        if (JSON.stringify(sorted(usage)) === JSON.stringify(sorted(recording.tokens))) row.exact++;
        else wrong.push({ file: recording.file, usage, flags, expected: recording.tokens });
      }
    }
    console.table(Object.fromEntries([...rows].toSorted(([a], [b]) => a < b ? -1 : 1)));
    assertEquals(wrong, []);
  },
);

const sorted = (counts: object | null) =>
  counts === null ? null : Object.entries(counts).toSorted(([a], [b]) => a < b ? -1 : 1);

testRecordings("a recorded answer without usage has none: never zeros", () => {
  for (const recording of recordings.filter((one) => one.tokens === undefined)) {
    assertEquals(meter(recording).usage, null, recording.file);
  }
});

testRecordings("a recorded error is seen as one, and none of its text is counted as output", () => {
  for (const recording of recordings.filter((one) => one.status >= 400)) {
    const snapshot = meter(recording);
    assertEquals(
      [snapshot.usage, snapshot.hasContent, snapshot.outputTokensEstimate],
      [null, false, 0],
      recording.file,
    );
  }
});

testRecordings(
  "a recorded stream is metered the same whole, by the byte, and as the network cut it",
  () => {
    for (const recording of streams) {
      const bytes = readRecording(recording);
      const whole = meterStream(recording, [bytes]);
      assertEquals(meterStream(recording, chunksOf(bytes, 1)), whole, recording.file);
      const sizes = networkChunks(recording);
      if (sizes === null) continue;
      let offset = 0;
      const cuts = sizes.map((size) => offset += size);
      assertEquals(meterStream(recording, cutAt(bytes, cuts)), whole, recording.file);
    }
  },
);

testRecordings(
  `a recorded stream is metered the same at ${RANDOM_CHUNKINGS} random chunkings`,
  () => {
    for (const recording of streams) {
      const bytes = readRecording(recording);
      const whole = meterStream(recording, [bytes]);
      const cuts = fc.array(fc.nat(bytes.length), { maxLength: 30, size: "max" });
      fc.assert(
        fc.property(cuts, (cuts) => {
          assertEquals(meterStream(recording, cutAt(bytes, cuts)), whole, recording.file);
        }),
        { numRuns: RANDOM_CHUNKINGS },
      );
    }
  },
);

testRecordings("a recorded stream is metered the same with LF and with CRLF", () => {
  for (const recording of streams) {
    const text = new TextDecoder().decode(readRecording(recording)).replaceAll("\r\n", "\n");
    const whole = meterStream(recording, [encode(text)]);
    const crlf = encode(text.replaceAll("\n", "\r\n"));
    assertEquals(meterStream(recording, [crlf]), whole, recording.file);
    assertEquals(meterStream(recording, chunksOf(crlf, 1)), whole, recording.file);
  }
});
