import { assertEquals } from "@std/assert";
import { readFraming } from "../../../supabase/functions/chat-proxy/framing.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { encode } from "../../llm/chunks.ts";
import { ASKING, proxyOn, wholeAnswer } from "./handler_harness.ts";
import { answerOf } from "./relay_harness.ts";

const EVENTS = answerOf(["Hi"]);

async function framed(pieces: readonly string[], contentType: string) {
  const body = ReadableStream.from(pieces.map(encode));
  const { body: left, isStream } = await readFraming(body, contentType, 60_000);
  return { isStream, text: await new Response(left).text() };
}

Deno.test("a content type that says it decides, whatever the body", async () => {
  assertEquals(await framed(["{}"], "text/event-stream; charset=utf-8"), {
    isStream: true,
    text: "{}",
  });
  for (const type of ["application/json", "application/vnd.api+json; charset=utf-8"]) {
    assertEquals(await framed([EVENTS], type), { isStream: false, text: EVENTS });
  }
});

Deno.test("another content type leaves it to the first byte that is no blank, and no byte is lost", async () => {
  for (const type of ["text/plain", "application/octet-stream", ""]) {
    for (const pieces of [["{}"], ["", "\n ", "\r\n", "[", "]"], [" \t{", "}"]]) {
      assertEquals(await framed(pieces, type), { isStream: false, text: pieces.join("") });
    }
    for (const pieces of [[EVENTS], ["\n", ": hi\n\n", EVENTS], [], ["  "]]) {
      assertEquals(await framed(pieces, type), { isStream: true, text: pieces.join("") });
    }
  }
});

Deno.test("a provider that says nothing is left at the deadline", async () => {
  let isLeft = false;
  const silent = new ReadableStream<Uint8Array>({ cancel: () => void (isLeft = true) });
  const { body } = await readFraming(silent, "text/plain", 20);
  assertEquals([await new Response(body).text(), isLeft], ["", true]);
});

Deno.test("a whole answer to a streamed request is metered and charged, whatever it calls itself", async () => {
  for (const type of ["text/plain", "application/vnd.api+json", "application/octet-stream"]) {
    const { deps, steps } = proxyOn({
      provider: () => new Response(wholeAnswer().body, { headers: { "content-type": type } }),
    });
    const response = await createHandler(deps)(
      new Request("http://edge.test/chat-proxy/v1/chat/completions", {
        method: "POST",
        headers: AS_USER,
        body: JSON.stringify({ ...ASKING, stream: true }),
      }),
    );
    assertEquals((await response.json()).usage.total_tokens, 10);
    assertEquals(steps.map(([name]) => name), ["reserve", "fetch", "settle"], type);
  }
});
