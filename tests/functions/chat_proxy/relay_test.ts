import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { chunksOf, cutAt, encode } from "../../llm/chunks.ts";
import {
  answerOf,
  breakingAfter,
  chunkEvent,
  COST_COMMENT,
  holdOf,
  OUTCOME,
  relayed,
  textOf,
} from "./relay_harness.ts";

const WORDS = ["Hel", "lo", " wörld", " 你好", "!"];
const ANSWER = answerOf(WORDS);

Deno.test("the client gets the provider's bytes and one cost comment before the last event, at any chunking", async () => {
  await fc.assert(fc.asyncProperty(
    fc.boolean(),
    fc.array(fc.nat(encode(ANSWER).length * 2), { maxLength: 40 }),
    async (crlf, offsets) => {
      const sent = crlf ? ANSWER.replaceAll("\n", "\r\n") : ANSWER;
      const answer = relayed(cutAt(encode(sent), offsets));
      const received = await textOf(answer.body);
      await answer.done;
      assertEquals(received.replace(COST_COMMENT, ""), sent);
      assertMatch(received, /: farebox \{[^\n]*\}\n\ndata: \[DONE\]\r?\n\r?\n$/);
      assertEquals(answer.settled.length, 1);
      assertEquals(answer.settled[0]?.snapshot.usage?.output, WORDS.length);
    },
  ));
});

Deno.test("an answer that comes one byte at a time is the same answer", async () => {
  const answer = relayed(chunksOf(encode(ANSWER), 1));
  assertEquals((await textOf(answer.body)).replace(COST_COMMENT, ""), ANSWER);
});

Deno.test("the usage event that we switched on is withheld, and nothing else", async () => {
  const answer = relayed(chunksOf(encode(ANSWER), 7), { withholdUsage: true });
  const received = (await textOf(answer.body)).replace(COST_COMMENT, "");
  assertEquals(received, answerOf(WORDS, { usage: false }));
  assertEquals(answer.settled[0]?.snapshot.usage?.input, 12);
});

Deno.test("lesson 13: a client that cuts at any byte is settled exactly once, with what was sent to it", async () => {
  const bytes = encode(ANSWER);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const answer = relayed(chunksOf(bytes, 1));
    const reader = answer.body.getReader();
    let received = "";
    while (received.length < cut) {
      const { done, value } = await reader.read();
      if (done) break;
      received += new TextDecoder().decode(value);
    }
    await reader.cancel();
    // At once, and not at the deadline; after the finish the usage is waited for.
    if (!received.includes('"stop"')) assertEquals(answer.settled.length, 1, `cut at ${cut}`);
    await answer.done;
    assertEquals(answer.settled.length, 1, `cut at ${cut}`);
    const { snapshot, end } = answer.settled[0]!;
    if (end === "cancelled") assert(answer.isUpstreamAborted());
    assertEquals(snapshot.hasContent, received.includes("Hel"), `cut at ${cut}`);
  }
});

Deno.test("lesson 15: where aborting does not stop the provider's billing, a lost client is drained to the usage", async () => {
  const answer = relayed(chunksOf(encode(ANSWER), 20), { abortPolicy: "drain" });
  const reader = answer.body.getReader();
  await reader.read();
  await reader.cancel();
  await answer.done;
  assertEquals(answer.settled.length, 1);
  assertEquals(answer.settled[0]?.snapshot.usage?.output, WORDS.length);
  assert(!answer.isUpstreamAborted());
});

Deno.test("a client lost during a pending read is drained by that read", async () => {
  let push!: ReadableStreamDefaultController<Uint8Array>;
  const upstream = new ReadableStream<Uint8Array>({ start: (c) => void (push = c) });
  const answer = relayed(upstream, { abortPolicy: "drain" });
  const reader = answer.body.getReader();
  const first = reader.read();
  await reader.cancel();
  await first;
  for (const chunk of chunksOf(encode(ANSWER), 50)) push.enqueue(chunk);
  push.close();
  await answer.done;
  assertEquals(answer.settled[0]?.snapshot.usage?.output, WORDS.length);
});

Deno.test("a provider that breaks off after content ends the stream with an error event and one settle", async () => {
  const begun = ANSWER.slice(0, ANSWER.indexOf("wörld"));
  const answer = relayed(breakingAfter(chunksOf(encode(begun), 9)));
  const received = await textOf(answer.body);
  await answer.done;
  assertStringIncludes(received, '"code":"UPSTREAM_ERROR"');
  assertEquals(answer.settled.map((settled) => settled.end), ["upstream_error"]);
  assert(answer.settled[0]?.snapshot.hasContent);
});

