/** Ten thousand readers who ask, and then neither read on nor leave. */
import { assert, assertEquals } from "@std/assert";
import { answerOf, COST_COMMENT, relayed, textOf } from "../functions/chat_proxy/relay_harness.ts";

const STREAMS = 10_000;
/** An isolate has 256 MB: so many may be held open without touching anybody's answer. */
const BYTES_A_STREAM_MAX = 25_000;

const encoder = new TextEncoder();
const answer = answerOf(["Hello", " world"]);
const [first] = answer.split("\n\n");

/** A provider that has begun to answer, and says no more until it is told to. */
function idle() {
  let send: ReadableStreamDefaultController<Uint8Array>;
  const upstream = new ReadableStream<Uint8Array>({
    start(controller) {
      send = controller;
      controller.enqueue(encoder.encode(`${first}\n\n`));
    },
  });
  return {
    upstream,
    finish() {
      send.enqueue(encoder.encode(answer.slice(first!.length + 2)));
      send.close();
    },
  };
}

const heapBytes = () => {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().heapUsed;
};

Deno.test("with 10,000 idle streams open another is answered, memory is bounded, and all end charged", async () => {
  const before = heapBytes();
  const open = [];
  for (let i = 0; i < STREAMS; i++) {
    const { upstream, finish } = idle();
    const relay = relayed(upstream);
    const reader = relay.body.getReader();
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), `${first}\n\n`);
    open.push({ relay, reader, finish });
  }
  const each = (heapBytes() - before) / STREAMS;
  assert(each < BYTES_A_STREAM_MAX, `${Math.round(each)} bytes a stream`);

  const another = relayed([encoder.encode(answer)]);
  const text = await textOf(another.body);
  assertEquals(text.replace(COST_COMMENT, ""), answer);
  assertEquals(another.settled.map(({ end }) => end), ["complete"]);

  const ends = await Promise.all(open.map(async ({ relay, reader, finish }, at) => {
    // Every second one leaves, the others read on.
    if (at % 2 === 0) await reader.cancel();
    else {
      finish();
      while (!(await reader.read()).done);
    }
    await relay.done;
    assertEquals(relay.settled.length, 1);
    return relay.settled[0]!.end;
  }));
  assertEquals(ends.filter((end) => end === "complete").length, STREAMS / 2);
  assertEquals(ends.filter((end) => end === "cancelled").length, STREAMS / 2);
});

Deno.test("a reader who does not read holds the provider back: what waits for them does not grow", async () => {
  let sent = 0;
  const event = encoder.encode(`${first}\n\n`);
  const upstream = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += event.length;
      controller.enqueue(event);
    },
  }, { highWaterMark: 0 });
  const relay = relayed(upstream);
  const reader = relay.body.getReader();
  await reader.read();
  // As many turns as it takes to send a thousand times what may wait.
  for (let turn = 0; turn < 2_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert(sent < 500 * event.length, `${sent} bytes were taken from the provider unread`);
  await reader.cancel();
  await relay.done;
  assertEquals(relay.settled.length, 1);
});
