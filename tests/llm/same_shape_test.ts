/** An event that is like those before it is taken exactly as if it had been read in full. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { COUNTING_OF_DIALECT, type CountingRules } from "../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../shared/llm/dialect.ts";
import { parseJson } from "../../shared/llm/json_reading.ts";
import { createSameShape } from "../../shared/llm/same_shape.ts";
import { createEventSplitter, type SplitEvent } from "../../shared/llm/sse_events.ts";
import { testDialects } from "./checked_meter.ts";
import { cutAt, encode } from "./chunks.ts";
import type { MadeStream } from "./made_streams.ts";
import {
  countingRules,
  dialectOf,
  listRecordings,
  readRecording,
  testRecordings,
} from "./recordings.ts";

/** Meters a stream both ways, and compares all that a meter tells, after every event. */
function meterBothWays(
  dialect: Dialect,
  chunks: Iterable<Uint8Array>,
  rules: CountingRules = COUNTING_OF_DIALECT[dialect.name],
): void {
  const [fast, full] = [dialect.createMeter(rules), dialect.createMeter(rules)];
  for (const event of eventsOf(chunks)) {
    const kind = fast.fold(event);
    assertEquals(kind, full.fold(readInFull(event)));
    assertEquals(fast.snapshot(), full.snapshot());
    assertEquals(fast.outputTokensEstimate(), full.snapshot().outputTokensEstimate);
    assertEquals(fast.outputTokensUpper(), full.snapshot().outputTokensUpper);
  }
  assertEquals(fast.earlyEnd(), full.earlyEnd());
}

/** No event that is said not to stand alone is taken for like the one before. */
function readInFull({ bytes, complete, oversized, event, data, comment }: SplitEvent): SplitEvent {
  return { bytes, complete, oversized, event, data, comment, isAlone: false };
}

function eventsOf(chunks: Iterable<Uint8Array>): SplitEvent[] {
  const splitter = createEventSplitter();
  const events = [...chunks].flatMap((chunk) => splitter.push(chunk));
  const rest = splitter.flush();
  return rest === null ? events : [...events, rest];
}

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom(
    "",
    "the",
    'a "word"',
    "\\",
    "\n",
    "\u2028",
    "gap 0 of this shape",
    "\uFEFF",
    "é",
  ),
);

/** How a provider may write an event otherwise: what differs from one to the next beside the text. */
const changes = fc.constantFrom<((event: string, index: number) => string)[]>(
  (event) => event,
  (event, i) => event.replace("{", `{"obfuscation":"${"x".repeat(i % 5)}",`),
  (event, i) => event.replace("{", `{"sequence_number":${i * 97},`),
  (event, i) => event.replace("{", `{"n":${i - 3},"m":${i}.5,"k":${i}e2,"z":0${i},`),
  (event, i) => event.replace("{", `{"n":${i - 3},"m":${i}.5,"k":${i}e2,`),
  (event, i) => event.replace("{", `{"key ${i}":${i},`),
  (event, i) => event.replace("{", `{"__proto__":"${i}","__proto__":{"a":"${i}"},`),
  // A second field of a name overrules the first, before it and after it.
  (event, i) => event.replace("{", `{"delta":"${i}","choices":"${i}","candidates":"${i}",`),
  (event, i) => event.replace(/\}(?=\r?\n)/, `,"delta":"${i}","choices":"${i}","candidates":[]}`),
  (event) => event.replaceAll("q", "\\u0071"),
  (event) => event.replaceAll("\n", "\r\n"),
  (event, i) => i % 5 === 3 ? event.replaceAll("\n", "\r") : event,
  (event, i) => i % 3 === 1 ? event.replace("data: {", "data: {\ndata:") : event,
  (event, i) => `id: ${i}\n${event}`,
  (event, i) => i % 4 === 2 ? `: comment\n${event}` : event,
  (event) => `\uFEFF${event}`,
  (event) => event.replace("data: ", "data:"),
  (event, i) => event.replace(/\}(?=\r?\n)/, `${" ".repeat(i % 3)}}`),
);

