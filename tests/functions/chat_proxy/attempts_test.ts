import { assert, assertEquals } from "@std/assert";
import {
  type AttemptOptions,
  forwardToFirst,
} from "../../../supabase/functions/chat-proxy/attempts.ts";
import type { Next } from "../../../supabase/functions/chat-proxy/after_failure.ts";
import type { Forwarded } from "../../../supabase/functions/chat-proxy/forward.ts";

const answer = (): Forwarded => {
  const response = new Response("{}");
  return { kind: "answer", response, body: response.body! };
};

const failure = (next: Next): Forwarded => ({
  kind: "failed",
  refusal: { code: "UPSTREAM_ERROR", message: "It failed." },
  incident: null,
  headers: new Headers(),
  next,
});

const AGAIN: Next = { kind: "retry", afterMs: null };

/** Attempts on a clock of the test's own: each request answers what `script` says next of its model. */
async function attempts(
  script: Record<string, Forwarded[]>,
  change: Partial<AttemptOptions<string>> = {},
) {
  const asked: string[] = [];
  const waitsMs: number[] = [];
  const told: string[] = [];
  let nowMs = 0;
  const [first, ...others] = Object.keys(script) as [string, ...string[]];
  const { forwarded, candidate } = await forwardToFirst([first, ...others], {
    send: (model) => {
      asked.push(model);
      const next = script[model]!.shift();
      if (next === undefined) throw new Error(`${model} was asked once too often`);
      return Promise.resolve(next);
    },
    retriesMax: 2,
    timeoutMs: 60_000,
    isAbandoned: () => false,
    onFailure: ({ candidate, then }) => told.push(`${candidate}: ${then}`),
    now: () => nowMs,
    sleep: (ms) => {
      waitsMs.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    ...change,
  });
  return { kind: forwarded.kind, candidate, asked, waitsMs, told };
}

Deno.test("a failure that may pass is tried again, at growing distances, until it is answered", async () => {
  const seen = await attempts({ a: [failure(AGAIN), failure(AGAIN), answer()] });
  assertEquals([seen.kind, seen.asked], ["answer", ["a", "a", "a"]]);
  const [first, second] = seen.waitsMs as [number, number];
  assert(first >= 375 && first <= 625, `${first}`);
  assert(second >= 750 && second <= 1250, `${second}`);
});

Deno.test("no more than the retries that are set are made, and the last failure is told", async () => {
  const seen = await attempts({ a: Array.from({ length: 5 }, () => failure(AGAIN)) });
  assertEquals([seen.kind, seen.asked.length], ["failed", 3]);
  assertEquals(seen.told, ["a: retry", "a: retry", "a: give_up"]);
  const none = await attempts({ a: [failure(AGAIN)] }, { retriesMax: 0 });
  assertEquals(none.asked, ["a"]);
});

Deno.test("the provider's retry-after is waited for, exactly, and not at all where it is too long", async () => {
  const polite = await attempts({ a: [failure({ kind: "retry", afterMs: 3_000 }), answer()] });
  assertEquals([polite.kind, polite.waitsMs], ["answer", [3_000]]);
  const tooLong = await attempts({ a: [failure({ kind: "retry", afterMs: 10_001 })] });
  assertEquals([tooLong.kind, tooLong.waitsMs], ["failed", []]);
});

Deno.test("where another model is named, a long retry-after is not waited for", async () => {
  const seen = await attempts({
    a: [failure({ kind: "retry", afterMs: 3_000 })],
    b: [answer()],
  });
  assertEquals([seen.candidate, seen.waitsMs], ["b", []]);
});

Deno.test("the next model is asked when the retries of the last one are used, each with its own", async () => {
  const seen = await attempts({
    a: [failure(AGAIN), failure(AGAIN), failure(AGAIN)],
    b: [failure(AGAIN), answer()],
  });
  assertEquals([seen.candidate, seen.asked], ["b", ["a", "a", "a", "b", "b"]]);
});

Deno.test("a failure that repeating cannot help goes to the next model at once, or is told", async () => {
  const seen = await attempts({ a: [failure({ kind: "fall_back" })], b: [answer()] });
  assertEquals([seen.candidate, seen.asked], ["b", ["a", "b"]]);
  const last = await attempts({ a: [failure({ kind: "fall_back" })] });
  assertEquals([last.kind, last.asked], ["failed", ["a"]]);
});

Deno.test("a request that is at fault itself is put to no other model", async () => {
  const seen = await attempts({ a: [failure({ kind: "stop" })], b: [answer()] });
  assertEquals([seen.kind, seen.asked], ["failed", ["a"]]);
});

Deno.test("nothing more is asked when the time is over or the client has left", async () => {
  const late = await attempts({ a: [failure(AGAIN)], b: [answer()] }, { timeoutMs: 0 });
  assertEquals(late.asked, ["a"]);
  const left = await attempts({ a: [failure(AGAIN)], b: [answer()] }, { isAbandoned: () => true });
  assertEquals(left.asked, ["a"]);
});

Deno.test("nothing more is asked when the client leaves while a retry is waited for", async () => {
  let hasLeft = false;
  const seen = await attempts({ a: [failure(AGAIN), answer()], b: [answer()] }, {
    isAbandoned: () => hasLeft,
    sleep: () => {
      hasLeft = true;
      return Promise.resolve();
    },
  });
  assertEquals([seen.kind, seen.asked], ["failed", ["a"]]);
});
