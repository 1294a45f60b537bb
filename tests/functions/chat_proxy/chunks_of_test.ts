import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Chunks, chunksOf } from "../../../supabase/functions/chat-proxy/chunks_of.ts";
import { concat, encode } from "../../llm/chunks.ts";
import { answerOf, COST_COMMENT, relayed, textOf } from "./relay_harness.ts";

/** A stream of bytes, as the body of a `fetch` is, that gives these chunks. */
function bytesOf(chunks: readonly Uint8Array[], more: Partial<UnderlyingByteSource> = {}) {
  const left = chunks.map((chunk) => chunk.slice());
  const source: UnderlyingByteSource = {
    type: "bytes",
    pull(controller: ReadableByteStreamController) {
      const chunk = left.shift();
      if (chunk !== undefined) return controller.enqueue(chunk);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    ...more,
  };
  return new ReadableStream(source);
}

async function readAll(chunks: Chunks): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (let last = 0;;) {
    const { done, value } = await chunks.read(last);
    if (done) return all;
    last = value.length;
    all.push(value);
  }
}

Deno.test("chunks of any size come whole, and are not changed by those after them", async () => {
  const sent = [10, 3000, 500_000, 1, 70_000].map((size, n) =>
    new Uint8Array(size).map((_, i) => (i * 7 + n) % 251)
  );
  const got = await readAll(chunksOf(bytesOf(sent)));
  assertEquals(concat(got), concat(sent));
  assert(got.length < 60, "long ones are read in larger pieces");
  assertEquals(await readAll(chunksOf(ReadableStream.from(sent))), sent, "and of another stream");
});

Deno.test("a stream that fails rejects, and one that is left is told", async () => {
  const failing = bytesOf([], { pull: (c) => c.error(new Error("reset")) });
  await assertRejects(() => readAll(chunksOf(failing)), Error, "reset");
  let isLeft = false;
  const left = bytesOf([], { pull() {}, cancel: () => void (isLeft = true) });
  const chunks = chunksOf(left);
  const read = chunks.read(0);
  await chunks.cancel();
  assertEquals((await read).done, true);
  assert(isLeft);
});

Deno.test("an answer that comes as a stream of bytes is relayed unchanged", async () => {
  const answer = answerOf(Array.from({ length: 100 }, (_, i) => ` wörd ${i}`));
  const bytes = encode(answer);
  for (const size of [11, 1000, 2048, bytes.length]) {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size),
    );
    const { body, settled, done } = relayed(bytesOf(chunks));
    assertEquals((await textOf(body)).replace(COST_COMMENT, ""), answer);
    await done;
    assertEquals(settled.map(({ end, snapshot }) => [end, snapshot.usage?.output]), [
      ["complete", 100],
    ]);
  }
});
