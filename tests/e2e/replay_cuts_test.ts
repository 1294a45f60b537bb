/**
 * Recorded streams that break off, or whose reader leaves, at random bytes. The gate takes a few of
 * each stream; `REPLAY_CUTS=50` takes 50, and `REPLAY_SEED` the same ones again.
 */
import { assert, assertEquals } from "@std/assert";
import { chunksOf, cutAt } from "../llm/chunks.ts";
import { readRecording } from "../llm/recordings.ts";
import type { TestUser } from "../support/stack.ts";
import { heldStream, shortStream, streamOf } from "../support/upstream.ts";
import { ask, latin1, withoutCost } from "./replay_client.ts";
import { type Cut, finishAt, isBroken, isDrained, judgeCut, type Verdict } from "./replay_cuts.ts";
import { collectedByUser, endsOf } from "./replay_ledger.ts";
import { MODEL } from "./replay_prices.ts";
import { areRecordingsThere, generator, ofRecordings, replaysOf } from "./replay_recordings.ts";
import { startReplayStack } from "./replay_stack.ts";
import { wholeEvents } from "./replay_text.ts";

const CUTS = Number(Deno.env.get("REPLAY_CUTS") ?? 2);
const seed = Number(Deno.env.get("REPLAY_SEED") ?? Math.floor(Math.random() * 2 ** 31));
/** A provider that stops billing when it is left must be left at once. */
const LEAVE_MS_MAX = 10_000;

const streams = replaysOf("A").filter((one) => one.streaming);
const stack = areRecordingsThere
  ? await startReplayStack([...new Set(streams.map(({ provider }) => provider))])
  : null;
Deno.test.afterAll(() => stack?.stop());

let lastId = 0;

/** Some bytes of each stream, the same ones for the same seed, and the one between finish and report. */
function cutsThat(how: Cut["how"]): Cut[] {
  const random = generator(seed);
  return streams.flatMap((replay) => {
    const bytes = readRecording(replay);
    const some = Array.from({ length: CUTS }, () => Math.floor(random() * bytes.length));
    return [...some, finishAt(replay, bytes) ?? 0].map((at) => {
      const before = bytes.subarray(0, at);
      return { replay, bytes, at, how, events: how === "ends" ? before : wholeEvents(before) };
    });
  });
}

/** Runs all of them, and checks every end, every balance and the whole ledger. */
async function runCuts(
  cuts: readonly Cut[],
  run: (user: TestUser, cut: Cut) => Promise<{ requestId: string; fault: string | null }>,
): Promise<void> {
  const begunMs = performance.now();
  const requests = new Map<string, Cut>();
  const wrong: string[] = [];
  const name = ({ replay, at }: Cut) => `${replay.file} at ${at} (REPLAY_SEED=${seed})`;
  await stack!.each(cuts, async (user, cut) => {
    const { requestId, fault } = await run(user, cut);
    requests.set(requestId, cut);
    if (fault !== null) wrong.push(`${name(cut)}: ${fault}`);
  });
  const ends = await endsOf(stack!.sql);
  const table = new Map<string, Partial<Record<Verdict, number>>>();
  for (const [requestId, cut] of requests) {
    const { dialect, provider } = cut.replay;
    const row = table.get(dialect) ?? {};
    table.set(dialect, row);
    try {
      const end = ends.get(requestId);
      assert(end !== undefined, "it has no reservation");
      const verdict = judgeCut(cut, end!, stack!.prices.get(provider)!);
      row[verdict] = (row[verdict] ?? 0) + 1;
    } catch (error) {
      wrong.push(`${name(cut)}, ${requestId}: ${(error as Error).message}`);
    }
  }
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
  console.log(
    `${cuts.length} cuts, ${CUTS} at random and 1 at the finish of each of ${streams.length} streams, in ${seconds} s; ` +
      `REPLAY_SEED=${seed}. REPLAY_CUTS=50 for 50 of each.`,
  );
  console.table(Object.fromEntries(table));
  assertEquals(wrong.slice(0, 20).join("\n"), "", `${wrong.length} are wrong`);
  assertEquals(requests.size, cuts.length);
  const collected = collectedByUser(ends.values());
  assertEquals(
    await stack!.spent(),
    new Map(stack!.users.map(({ id }) => [id, collected.get(id) ?? 0n])),
  );
}

