/** Every recorded answer through the running proxy, as it came. */
import { assert, assertEquals } from "@std/assert";
import { readRecording } from "../llm/recordings.ts";
import { streamOf } from "../support/upstream.ts";
import { ask, latin1, withoutCost } from "./replay_client.ts";
import { collectedByUser, type Ended, endsOf } from "./replay_ledger.ts";
import {
  costOfTokens,
  insertPrices,
  markedUp,
  MODEL,
  type Prices,
  pricesAt,
} from "./replay_prices.ts";
import {
  areRecordingsThere,
  generator,
  ofRecordings,
  piecesOf,
  type Replay,
  replaysOf,
} from "./replay_recordings.ts";
import { type ReplayStack, startReplayStack } from "./replay_stack.ts";

const replays = replaysOf("ABC");
const providers = [...new Set(replays.map(({ provider }) => provider))];
const OTHER_MODEL_PRICES = pricesAt(500);
const seed = Number(Deno.env.get("REPLAY_SEED") ?? Math.floor(Math.random() * 2 ** 31));

const stack: ReplayStack | null = areRecordingsThere ? await startReplayStack(providers) : null;
Deno.test.afterAll(() => stack?.stop());

interface Asked {
  readonly replay: Replay;
  readonly requestId: string;
}

let lastId = 0;