function streamOf(
  made: MadeStream,
  texts: readonly string[],
  change: (event: string, index: number) => string,
): string {
  const contents = texts.map((text, i) => change(made.content(text), i));
  return [...made.opening, ...contents, made.report(made.usage), ...made.closing].join("");
}

const streams = fc.record({ texts: fc.array(texts, { maxLength: 12 }), change: changes });

testDialects("like events are metered as if read in full, in any texts", (dialect, made) => {
  fc.assert(
    fc.property(streams, fc.array(fc.nat(4000), { maxLength: 6 }), ({ texts, change }, cuts) => {
      meterBothWays(dialect, cutAt(encode(streamOf(made, texts, change)), cuts));
    }),
    { numRuns: 300 },
  );
});

testDialects("so are like events with any of their bytes changed", (dialect, made) => {
  const bytes = encode(streamOf(made, ["The", " quick", " brown", " fox", " é", "."], (e) => e));
  const edits = fc.record({
    at: fc.nat(bytes.length - 1),
    to: fc.oneof(fc.nat(255), fc.constantFrom(...encode('"\\{}[]:,\n\r0 9-.eu'))),
  });
  fc.assert(
    fc.property(fc.array(edits, { minLength: 1, maxLength: 4 }), (edits) => {
      const edited = bytes.slice();
      for (const { at, to } of edits) edited[at] = to;
      meterBothWays(dialect, [edited]);
    }),
    { numRuns: 500 },
  );
});

testDialects("a word more is not read in full, though other fields change too", (_, made) => {
  const words = Array.from({ length: 20 }, (_, i) => ` word${"s".repeat(i % 3)}`);
  const stream = streamOf(made, words, (event, i) => event.replace("{", `{"n":${i},"o":"${i}",`));
  const shape = createSameShape();
  const known = eventsOf([encode(`: first\n\n${stream}`)]).filter((event) => {
    if (shape.match(event) !== null) return true;
    if (event.bytes.length < 1000 && event.data?.includes("word")) shape.learn(event);
    return false;
  });
  assertEquals(known.length, words.length - 2);
});

Deno.test("an event that is matched has the object, the name and the length that it would be read to", () => {
  const values = fc.oneof(texts, fc.nat(), fc.double(), fc.constantFrom(0, -1, 1e21, null, true));
  const objects = fc.dictionary(
    fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("a", "b", "__proto__")),
    fc.oneof(
      values,
      fc.array(values, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("c", "d"), values),
    ),
    { minKeys: 1, maxKeys: 5 },
  );
  const listOf = (one: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>) =>
    fc.array(fc.tuple(one, other), { maxLength: 8 });
  const lists = fc.oneof(listOf(texts, fc.nat()), listOf(fc.nat(), texts), listOf(values, values));
  let matched = 0;
  fc.assert(
    fc.property(objects, lists, (object, pairs) => {
      const shape = createSameShape();
      const stream = pairs.map(([a, b]) => {
        const data = JSON.stringify({ ...object, a, in: [{ b }, 7, { ...object, b: "same" }] });
        return `event: e\ndata: ${data}\n\n`;
      });
      for (const event of eventsOf([encode(": first\n\n" + stream.join(""))])) {
        const found = shape.match(event);
        if (found === null) {
          if (event.data !== null) shape.learn(event);
          continue;
        }
        matched++;
        assertEquals(found.data, parseJson(event.data!));
        assertEquals([found.event, found.dataLength], [event.event, event.data!.length]);
      }
    }),
    { numRuns: 1000 },
  );
  assert(matched > 300, `${matched} were matched`);
});

testRecordings("every recorded stream is metered as if each event were read in full", () => {
  for (const recording of listRecordings() ?? []) {
    const dialect = dialectOf(recording);
    if (dialect === undefined || !recording.streaming) continue;
    meterBothWays(dialect, [readRecording(recording)], countingRules(recording));
  }
});

/** What is matched of the last of these, once the others were learned. */
function matchAfter(learned: readonly string[], last: string) {
  const shape = createSameShape();
  const events = eventsOf([encode([": first\n\n", ...learned, last].join(""))]);
  events.slice(1, -1).forEach(shape.learn);
  return shape.match(events.at(-1)!)?.data ?? null;
}

