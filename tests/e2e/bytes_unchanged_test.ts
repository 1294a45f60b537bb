import { assert, assertEquals } from "@std/assert";
import { cutAt } from "../llm/chunks.ts";
import { openChat } from "../support/chat.ts";
import { assertAllSettled, chargeOf } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { startUpstream, streamOf } from "../support/upstream.ts";

const upstream = startUpstream();
const stack = await startTestStack({
  env: { OPENAI_BASE_URL: upstream.url, HEARTBEAT_SECONDS: "1" },
});
Deno.test.afterAll(() => stack.stop());
Deno.test.afterAll(() => upstream.stop());

const encode = (text: string) => new TextEncoder().encode(text);
const event = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`;
const delta = (content: string) =>
  event({ id: "c1", object: "x", choices: [{ index: 0, delta: { content } }] });

/** All that an event stream may hold: comments, names, ids, odd spaces, several lines of data. */
const BEGINNING = [
  ": a comment of the provider\n\n",
  event({ id: "c1", choices: [{ index: 0, delta: { role: "assistant", content: "" } }] }),
  delta("Grüße, 你好, "),
  `event: message\nid: 7\nretry: 10\ndata:{"choices":[{"index":0,"delta":{"content":"🎉👩‍👩‍👧"}}]}\n\n`,
  `data: {"choices": [{"index": 0,\ndata: "delta": {"content": " in two lines"}}]}   \n\n`,
  `data: this is no JSON at all\n\n`,
  delta(' \\u00e9 "quoted" \n new line'),
  event({ id: "c1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
].join("");
const USAGE = event({
  id: "c1",
  choices: [],
  usage: { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 },
});
const ANSWER = `${BEGINNING}${USAGE}data: [DONE]\n\n`;

/** A stream as the client got it, without what Farebox adds. */
async function received(user: TestUser, asksForUsage: boolean) {
  const body = asksForUsage ? { stream_options: { include_usage: true } } : {};
  const stream = await openChat(stack, user, { body });
  const text = (await stream.rest()).map((event) => event.text).join("");
  const added = text.match(/: (keep-alive|farebox \{[^\n]*\})\n\n/g) ?? [];
  return {
    requestId: stream.requestId,
    text: added.reduce((rest, comment) => rest.replace(comment, ""), text),
    heartbeats: added.filter((comment) => comment.startsWith(": keep")).length,
    costs: added.filter((comment) => comment.startsWith(": farebox")).length,
  };
}

const LINE_ENDS = [["LF", "\n"], ["CRLF", "\r\n"]] as const;
const USAGES = [["where the client asked for usage", true], [
  "but the usage event",
  false,
]] as const;

for (const [ends, lineEnd] of LINE_ENDS) {
  for (const [what, asksForUsage] of USAGES) {
    Deno.test(`the client gets the bytes that the provider sent, ${what}, with ${ends}, at any chunking`, async () => {
      const user = await stack.signUp();
      const sent = ANSWER.replaceAll("\n", lineEnd);
      const expected = asksForUsage ? sent : sent.replace(USAGE.replaceAll("\n", lineEnd), "");
      const bytes = encode(sent);
      const chunkings = [
        [bytes],
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        ...Array.from({ length: 8 }, () => {
          const count = 2 + Math.floor(Math.random() * 40);
          return cutAt(
            bytes,
            Array.from({ length: count }, () => Math.random() * bytes.length | 0),
          );
        }),
      ];
      for (const pieces of chunkings) {
        upstream.respond = () => streamOf(pieces);
        const answer = await received(user, asksForUsage);
        assertEquals(answer.text, expected, `cut into ${pieces.map((piece) => piece.length)}`);
        assertEquals(answer.costs, 1);
        const charge = await chargeOf(stack.sql, answer.requestId);
        assertEquals([charge.input_tokens, charge.output_tokens], [11, 22]);
      }
      assertEquals(
        upstream.bodies.slice(-chunkings.length).map((body) => body["stream_options"]),
        chunkings.map(() => ({ include_usage: true })),
      );
      await assertAllSettled(stack.sql);
    });
  }
}

Deno.test("a heartbeat stands between events and changes no byte of theirs, also where the provider falls silent in the middle of a character", async () => {
  const user = await stack.signUp();
  const bytes = encode(ANSWER);
  const middle = encode(ANSWER.slice(0, ANSWER.indexOf("你"))).length + 1;
  const boundary = encode(ANSWER.slice(0, ANSWER.indexOf("event: message"))).length;
  upstream.respond = () => streamOf(cutAt(bytes, [middle, boundary]), { pauseMs: 1_300 });
  const answer = await received(user, true);
  assertEquals(answer.text, ANSWER);
  assert(answer.heartbeats >= 1, "no heartbeat in silences of 1.3 s");
});