Deno.test("a provider that closes without finishing is told apart from one that finished", async () => {
  const begun = ANSWER.slice(0, ANSWER.indexOf('data: {"id":"c1"', 400));
  const cut = relayed(chunksOf(encode(begun), 30));
  assertStringIncludes(await textOf(cut.body), '"code":"UPSTREAM_ERROR"');
  const finished = relayed(chunksOf(encode(ANSWER.replace("data: [DONE]\n\n", "")), 30));
  const received = await textOf(finished.body);
  assertEquals(received.includes("UPSTREAM_ERROR"), false);
  assertMatch(received, /: farebox \{[^\n]*\}\n\n$/);
});

for (
  const [refusedBy, end, code] of [
    ["balance", "insufficient_balance", "INSUFFICIENT_BALANCE"],
    ["spend_limit", "spend_limit", "SPEND_LIMIT_REACHED"],
  ] as const
) {
  Deno.test(`lesson 5: an answer that the ${refusedBy} no longer covers stops as at a length limit, and says why`, async () => {
    const long = answerOf(Array.from({ length: 100 }, () => "word "));
    const answer = relayed(chunksOf(encode(long), 200), { hold: holdOf(20, refusedBy) });
    const received = await textOf(answer.body);
    await answer.done;
    assertEquals(answer.settled.map((settled) => settled.end), [end]);
    assert(answer.isUpstreamAborted());
    const events = received.trimEnd().split("\n\n");
    assertEquals(events.at(-1), "data: [DONE]");
    assertMatch(events.at(-2)!, new RegExp(`^: farebox .*"code":"${code}"`));
    assertStringIncludes(events.at(-3)!, '"finish_reason":"length"');
  });
}

Deno.test("at the deadline the stream ends cleanly and is settled, even where the client does not read", async () => {
  const upstream = new ReadableStream<Uint8Array>({
    start: (c) =>
      c.enqueue(encode(chunkEvent({ choices: [{ index: 0, delta: { content: "a" } }] }))),
  });
  const answer = relayed(upstream, { deadlineMs: 30 });
  await answer.done;
  assertEquals(answer.settled.map((settled) => settled.end), ["deadline"]);
  assertMatch(await textOf(answer.body), /DEADLINE_REACHED[^\n]*\n\ndata: \[DONE\]\n\n$/);
});

Deno.test("a silent provider is bridged by heartbeats between events, never within one", async () => {
  let push!: ReadableStreamDefaultController<Uint8Array>;
  const upstream = new ReadableStream<Uint8Array>({ start: (c) => void (push = c) });
  const answer = relayed(upstream, { heartbeatMs: 1 });
  const reader = answer.body.getReader();
  const half = encode(ANSWER).length >> 1;
  push.enqueue(encode(ANSWER).slice(0, half));
  let received = "";
  while (!received.includes(": keep-alive\n\n")) {
    received += new TextDecoder().decode((await reader.read()).value);
  }
  push.enqueue(encode(ANSWER).slice(half));
  push.close();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    received += new TextDecoder().decode(value);
  }
  await answer.done;
  assertEquals(received.replaceAll(": keep-alive\n\n", "").replace(COST_COMMENT, ""), ANSWER);
});

Deno.test("a settle that takes over a second does not keep the end from the client", async () => {
  let settle!: () => void;
  const answer = relayed(chunksOf(encode(ANSWER), 50), {
    settle: () => new Promise((resolve) => settle = () => resolve(null)),
  });
  assertEquals(await textOf(answer.body), ANSWER);
  settle();
  await answer.done;
});

Deno.test("at the deadline an upstream that breaks by our own abort does not cut off the end of the stream", async () => {
  let upstreamController!: ReadableStreamDefaultController<Uint8Array>;
  const upstream = new ReadableStream<Uint8Array>({
    start: (c) => {
      upstreamController = c;
      c.enqueue(encode(chunkEvent({ choices: [{ index: 0, delta: { content: "a" } }] })));
    },
  });
  const answer = relayed(upstream, {
    deadlineMs: 30,
    abortUpstream: () => upstreamController.error(new DOMException("aborted", "AbortError")),
    settle: () => new Promise((resolve) => setTimeout(resolve, 10, OUTCOME)),
  });
  assertMatch(await textOf(answer.body), /DEADLINE_REACHED[^\n]*\n\ndata: \[DONE\]\n\n$/);
  await answer.done;
});

Deno.test("a client that leaves closes the provider's stream, also where the abort goes unheard", async () => {
  const closed = Promise.withResolvers<void>();
  const upstream = new ReadableStream<Uint8Array>({
    pull: (c) =>
      c.enqueue(encode(chunkEvent({ choices: [{ index: 0, delta: { content: "a" } }] }))),
    cancel: () => closed.resolve(),
  });
  const answer = relayed(upstream, { abortUpstream: () => {} });
  const reader = answer.body.getReader();
  await reader.read();
  await reader.cancel();
  await closed.promise;
  await answer.done;
  assertEquals(answer.settled.map((settled) => settled.end), ["cancelled"]);
});
