import { assertEquals } from "@std/assert";
import { drainBody, readBody, readJson } from "../../shared/edge/read_body.ts";
import { refusalOf } from "./outcomes.ts";

/** A body in chunks, and how many of them were asked for. */
function chunked(chunks: number, chunkBytes: number) {
  const state = { sent: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (state.sent === chunks) return controller.close();
      state.sent++;
      controller.enqueue(new Uint8Array(chunkBytes).fill(97));
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { state, request: new Request("http://edge.test", { method: "POST", body }) };
}

Deno.test("a body of exactly the limit is read, split characters included", async () => {
  const bytes = new TextEncoder().encode("grüß dich 👋");
  const body = ReadableStream.from([...bytes].map((byte) => Uint8Array.of(byte)));
  const request = new Request("http://edge.test", { method: "POST", body });
  assertEquals(await readBody(request, bytes.length), "grüß dich 👋");
});

Deno.test("a body over the limit is read to its end and then refused", async () => {
  const { state, request } = chunked(3, 10);
  assertEquals(refusalOf(await readBody(request, 15)).code, "REQUEST_TOO_LARGE");
  assertEquals(state, { sent: 3, cancelled: false });
});

Deno.test("a body without end is given up at four times the limit", async () => {
  const { state, request } = chunked(1_000_000, 10);
  assertEquals(refusalOf(await readBody(request, 15)).code, "REQUEST_TOO_LARGE");
  assertEquals(state, { sent: 7, cancelled: true });
});

Deno.test("a client that breaks off is refused, not a crash", async () => {
  const body = new ReadableStream({ start: (controller) => controller.error(new Error("reset")) });
  const request = new Request("http://edge.test", { method: "POST", body });
  assertEquals(refusalOf(await readBody(request, 15)).code, "INVALID_REQUEST");
});

Deno.test("a body that is not UTF-8 is refused, and never repaired in silence", async () => {
  const body = new Uint8Array([0x22, 0xff, 0x22]);
  const request = new Request("http://edge.test", { method: "POST", body });
  assertEquals(refusalOf(await readBody(request, 15)).code, "INVALID_JSON");
});

Deno.test("JSON is parsed, and anything else is INVALID_JSON", async () => {
  const post = (body?: string) =>
    readJson(new Request("http://edge.test", { method: "POST", body: body ?? null }), 100);
  assertEquals(await post('{"a":1}'), { json: { a: 1 } });
  for (const body of ["", "{", "not json", undefined]) {
    assertEquals(refusalOf(await post(body)).code, "INVALID_JSON");
  }
});

Deno.test("a body that nobody read is read to its end, or to the bound, and then let go", async () => {
  const whole = chunked(3, 10);
  await drainBody(whole.request, 100);
  assertEquals(whole.state, { sent: 3, cancelled: false });
  const endless = chunked(1_000_000, 10);
  await drainBody(endless.request, 100);
  assertEquals(endless.state, { sent: 11, cancelled: true });
  await drainBody(new Request("http://edge.test"), 100);
});
