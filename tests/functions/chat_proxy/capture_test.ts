import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createCapture, KEPT_BYTES_MAX } from "../../../supabase/functions/chat-proxy/capture.ts";
import { cutAt, encode } from "../../llm/chunks.ts";
import { answerOf, breakingAfter, chunkEvent, relayed, textOf } from "./relay_harness.ts";

const WORDS = ["Hel", "lo", " wörld", " 你好", "!"];
const ANSWER = answerOf(WORDS);
const decode = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

Deno.test("what is captured is what the client got, the cost comment among it, at any chunking", async () => {
  await fc.assert(fc.asyncProperty(
    fc.boolean(),
    fc.array(fc.nat(encode(ANSWER).length), { maxLength: 40 }),
    async (withholdUsage, offsets) => {
      const capture = createCapture("openai-chat");
      const answer = relayed(cutAt(encode(ANSWER), offsets), { capture, withholdUsage });
      const received = await textOf(answer.body);
      const { end } = await answer.written;
      const { answer: text, response } = capture.end();
      assertEquals([end, text, decode(response)], ["complete", WORDS.join(""), received]);
    },
  ));
});

Deno.test("keep-alive comments are not captured: the next reader waits for nothing", async () => {
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const upstream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await told;
      controller.enqueue(encode(ANSWER));
      controller.close();
    },
  }, { highWaterMark: 0 });
  const capture = createCapture("openai-chat");
  const answer = relayed(upstream, { capture, heartbeatMs: 1 });
  const reader = answer.body.getReader();
  let received = decode((await reader.read()).value!)!;
  assertEquals(received, ": keep-alive\n\n");
  goOn();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    received += decode(next.value);
  }
  assert(received.includes("[DONE]"));
  await answer.written;
  assertEquals(decode(capture.end().response), received.replaceAll(": keep-alive\n\n", ""));
});

Deno.test("of an answer that is read on without its client the copy is whole, down to its last event", async () => {
  const capture = createCapture("openai-chat");
  const chunks = [encode(ANSWER.slice(0, 400)), encode(ANSWER.slice(400))];
  const answer = relayed(chunks, { capture, abortPolicy: "drain" });
  const reader = answer.body.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals((await answer.written).end, "complete");
  const { answer: text, response } = capture.end();
  assertEquals(text, WORDS.join(""));
  assert(decode(response)!.endsWith("data: [DONE]\n\n"));
});

Deno.test("an answer that breaks off, or whose client leaves, is told as such after its last byte", async () => {
  const capture = createCapture("openai-chat");
  const broken = relayed(breakingAfter([encode(chunkEvent({ choices: [] }))]), { capture });
  await textOf(broken.body);
  assertEquals((await broken.written).end, "upstream_error");

  const left = relayed([encode(ANSWER.slice(0, 400)), encode(ANSWER.slice(400))], { capture });
  const reader = left.body.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals((await left.written).end, "cancelled");
});

Deno.test("bytes above 4 MiB are left out, and the text is read all the same; exactly 4 MiB are kept", () => {
  const event = encode(
    `data: ${
      JSON.stringify({ pad: "x".repeat(1000), choices: [{ delta: { content: "ab" } }] })
    }\n\n`,
  );
  const fitting = Math.floor(KEPT_BYTES_MAX / event.length);
  for (const count of [fitting, fitting + 1, fitting + 2000]) {
    const capture = createCapture("openai-chat");
    for (let i = 0; i < count; i++) capture.add(event);
    if (count === fitting) capture.add(new Uint8Array(KEPT_BYTES_MAX - fitting * event.length));
    const { answer, response } = capture.end();
    assertEquals(response?.length ?? null, count === fitting ? KEPT_BYTES_MAX : null);
    assertEquals(answer.length, 2 * count);
  }
});

Deno.test("a buffer that its owner uses again changes nothing of the copy", () => {
  const capture = createCapture("openai-chat");
  const buffer = encode("data: 1\n\n");
  capture.add(buffer);
  buffer.fill(0);
  assertEquals(decode(capture.end().response), "data: 1\n\n");
});