for (const how of ["breaks", "ends"] as const) {
  Deno.test(
    ofRecordings(
      `a recorded stream whose connection ${how} at any byte is passed on up to there, and charged for what was received: the report where it was seen, else an estimate within the reservation, and nothing for nothing`,
    ),
    () => runCuts(cutsThat(how), (user, cut) => breakOff(user, cut)),
  );
}

async function breakOff(user: TestUser, cut: Cut) {
  const { replay, bytes, at, how, events } = cut;
  const id = ++lastId;
  const pieces = cutAt(bytes.subarray(0, at), [at / 3, at / 2].map(Math.floor));
  stack!.answers.set(id, () => how === "ends" ? streamOf(pieces) : shortStream(pieces));
  const model = `${replay.provider}:${MODEL}`;
  const response = await ask(stack!, user, { dialect: replay.dialect, model, id, stream: true });
  const got = withoutCost(new Uint8Array(await response.arrayBuffer())).text;
  stack!.answers.delete(id);
  const isRight = response.status === 200
    ? got.startsWith(latin1(events)) &&
      got.slice(events.length).includes("UPSTREAM_ERROR") === isBroken(cut)
    // It broke off before its headers were there.
    : response.status === 502 && events.length === 0;
  return fault(response, isRight ? null : `${response.status}, ${got.slice(-300)}`);
}

Deno.test(
  ofRecordings(
    "a recorded stream whose reader leaves at any byte is charged the report that is read on for, or an estimate of what was received from a provider that stops billing, which is left at once",
  ),
  async () => {
    await runCuts(cutsThat("is left"), async (user, cut) => {
      const { replay, bytes, at, events } = cut;
      const id = ++lastId;
      const held = heldStream(bytes.slice(0, at), bytes.slice(at));
      stack!.answers.set(id, () => held.response);
      const model = `${replay.provider}:${MODEL}`;
      const aborter = new AbortController();
      const response = await ask(stack!, user, {
        ...{ dialect: replay.dialect, model, id, stream: true, signal: aborter.signal },
      });
      await readAtLeast(response, events.length);
      aborter.abort();
      stack!.answers.delete(id);
      if (isDrained(cut)) held.goOn();
      else if (!await inTime(held.left)) {
        held.goOn();
        return fault(response, "the provider was not left");
      }
      return fault(response, response.status === 200 ? null : String(response.status));
    });
  },
);

Deno.test(
  ofRecordings(
    "a recorded stream whose reader leaves while it goes on is charged at least for what was read, and at most for what there was",
  ),
  async () => {
    await runCuts(cutsThat("is left midway"), async (user, cut) => {
      const { replay, bytes, events } = cut;
      const id = ++lastId;
      stack!.answers.set(id, () => streamOf(chunksOf(bytes, 100 + (id * 37) % 900)));
      const model = `${replay.provider}:${MODEL}`;
      const aborter = new AbortController();
      const response = await ask(stack!, user, {
        ...{ dialect: replay.dialect, model, id, stream: true, signal: aborter.signal },
      });
      await readAtLeast(response, events.length);
      aborter.abort();
      stack!.answers.delete(id);
      return fault(response, response.status === 200 ? null : String(response.status));
    });
  },
);

const fault = (response: Response, fault: string | null) => ({
  requestId: response.headers.get("x-request-id")!,
  fault,
});

/** Reads so many bytes of the answer, what Farebox adds not counted. */
async function readAtLeast(response: Response, count: number): Promise<void> {
  const reader = response.body!.getReader();
  let read = 0;
  while (read < count) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The stream ended after ${read} of ${count} bytes`);
    // The comment of the cost is in a chunk of its own.
    read += withoutCost(value).text.length;
  }
  reader.closed.catch(() => {});
}

async function inTime(event: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => timer = setTimeout(resolve, LEAVE_MS_MAX, false));
  const isThere = await Promise.race([event.then(() => true), late]);
  clearTimeout(timer);
  return isThere;
}