const data = (json: string) => `data: ${json}\n\n`;

Deno.test("what may not stand for a number or a text, or is a key, is not matched", () => {
  const texts = [data('{"n":1,"t":"a"}'), data('{"n":2,"t":"b"}')];
  assertEquals(matchAfter(texts, data('{"n":30,"t":"c\\u00e9"}')), { n: 30, t: "cé" });
  for (const json of ['{"n":03,"t":"c"}', '{"n":-3,"t":"c"}', '{"n":3.5,"t":"c"}']) {
    assertEquals(matchAfter(texts, data(json)), null, json);
  }
  for (const json of ['{"n":,"t":"c"}', '{"n":3,"t":"\\x"}', '{"n":3,"t":"\t"}', '{"n":3,"t":7}']) {
    assertEquals(matchAfter(texts, data(json)), null, json);
  }
  assertEquals(matchAfter(texts, data('{"n":1234567890123456,"t":"c"}')), null);
  const afterCr = [...texts, 'data: {"n":3,"t":"c"}\r\r'];
  assertEquals(matchAfter(afterCr, data('{"n":4,"t":"d"}')), null, "an LF could have followed");
  const keys = [data('{"a":1}'), data('{"b":1}')];
  assertEquals(matchAfter(keys, data('{"c":1}')), null);
  const protos = [data('{"__proto__":"a"}'), data('{"__proto__":"b"}')];
  assertEquals(matchAfter(protos, data('{"__proto__":"c"}')), null);
  const overruled = [data('{"t":"a","t":1}'), data('{"t":"b","t":1}')];
  assertEquals(matchAfter(overruled, data('{"t":"c","t":1}')), null);
});

Deno.test("what was given for one event does not change with the next", () => {
  const event = (text: string) => data(`{"in":[{"t":"${text}"}]}`);
  const shape = createSameShape();
  const events = eventsOf([
    encode([": first\n\n", ..."abcd"].map((t, i) => i ? event(t) : t).join("")),
  ]);
  events.slice(1, 3).forEach(shape.learn);
  const [third, fourth] = events.slice(3).map((event) => shape.match(event)?.data);
  assertEquals([third, fourth], [{ in: [{ t: "c" }] }, { in: [{ t: "d" }] }]);
});

Deno.test("nothing that an event says passes for one of its gaps: a text or a number that stands where a mark would", () => {
  const forged = (key: string) => `{"args":{"${key}":"gap 0 of this shape"}}`;
  assertEquals(matchAfter([data(forged("a")), data(forged("b"))], data(forged("c"))), null);
  const overruled = (text: string) => `{"t":"gap 0 of this shape","x":"${text}","x":1}`;
  assertEquals(
    matchAfter([data(overruled("a")), data(overruled("b"))], data(overruled("c"))),
    null,
  );
  const negative = (n: number) => `{"a":-${n},"count":900000000000000}`;
  assertEquals(matchAfter([data(negative(1)), data(negative(2))], data(negative(3))), null);
  // A small fraction after a large number is rounded away.
  const whole = (n: number) => `{"n":${n}.001}`;
  assertEquals(matchAfter([data(whole(1)), data(whole(2))], data(whole(3))), null);
  const power = (n: number) => `{"n":${n}e0}`;
  assertEquals(matchAfter([data(power(1)), data(power(2))], data(power(3))), null);
  const rest = (n: number) => `{"a":1.${n},"count":900000000000000}`;
  assertEquals(matchAfter([data(rest(1)), data(rest(2))], data(rest(3))), null);
});

Deno.test("an event with more that changes than is worth finding is read in full", () => {
  const numbers = (first: number, count: number) =>
    data(
      JSON.stringify(Array.from({ length: count }, (_, i) => first + i)).replace("[", '{"n":[') +
        "}",
    );
  const matched = (count: number) =>
    matchAfter([numbers(1000, count), numbers(3000, count)], numbers(5000, count)) !== null;
  assertEquals([matched(100), matched(600)], [true, false]);
});
