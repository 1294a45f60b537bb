/** A body that trickles: whoever sends one byte a minute must not be waited for, nor cost memory. */
import { assert, assertEquals } from "@std/assert";
import { drainBody, readBody } from "../../shared/edge/read_body.ts";
import { refusalOf } from "../edge/outcomes.ts";

const NEVER = { silenceMsMax: 60_000, bodyMsMax: 60_000 };

/** A body that gives `chunks` and then neither more nor an end. */
function hanging(chunks: readonly string[] = []) {
  const left = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const state = { cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      return chunk === undefined ? new Promise(() => {}) : undefined;
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { state, request: new Request("http://edge.test", { method: "POST", body }) };
}

/** A body that sends a chunk whenever it is asked, for ever. */
function trickling(chunk: Uint8Array) {
  const state = { cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(chunk);
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { state, request: new Request("http://edge.test", { method: "POST", body }) };
}

Deno.test("a body that falls silent is refused with a sentence, and its rest is let go", async () => {
  const { state, request } = hanging(['{"model":']);
  const refusal = refusalOf(await readBody(request, 1_000, { ...NEVER, silenceMsMax: 20 }));
  assertEquals(refusal.code, "INVALID_REQUEST");
  assert(refusal.message.includes("did not come in time"));
  assertEquals(state, { cancelled: true });
});

Deno.test("a body that comes byte by byte without an end is refused when its time is up", async () => {
  const { state, request } = trickling(Uint8Array.of(32));
  const refusal = refusalOf(await readBody(request, 1_000_000, { ...NEVER, bodyMsMax: 50 }));
  assertEquals(refusal.code, "INVALID_REQUEST");
  assertEquals(state, { cancelled: true });
});

Deno.test("chunks without a byte do not count as coming", async () => {
  const { state, request } = trickling(new Uint8Array(0));
  refusalOf(await readBody(request, 1_000, { ...NEVER, silenceMsMax: 20 }));
  assertEquals(state, { cancelled: true });
});

Deno.test("a body that nobody read is not waited for any longer either", async () => {
  for (const { state, request } of [hanging(["x"]), trickling(Uint8Array.of(32))]) {
    await drainBody(request, 1_000_000, { silenceMsMax: 20, bodyMsMax: 50 });
    assertEquals(state, { cancelled: true });
  }
});

Deno.test("a body that comes in pieces, each in time, is read whole", async () => {
  const pieces = Array.from({ length: 20 }, (_, at) => String(at % 10));
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const piece = pieces.shift();
      if (piece === undefined) return controller.close();
      controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  const request = new Request("http://edge.test", { method: "POST", body });
  assertEquals(await readBody(request, 100), "01234567890123456789");
});