/** Asks for one answer and reads it. @returns the bytes, status and id of the request. */
async function replayOnce(user: { token: string }, replay: Replay, wantsUsage = true) {
  const id = ++lastId;
  const random = generator(seed + id);
  const pieces = piecesOf(replay, random);
  stack!.answers.set(id, () => {
    const response = streamOf(pieces);
    if (replay.streaming) return response;
    return new Response(response.body, {
      status: replay.status,
      headers: { "content-type": "application/json" },
    });
  });
  const response = await ask(stack!, user, {
    dialect: replay.dialect,
    model: `${replay.provider}:${MODEL}`,
    ...{ id, wantsUsage, stream: replay.streaming },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  stack!.answers.delete(id);
  return { bytes, status: response.status, requestId: response.headers.get("x-request-id")! };
}

/** What the recording should cost by its counts, and by the searches that the provider counted. */
function costByHand(replay: Replay, webSearches: number, prices: Prices): bigint {
  const others = Object.values(replay.other_models ?? {}).reduce(
    (sum, { uncached_input, ...rest }) =>
      sum + costOfTokens({ ...rest, input: uncached_input }, OTHER_MODEL_PRICES),
    0n,
  );
  return markedUp(
    costOfTokens(replay.tokens!, prices) + others + prices.requestFee +
      BigInt(webSearches) * prices.webSearchFee,
  );
}

/** The searches in Anthropic's usage, which names them in one way only. */
function searchesReported(replay: Replay): number | null {
  if (replay.dialect !== "anthropic-messages") return null;
  const usage = replay.usage_final_verbatim as {
    server_tool_use?: { web_search_requests?: number };
  } | undefined;
  return usage?.server_tool_use?.web_search_requests ?? 0;
}

/** A list of events that somebody made of two answers: no provider sends a second one. */
function isTwoAnswers(replay: Replay): boolean {
  const ends = latin1(readRecording(replay)).match(/^event: ?message_stop/gm) ?? [];
  return replay.grade === "C" && ends.length > 1;
}

const VERDICTS = ["reported", "estimated", "open", "released"] as const;

/** What is wrong with how a replay ended, or which kind of right it is. */
function judge(replay: Replay, end: Ended): typeof VERDICTS[number] {
  const { charge, state } = end;
  // An answer without a word is free, whatever its prompt.
  if (replay.tokens?.output === 0 && state === "released") return "released";
  if (replay.tokens === undefined || replay.status >= 400) {
    assert(charge === null ? state === "released" : charge.basis === "estimated", state);
    return charge === null ? "released" : "estimated";
  }
  assertEquals([state, charge?.basis], ["settled", "reported"]);
  if (replay.flags?.length || isTwoAnswers(replay)) return "open";
  const { input, cache_read, cache_write_5m, cache_write_1h, output } = replay.tokens;
  assertEquals(charge!.tokens, { input, cache_read, cache_write_5m, cache_write_1h, output });
  const searches = searchesReported(replay);
  if (searches !== null) assertEquals(charge!.webSearches, searches);
  const cost = costByHand(replay, charge!.webSearches, stack!.prices.get(replay.provider)!);
  assertEquals([charge!.cost, charge!.collected], [cost, cost]);
  return "reported";
}

/** Judges them all, prints the table by dialect and provider, and fails with everything wrong. */
async function judgeAll(asked: readonly Asked[], wrong: string[]): Promise<void> {
  const ends = await endsOf(stack!.sql);
  const table = new Map<string, Record<string, number>>();
  for (const { replay, requestId } of asked) {
    const name = `${replay.dialect} ${replay.provider}`;
    const row = table.get(name) ?? Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
    table.set(name, row);
    const end = ends.get(requestId);
    try {
      if (end === undefined) throw new Error("It has no reservation");
      const verdict = judge(replay, end);
      row[verdict] = (row[verdict] ?? 0) + 1;
    } catch (error) {
      wrong.push(`${replay.file}: ${(error as Error).message} ${Deno.inspect(end)}`);
    }
  }
  console.table(Object.fromEntries([...table].toSorted(([a], [b]) => a < b ? -1 : 1)));
  assertEquals(wrong.join("\n"), "");
  assertEquals(
    await stack!.spent(),
    new Map(
      stack!.users.map(({ id }) => [id, collectedByUser(ends.values()).get(id) ?? 0n]),
    ),
  );
}

Deno.test(
  ofRecordings(
    "every recorded stream reaches the client byte by byte, is charged its recorded counts at exact prices, and leaves the balance exact and nothing reserved",
  ),
  async () => {
    const streams = replays.filter((one) => one.streaming);
    // Other models are found by the provider and their own name, at their own prices.
    const others = new Set(
      replays.flatMap(({ other_models, provider }) =>
        Object.keys(other_models ?? {}).map((model) => `${provider}:${model}`)
      ),
    );
    for (const other of others) {
      const [provider = "", model = ""] = other.split(":");
      await stack!.sql`
      delete from public.model_pricing where provider_id = ${provider} and model_id = ${model}`;
      await insertPrices(stack!.sql, provider, model, OTHER_MODEL_PRICES);
    }
    const asked: Asked[] = [];
    const wrong: string[] = [];
    await stack!.each(streams, async (user, replay) => {
      const { bytes, status, requestId } = await replayOnce(user, replay);
      asked.push({ replay, requestId });
      const { text, costs } = withoutCost(bytes);
      const isSame = text === latin1(readRecording(replay));
      if (!isSame || status !== 200 || costs > 1) {
        wrong.push(`${replay.file}: ${status}, ${costs} costs, …${text.slice(-600)}`);
      }
    });
    await judgeAll(asked, wrong);
  },
);

Deno.test(
  ofRecordings(
    "every recorded whole answer reaches the client as it was, and is charged its recorded counts; an error costs nothing",
  ),
  async () => {
    const answers = replays.filter((one) => !one.streaming);
    const asked: Asked[] = [];
    const wrong: string[] = [];
    await stack!.each(answers, async (user, replay) => {
      const { bytes, status, requestId } = await replayOnce(user, replay);
      asked.push({ replay, requestId });
      const isSame = latin1(bytes) === latin1(readRecording(replay));
      const isRight = replay.status < 400 ? status === 200 && isSame : status >= 400;
      if (!isRight) wrong.push(`${replay.file}: ${status} ${latin1(bytes).slice(0, 300)}`);
    });
    await judgeAll(asked, wrong);
  },
);

Deno.test(
  ofRecordings(
    "where the client did not ask Chat Completions for usage, the usage events are missing, and nothing else is",
  ),
  async () => {
    const streams = replays.filter((one) =>
      one.streaming && one.grade === "A" && one.dialect === "openai-chat"
    );
    const asked: Asked[] = [];
    const wrong: string[] = [];
    let withheld = 0;
    await stack!.each(streams, async (user, replay) => {
      const { bytes, requestId } = await replayOnce(user, replay, false);
      asked.push({ replay, requestId });
      const sent = latin1(readRecording(replay)).split(/(?<=\r?\n\r?\n)/);
      const got = withoutCost(bytes).text.split(/(?<=\r?\n\r?\n)/);
      const missing = sent.filter((event) => !got.includes(event));
      withheld += missing.length;
      const rest = sent.filter((event) => !missing.includes(event));
      const isOnlyUsage = missing.every((event) =>
        event.includes('"usage"') && !/"(content|arguments|reasoning)":\s*"[^"]/.test(event)
      );
      if (missing.length > 1 || !isOnlyUsage || rest.join("") !== got.join("")) {
        wrong.push(`${replay.file}: missing ${missing}, …${got.join("").slice(-600)}`);
      }
    });
    assert(withheld > 0, "no usage was withheld");
    console.log(`${withheld} usage events withheld in ${streams.length} streams`);
    await judgeAll(asked, wrong);
  },
);
