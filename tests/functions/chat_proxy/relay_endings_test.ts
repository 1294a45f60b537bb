/** How an answer can end, where both sides of it misbehave. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chunksOf, encode } from "../../llm/chunks.ts";
import { answerOf, chunkEvent, COST_COMMENT, relayed, textOf } from "./relay_harness.ts";

const WORDS = ["one ", "two ", "three ", "four "];
const ANSWER = answerOf(WORDS);
const content = (text: string) =>
  chunkEvent({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });

/** An upstream under the test's hand, whose pending reads fail when it is aborted, as a fetch's do. */
function openUpstream() {
  let push!: ReadableStreamDefaultController<Uint8Array>;
  let isLeft = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => void (push = controller),
    cancel: () => void (isLeft = true),
  });
  return {
    stream,
    send: (text: string) => push.enqueue(encode(text)),
    close: () => push.close(),
    abort: () => push.error(new DOMException("aborted", "AbortError")),
    isLeft: () => isLeft,
  };
}

Deno.test("at the deadline a reading client gets the closing chunk, the cost and the last event", async () => {
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, { deadlineMs: 40, abortUpstream: upstream.abort });
  upstream.send(content("begun"));
  const received = await textOf(answer.body);
  await answer.done;
  assertEquals(answer.settled.map(({ end }) => end), ["deadline"]);
  const events = received.trimEnd().split("\n\n");
  assertStringIncludes(events.at(-3)!, '"finish_reason":"length"');
  assertMatch(events.at(-2)!, /^: farebox .*DEADLINE_REACHED/);
  assertEquals(events.at(-1), "data: [DONE]");
});

Deno.test("after the last event the client's stream ends, though the provider keeps its own open", async () => {
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, {});
  upstream.send(ANSWER);
  assertEquals((await textOf(answer.body)).replace(COST_COMMENT, ""), ANSWER);
  await answer.done;
  while (!upstream.isLeft()) await new Promise((resolve) => setTimeout(resolve, 20));
});

Deno.test("what a provider sends after its last event is passed on, at once or later, cut anywhere", async () => {
  const rest = ": bye\n\ndata: [DONE]\n\nhalf a li";
  for (const cut of [0, 3, rest.length]) {
    const upstream = openUpstream();
    const answer = relayed(upstream.stream, {});
    upstream.send(ANSWER + rest.slice(0, cut));
    const received = textOf(answer.body);
    await answer.done;
    if (cut < rest.length) upstream.send(rest.slice(cut));
    upstream.close();
    assertEquals((await received).replace(COST_COMMENT, ""), ANSWER + rest, `${cut}`);
    assertEquals(answer.settled.map(({ end }) => end), ["complete"]);
  }
});

Deno.test("lesson 14: a client that leaves after the finish, before the usage, is charged what is reported", async () => {
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, { abortPolicy: "abort" });
  const reader = answer.body.getReader();
  const cut = ANSWER.indexOf("data: ", ANSWER.indexOf('"finish_reason":"stop"'));
  upstream.send(ANSWER.slice(0, cut));
  let received = "";
  while (!received.includes('"stop"')) {
    received += new TextDecoder().decode((await reader.read()).value);
  }
  await reader.cancel();
  upstream.send(ANSWER.slice(cut));
  await answer.done;
  assertEquals(answer.settled.length, 1);
  assertEquals(answer.settled[0]?.snapshot.usage?.output, WORDS.length);
});

Deno.test("a client that leaves an endless drain is settled at the deadline, as one that left", async () => {
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, { abortPolicy: "drain", deadlineMs: 60 });
  const reader = answer.body.getReader();
  upstream.send(content("begun"));
  await reader.read();
  await reader.cancel();
  await answer.done;
  assertEquals(answer.settled.map(({ end }) => end), ["cancelled"]);
});

Deno.test("the cost comment is never glued to a last event that no blank line ended", async () => {
  const bare = ANSWER.replace("data: [DONE]\n\n", "").trimEnd();
  const received = await textOf(relayed(chunksOf(encode(bare), 40)).body);
  assertEquals(received.slice(0, bare.length), bare);
  assertMatch(received.slice(bare.length), /^\n\n: farebox \{[^\n]*\}\n\n$/);
});

Deno.test("an answer that is no stream of events ends with an error event, and is free", async () => {
  for (const nothing of ["", "<html><body>Welcome to nginx!</body></html>"]) {
    const answer = relayed([encode(nothing)]);
    const received = await textOf(answer.body);
    await answer.done;
    assertStringIncludes(received, '"code":"UPSTREAM_ERROR"');
    assertEquals(answer.settled[0]?.snapshot.hasContent, false);
  }
});

Deno.test("a bug in what keeps the answer covered ends it cleanly and settles it", async () => {
  const hold = {
    progress: () => {
      throw new TypeError("a bug");
    },
    covers: () => true,
    refusedBy: () => null,
    exceedsLimit: () => false,
    stop() {},
  };
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, { hold });
  upstream.send(content("begun"));
  const received = await textOf(answer.body);
  await answer.done;
  assertStringIncludes(received, '"code":"UPSTREAM_ERROR"');
  assertEquals(answer.settled.length, 1);
  assert(upstream.isLeft());
});

Deno.test("a settle that fails by a bug does not break the answer", async () => {
  const answer = relayed(chunksOf(encode(ANSWER), 50), {
    settle: () => Promise.reject(new TypeError("a bug")),
  });
  assertStringIncludes(await textOf(answer.body), "four ");
  await answer.done;
});

Deno.test("a provider that ignores its output limit is stopped, as at a length limit", async () => {
  const hold = {
    progress() {},
    covers: () => true,
    refusedBy: () => null,
    exceedsLimit: (tokens: number) => tokens > 50,
    stop() {},
  };
  const endless = answerOf(Array.from({ length: 500 }, () => "word "));
  const answer = relayed(chunksOf(encode(endless), 300), { hold });
  assertMatch(await textOf(answer.body), /OUTPUT_LIMIT_REACHED[^\n]*\n\ndata: \[DONE\]\n\n$/);
  assertEquals(answer.settled.map(({ end }) => end), ["output_limit"]);
});

Deno.test("an answer that has finished is not said to be cut short when the deadline comes before its usage", async () => {
  const upstream = openUpstream();
  const answer = relayed(upstream.stream, { deadlineMs: 40, abortUpstream: upstream.abort });
  upstream.send(answerOf(WORDS, { usage: false }).replace("data: [DONE]\n\n", ""));
  const received = await textOf(answer.body);
  assertEquals(received.includes('"finish_reason":"length"'), false);
  assertMatch(received, /DEADLINE_REACHED[^\n]*\n\ndata: \[DONE\]\n\n$/);
});
