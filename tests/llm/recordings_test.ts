import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import type { EventKind, MeterSnapshot } from "../../shared/llm/meter.ts";
import type { SplitEvent } from "../../shared/llm/sse_events.ts";
import { chunksOf, cutAt, encode } from "./chunks.ts";
import { splitChunks } from "./metered_text.ts";
import {
  countingRules,
  dialectOf,
  listRecordings,
  meterRecording,
  networkChunks,
  readRecording,
  type Recording,
  testRecordings,
} from "./recordings.ts";

const RANDOM_CHUNKINGS = 200;
const METERED_EVERY = 8;

const spoken = (listRecordings() ?? []).filter((one) => dialectOf(one) !== undefined);
const recordings = spoken.filter(({ grade }) => "ABC".includes(grade));
/** Answers whose counts the numbers settle. */
const settled = recordings.filter((one) => one.tokens !== undefined && !one.flags?.length);
const streams = spoken.filter((one) => one.streaming);

/** What a stream comes to: the events that the meter is given, and what it makes of them. */
interface Run {
  readonly events: readonly SplitEvent[];
  readonly kinds: readonly EventKind[];
  readonly snapshot: MeterSnapshot;
}

function meterStream(recording: Recording, chunks: Iterable<Uint8Array>): Run {
  const meter = dialectOf(recording)!.createMeter(countingRules(recording));
  const events = splitChunks(chunks);
  const kinds = events.map((event) => meter.fold(event));
  return { events, kinds, snapshot: meter.snapshot() };
}

/** What the index says: its names for the classes of another model are a little different. */
function expected({ tokens, other_models = {} }: Recording) {
  const others = Object.entries(other_models).map(([model, counts]) => {
    const { uncached_input, ...rest } = counts;
    return [
      model,
      sorted(uncached_input === undefined ? rest : { ...rest, input: uncached_input }),
    ];
  });
  return { tokens: sorted(tokens ?? null), others };
}

function counted({ usage, otherModels }: MeterSnapshot) {
  const others = otherModels.map(({ model, tokens }) => [model, sorted(tokens)]);
  return { tokens: sorted(usage), others };
}

const sorted = (counts: object | null) =>
  counts === null ? null : Object.entries(counts).toSorted(([a], [b]) => a < b ? -1 : 1);

testRecordings(
  "lesson 21: every recorded answer whose counts are settled is metered to exactly those counts",
  () => {
    const rows = new Map<string, { exact: number; of: number; open: number; none: number }>();
    const wrong: unknown[] = [];
    for (const recording of recordings) {
      const name = `${recording.dialect} ${recording.provider}`;
      const row = rows.get(name) ?? { exact: 0, of: 0, open: 0, none: 0 };
      rows.set(name, row);
      if (recording.tokens === undefined) row.none++;
      else if (recording.flags?.length) row.open++;
      else {
        row.of++;
        const snapshot = meterRecording(recording);
        const [found, wanted] = [counted(snapshot), expected(recording)];
        if (JSON.stringify(found) === JSON.stringify(wanted)) row.exact++;
        else wrong.push({ file: recording.file, found, wanted, flags: snapshot.flags });
      }
    }
    console.table(Object.fromEntries([...rows].toSorted(([a], [b]) => a < b ? -1 : 1)));
    console.log(`${settled.length} settled answers, ${wrong.length} wrong`);
    assertEquals(wrong, []);
  },
);

testRecordings("a recorded answer without usage has none: never zeros", () => {
  for (const recording of recordings.filter((one) => one.tokens === undefined)) {
    assertEquals(meterRecording(recording).usage, null, recording.file);
  }
});

testRecordings(
  "lesson 17: a recorded error is seen as one, and none of its text is counted",
  () => {
    for (const recording of spoken.filter((one) => one.status >= 400)) {
      const { usage, hasContent, outputTokensEstimate, error } = meterRecording(recording);
      assertEquals(
        [usage, hasContent, outputTokensEstimate, error !== null],
        [null, false, 0, true],
        recording.file,
      );
    }
  },
);

testRecordings(
  "no recorded answer of any grade makes a meter fail, nor count less than zero",
  () => {
    for (const recording of spoken) {
      const { usage, media, flags } = meterRecording(recording);
      assertEquals(flags.includes("meter_fault"), false, recording.file);
      for (const count of Object.values({ ...usage, ...media })) {
        assertEquals(Number.isSafeInteger(count) && count >= 0, true, recording.file);
      }
    }
  },
);

/**
 * Checks that a chunking gives the meter the very events that the whole stream gives it, of the very
 * bytes. All that a meter is given are events, in order: so what it makes of them is the same.
 */
function assertSameEvents(found: readonly SplitEvent[], run: Run, bytes: Uint8Array, file: string) {
  assertEquals(found.length, run.events.length, file);
  let offset = 0;
  for (const [index, event] of found.entries()) {
    const wanted = run.events[index]!;
    const isSame = event.data === wanted.data && event.event === wanted.event &&
      event.comment === wanted.comment && event.complete === wanted.complete &&
      event.oversized === wanted.oversized && isAt(event.bytes, bytes, offset);
    if (!isSame) assertEquals(event, wanted, `${file}, event ${index}`);
    offset += event.bytes.length;
  }
  assertEquals(offset, bytes.length, file);
}

function isAt(part: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  return Buffer.compare(part, bytes.subarray(offset, offset + part.length)) === 0;
}

testRecordings(
  "a recorded stream is metered the same whole, by the byte, and as the network cut it",
  () => {
    for (const recording of streams) {
      const bytes = readRecording(recording);
      const whole = meterStream(recording, [bytes]);
      const byByte = meterStream(recording, chunksOf(bytes, 1));
      assertSameEvents(byByte.events, whole, bytes, recording.file);
      assertEquals([byByte.snapshot, byByte.kinds], [whole.snapshot, whole.kinds], recording.file);
      const sizes = networkChunks(recording);
      if (sizes === null) continue;
      let offset = 0;
      const asSent = meterStream(recording, cutAt(bytes, sizes.map((size) => offset += size)));
      assertSameEvents(asSent.events, whole, bytes, recording.file);
      assertEquals(asSent.snapshot, whole.snapshot, recording.file);
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
          const chunks = cutAt(bytes, cuts);
          assertSameEvents(splitChunks(chunks), whole, bytes, recording.file);
          // The same events are metered to the same: shown for some, for it takes most of the time.
          if (cuts.length % METERED_EVERY !== 0) return;
          assertEquals(meterStream(recording, chunks).snapshot, whole.snapshot, recording.file);
        }),
        { numRuns: RANDOM_CHUNKINGS },
      );
    }
  },
);

testRecordings("a recorded stream is metered the same with LF and with CRLF", () => {
  for (const recording of streams) {
    const text = new TextDecoder().decode(readRecording(recording)).replaceAll("\r\n", "\n");
    const { snapshot } = meterStream(recording, [encode(text)]);
    if (settled.includes(recording)) assertEquals(counted(snapshot), expected(recording));
    const crlf = encode(text.replaceAll("\n", "\r\n"));
    assertEquals(meterStream(recording, [crlf]).snapshot, snapshot, recording.file);
    assertEquals(meterStream(recording, chunksOf(crlf, 1)).snapshot, snapshot, recording.file);
  }
});
