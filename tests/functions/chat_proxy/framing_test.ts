/** A whole answer to a streamed request is metered and charged, whatever it calls itself. */
import { assertEquals } from "@std/assert";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, proxyOn } from "./handler_harness.ts";

const ANSWER = JSON.stringify({
  choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
});

const TYPES = [
  ...["text/plain", "application/vnd.api+json", "application/octet-stream"],
  ...["text/event-stream", "application/json"],
];

/** Answers a streamed request with these pieces. */
async function answered(pieces: readonly string[], type: string) {
  const { deps, steps } = proxyOn({
    provider: () => {
      const encoder = new TextEncoder();
      const body = ReadableStream.from(pieces.map((piece) => encoder.encode(piece)));
      return new Response(body, { headers: { "content-type": type } });
    },
  });
  const response = await createHandler(deps)(
    new Request("http://edge.test/chat-proxy/v1/chat/completions", {
      method: "POST",
      headers: AS_USER,
      body: JSON.stringify({ ...ASKING, stream: true }),
    }),
  );
  return { text: await response.text(), steps };
}

Deno.test("whatever a whole answer calls itself, not a byte of it is changed, and it is charged", async () => {
  for (const type of TYPES) {
    for (
      const pieces of [
        [ANSWER],
        ["\n \r\n", ANSWER],
        ["\uFEFF", ANSWER],
        [": processing\n\n", ANSWER],
        [ANSWER.replaceAll(",", ",\n\n").slice(0, 30), ANSWER.replaceAll(",", ",\n\n").slice(30)],
      ]
    ) {
      const { text, steps } = await answered(pieces, type);
      assertEquals(
        new TextEncoder().encode(text),
        new TextEncoder().encode(
          pieces.join("")
            // Response.text drops it.
            .replace(/^\uFEFF/, ""),
        ),
      );
      assertEquals(steps.map(([name]) => name), ["reserve", "fetch", "settle"], type);
      const { basis, tokens } = steps[2]?.[1] as { basis: string; tokens: { input: number } };
      assertEquals([basis, tokens.input], ["reported", 8]);
    }
  }
});

Deno.test("rubbish in place of events is given on, told as an error, and free", async () => {
  for (const rubbish of ["<p>no</p>", "{", "[]", "null"]) {
    const { text, steps } = await answered([rubbish], "text/plain");
    assertEquals([text.startsWith(rubbish), text.includes("UPSTREAM_ERROR")], [true, true]);
    assertEquals(steps.map(([name]) => name), ["reserve", "fetch", "release"]);
  }
});
