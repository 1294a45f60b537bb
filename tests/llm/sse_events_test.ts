import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createEventSplitter, type SplitEvent } from "../../shared/llm/sse_events.ts";
import { chunksOf, concat, cutAt, encode } from "./chunks.ts";

function split(chunks: Iterable<Uint8Array>, maxEventBytes?: number): SplitEvent[] {
  const splitter = createEventSplitter(maxEventBytes === undefined ? {} : { maxEventBytes });
  const events = [...chunks].flatMap((chunk) => splitter.push(chunk));
  const rest = splitter.flush();
  return rest === null ? events : [...events, rest];
}

const text = (event: SplitEvent) => new TextDecoder().decode(event.bytes);
const reading = ({ event, data, comment, complete }: SplitEvent) => ({
  event,
  data,
  comment,
  complete,
});

/** Pieces that meet in every way that matters: terminators, fields, a BOM, half a character. */
const pieces = fc.constantFrom(
  ...[
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\r\n\r\n",
    "\r\r",
    "data: a",
    "data:b",
    "data",
    "event: e",
    ": c",
  ],
  ...["id: 1", "retry: 5", "x", "é", "字", "\uFEFF", ":", " "],
).map((piece) => encode(piece));
const streams = fc.array(fc.oneof(pieces, fc.uint8Array({ maxLength: 4 })), {
  maxLength: 40,
  size: "max",
})
  .map(concat);
const cuts = fc.array(fc.nat(200), { maxLength: 12, size: "max" });

Deno.test("the bytes of all events are the bytes of the stream, whatever it is and however it is cut", () => {
  fc.assert(
    fc.property(streams, cuts, fc.nat(20), (stream, cuts, maxEventBytes) => {
      for (const chunks of [[stream], cutAt(stream, cuts), chunksOf(stream, 1)]) {
        assertEquals(concat(split(chunks).map((event) => event.bytes)), stream);
        assertEquals(concat(split(chunks, maxEventBytes).map((event) => event.bytes)), stream);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("events do not depend on where the stream was cut", () => {
  fc.assert(
    fc.property(streams, cuts, (stream, cuts) => {
      const whole = split([stream]);
      assertEquals(split(cutAt(stream, cuts)), whole);
      assertEquals(split(chunksOf(stream, 1)), whole);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("an event ends at LF LF, CRLF CRLF, CR CR and at any mixture", () => {
  for (const blank of ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n", "\r\n\n", "\n\r"]) {
    const stream = `data: 1${blank}data: 2${blank}`;
    const events = split([encode(stream)]);
    assertEquals(events.map(text), [`data: 1${blank}`, `data: 2${blank}`], JSON.stringify(blank));
    assertEquals(events.map((event) => [event.data, event.complete]), [["1", true], ["2", true]]);
  }
});

Deno.test("an event of bare CRs is handed out at once, without waiting for the next byte", () => {
  const events = createEventSplitter().push(encode("data: [DONE]\r\r"));
  assertEquals(events.map((event) => event.data), ["[DONE]"]);
});

Deno.test("a CRLF that is cut in two stays with its event", () => {
  const splitter = createEventSplitter();
  assertEquals(splitter.push(encode("data: 1\r\n\r")), []);
  assertEquals(splitter.push(encode("\ndata: 2")).map(text), ["data: 1\r\n\r\n"]);
});

Deno.test("a BOM at the start is relayed and does not hide the first field", () => {
  for (const chunks of [[encode("\uFEFFdata: 1\n\n")], chunksOf(encode("\uFEFFdata: 1\n\n"), 1)]) {
    const [event] = split(chunks);
    assertEquals(event?.data, "1");
    assertEquals(event?.bytes.slice(0, 3), new Uint8Array([0xef, 0xbb, 0xbf]));
  }
});

Deno.test("multi-line data, data without a space, an event name and comments are read", () => {
  const stream = ": ping\nevent: delta\ndata:{\ndata: }\nid: 7\nretry: 10\nother: x\n\n";
  assertEquals(split([encode(stream)]).map(reading), [
    { event: "delta", data: "{\n}", comment: "ping", complete: true },
  ]);
});

Deno.test("a comment of its own and a lone blank line are events without data", () => {
  assertEquals(split([encode(": keep-alive\n\n\ndata: 1\n\n")]).map(reading), [
    { event: null, data: null, comment: "keep-alive", complete: true },
    { event: null, data: null, comment: null, complete: true },
    { event: null, data: "1", comment: null, complete: true },
  ]);
});

Deno.test("an event that no blank line ends is read at the flush and marked incomplete", () => {
  for (const rest of ["data: 2", "data: 2\n", "data: 2\r", "data: 2\r\n"]) {
    const events = split([encode(`data: 1\n\n${rest}`)]);
    assertEquals(events.map((event) => [text(event), event.data, event.complete]), [
      ["data: 1\n\n", "1", true],
      [rest, "2", false],
    ]);
  }
});

Deno.test("invalid UTF-8 is relayed as it came", () => {
  const stream = concat([
    encode("data: "),
    new Uint8Array([0xff, 0xc3]),
    encode("\n\ndata: 2\n\n"),
  ]);
  const events = split([stream]);
  assertEquals(concat(events.map((event) => event.bytes)), stream);
  assertEquals(events[1]?.data, "2");
});

Deno.test("an event over the cap is passed on in parts, unread, and the next event is read again", () => {
  const long = `data: ${"x".repeat(5000)}\n\n`;
  const stream = encode(`data: 1\n\n${long}data: 2\n\n`);
  for (const chunks of [[stream], chunksOf(stream, 100), chunksOf(stream, 1)]) {
    const events = split(chunks, 1000);
    assertEquals(concat(events.map((event) => event.bytes)), stream);
    const parts = events.filter((event) => event.oversized);
    assertEquals(concat(parts.map((event) => event.bytes)), encode(long));
    assert(parts.every((event) => event.data === null));
    assertEquals(parts.map((event) => event.complete).lastIndexOf(false), parts.length - 2);
    assertEquals(events.filter((event) => !event.oversized).map((event) => event.data), ["1", "2"]);
  }
});

Deno.test("lesson 31: no more than the cap and one chunk is held back of an event that never ends", () => {
  const splitter = createEventSplitter({ maxEventBytes: 1000 });
  const chunk = encode("x".repeat(100));
  let handedOut = 0;
  for (let sent = 100; sent <= 100_000; sent += 100) {
    for (const event of splitter.push(chunk)) handedOut += event.bytes.length;
    assert(sent - handedOut <= 1100, `${sent - handedOut} bytes held back`);
  }
});

Deno.test("an event within one chunk is handed out as a view of it, not copied", () => {
  const chunk = encode("data: 1\n\ndata: 2\n\n");
  for (const event of createEventSplitter().push(chunk)) {
    assert(event.bytes.buffer === chunk.buffer);
  }
});

Deno.test("a megabyte event is split in linear time, also a byte at a time", () => {
  const stream = encode(`data: ${"x".repeat(1_000_000)}\n\n`);
  const started = performance.now();
  assertEquals(split(chunksOf(stream, 1)).map((event) => event.data?.length), [1_000_000]);
  // It takes about 0.3 s; a quadratic one would take minutes.
  assert(performance.now() - started < 10_000);
});
