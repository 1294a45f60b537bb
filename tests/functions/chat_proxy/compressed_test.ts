import { assertEquals, assertRejects } from "@std/assert";
import { withoutGzip } from "../../../supabase/functions/chat-proxy/compressed.ts";
import { chunksOf, encode } from "../../llm/chunks.ts";

const TEXT = "data: {}\n\n".repeat(500);

async function gzip(text: string): Promise<Uint8Array> {
  const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

function answer(chunks: readonly Uint8Array[], encoding: string | null): Response {
  const body = ReadableStream.from(chunks);
  return new Response(body, { headers: encoding === null ? {} : { "content-encoding": encoding } });
}

async function read(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await new Response(withoutGzip(response)).arrayBuffer());
}

Deno.test("gzip that the headers tell of is taken off, byte by byte and at once", async () => {
  const zipped = await gzip(TEXT);
  for (const encoding of ["gzip", "x-gzip", " GZIP"]) {
    for (const size of [1, 7, zipped.length]) {
      assertEquals(await read(answer(chunksOf(zipped, size), encoding)), encode(TEXT));
    }
  }
});

Deno.test("what the headers call gzip and is none is left as it is, as is gzip that nobody told of", async () => {
  const zipped = await gzip(TEXT);
  for (const bytes of [encode(TEXT), encode("x"), Uint8Array.of(0x1f), Uint8Array.of(0x1f, 0)]) {
    assertEquals(await read(answer(chunksOf(bytes, 1), "gzip")), bytes);
  }
  assertEquals(await read(answer([], "gzip")), new Uint8Array(0));
  for (const encoding of [null, "identity", "br"]) {
    assertEquals(await read(answer([zipped], encoding)), zipped);
  }
  assertEquals(withoutGzip(new Response(null, { headers: { "content-encoding": "gzip" } })), null);
});

Deno.test("gzip that breaks off is a body that breaks off", async () => {
  const zipped = await gzip(TEXT);
  await assertRejects(() => read(answer([zipped.slice(0, -9)], "gzip")));
});

Deno.test("who leaves while nothing comes leaves the provider too, before and after its first bytes", async () => {
  for (const first of [null, await gzip(TEXT)]) {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => first !== null ? controller.enqueue(first.slice(0, -9)) : undefined,
      cancel: () => leave(),
    });
    const response = new Response(source, { headers: { "content-encoding": "gzip" } });
    const reader = withoutGzip(response)!.getReader();
    if (first !== null) await reader.read();
    const waiting = reader.read();
    await reader.cancel();
    await left;
    await waiting;
  }
});
