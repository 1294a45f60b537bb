/** What no provider should send, through the running proxy, in every dialect. */
import { assert, assertEquals } from "@std/assert";
import type { DialectName } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import { encode } from "../llm/chunks.ts";
import { type AnswerParts, ANSWERS } from "./replay_answers.ts";
import { ask, latin1, withoutCost } from "./replay_client.ts";
import { type Charged, endsOf } from "./replay_ledger.ts";
import { MODEL } from "./replay_prices.ts";
import { startReplayStack } from "./replay_stack.ts";

const stack = await startReplayStack(["openai", "anthropic", "google"]);
Deno.test.afterAll(() => stack.stop());

/** 26 tokens of o200k. */
const TEXT =
  "The quick brown fox jumps over the lazy dog, and then it goes home to sleep all day long.";
const ERROR = "The provider is very sorry that it has failed. ".repeat(400);
const HTML = "<!doctype html><title>Sign in</title><p>Please sign in to go on.</p>".repeat(50);

/** What a bad answer may cost. */
type Cost =
  | "the report"
  | "the other report"
  | "either report"
  | "an estimate"
  | "the report or an estimate"
  | "nothing";

interface BadAnswer {
  readonly body: string | Uint8Array;
  readonly costs: Cost;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client gets; what was sent, unless told. `null`: a refusal instead. */
  readonly arrives?: string | Uint8Array | null;
}

const good = (parts: AnswerParts) =>
  parts.start + parts.content(TEXT) + parts.finish(parts.usage) + parts.terminal;

const asBytes = (body: string | Uint8Array) => typeof body === "string" ? encode(body) : body;

async function gzip(text: string): Promise<Uint8Array> {
  const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

/** The JSON of each event over several lines, as one who prints it pretty would send it. */
const inLines = (stream: string) =>
  stream.replace(
    /^data: (\{.*\})$/gm,
    (_, json) => JSON.stringify(JSON.parse(json), null, 1).replace(/^/gm, "data: "),
  );

/** The same counts as something that is no count. */
const withCounts = (parts: AnswerParts, to: (count: number) => unknown) =>
  Object.fromEntries(
    Object.entries(parts.usage).map(([name, count]) => [name, to(count as number)]),
  );

const STREAMS: Readonly<Record<string, (parts: AnswerParts) => BadAnswer | Promise<BadAnswer>>> = {
  "an event that is cut off in its middle": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.content(TEXT).slice(0, -9),
    costs: "an estimate",
  }),
  "a byte order mark": (parts) => ({ body: `\ufeff${good(parts)}`, costs: "the report" }),
  "lines that end with a bare CR": (parts) => ({
    body: good(parts).replaceAll("\n", "\r"),
    costs: "the report",
  }),
  "data over several lines": (parts) => ({ body: inLines(good(parts)), costs: "the report" }),
  "a line of 5 MB": (parts) => ({
    body: parts.start + parts.content(TEXT) +
      parts.content("").replace("{", `{"padding":"${"x".repeat(5 * 1024 * 1024)}",`) +
      `: ${"y".repeat(5 * 1024 * 1024)}\n\n` + parts.finish(parts.usage) + parts.terminal,
    costs: "the report",
  }),
  "bytes that are no UTF-8": (parts) => ({
    // The ÿ is sent as the one byte that it is in Latin-1.
    body: Uint8Array.from(
      parts.start + parts.content(`${TEXT} \xff\xfe\xc3`) + parts.finish(parts.usage) +
        parts.terminal,
      (char) => char.charCodeAt(0),
    ),
    costs: "the report",
  }),
  "JSON that is no object": (parts) => ({
    body: parts.start + parts.content(TEXT) +
      [
        "[1,2]",
        "null",
        "7",
        '"text"',
        "true",
        "{}",
        '{"choices":7}',
        '{"candidates":{}}',
        '{"type":1}',
      ]
        .map((json) => `data: ${json}\n\n`).join("") +
      parts.finish(parts.usage) + parts.terminal,
    costs: "the report",
  }),
  "usage of strings": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish(withCounts(parts, String)) +
      parts.terminal,
    costs: "an estimate",
  }),
  "usage of nulls": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish(withCounts(parts, () => null)) +
      parts.terminal,
    costs: "an estimate",
  }),
  "usage that is no object": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish([1, 2, 3]) + parts.terminal,
    costs: "an estimate",
  }),
  "usage of negatives": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish(withCounts(parts, (count) => -count)) +
      parts.terminal,
    costs: "the report or an estimate",
  }),
  "usage of absurd numbers": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish(withCounts(parts, () => 1e300)) +
      parts.terminal,
    costs: "an estimate",
  }),
  "two usages": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.early(parts.usage) +
      parts.finish(parts.otherUsage) + parts.terminal,
    costs: "the other report",
  }),
  "two ends": (parts) => ({ body: good(parts) + good(parts), costs: "the report" }),
  "usage before the content, and none after it": (parts) => ({
    body: parts.start + parts.early(parts.usage) + parts.content(TEXT) + parts.finish() +
      parts.terminal,
    costs: "the report or an estimate",
  }),
  "no last event": (parts) => ({
    body: parts.start + parts.content(TEXT),
    costs: "an estimate",
  }),
  "no usage": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.finish() + parts.terminal,
    costs: "an estimate",
  }),
  "an error in its middle": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.error(ERROR),
    costs: "an estimate",
  }),
  "an error instead of content": (parts) => ({
    body: parts.start + parts.error(ERROR),
    costs: "nothing",
  }),
  "a web page": () => ({
    body: HTML,
    headers: { "content-type": "text/html; charset=utf-8" },
    costs: "nothing",
    arrives: null,
  }),
  "a web page that calls itself a stream": () => ({ body: HTML, costs: "nothing" }),
  "a web page that calls itself JSON": () => ({
    body: HTML,
    headers: { "content-type": "application/json" },
    costs: "nothing",
    arrives: null,
  }),
  "a whole error with status 200": (parts) => ({
    body: parts.error(ERROR).replace(/^(event: .*\n)?data: /, ""),
    headers: { "content-type": "application/json" },
    costs: "nothing",
  }),
  "gzip, though it was not asked for": async (parts) => ({
    body: await gzip(good(parts)),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
    arrives: good(parts),
  }),
  "gzip that nobody told of": async (parts) => ({
    body: await gzip(good(parts)),
    costs: "nothing",
  }),
  "gzip that is none": (parts) => ({
    body: good(parts),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
  }),
  "nothing at all": () => ({ body: "", costs: "nothing" }),
  "only comments": () => ({ body: ": OPENROUTER PROCESSING\n\n".repeat(20), costs: "nothing" }),
};

const WHOLE: Readonly<Record<string, (parts: AnswerParts) => BadAnswer | Promise<BadAnswer>>> = {
  "a byte order mark": (parts) => ({
    body: `\ufeff${JSON.stringify(parts.whole(TEXT, parts.usage))}`,
    costs: "the report",
  }),
  "bytes that are no UTF-8": (parts) => ({
    body: Uint8Array.from(
      JSON.stringify(parts.whole(`${TEXT} \xff\xfe`, parts.usage)),
      (char) => char.charCodeAt(0),
    ),
    costs: "the report",
  }),
  "a line of 5 MB": (parts) => ({
    body: JSON.stringify({ padding: "x".repeat(5 << 20), ...parts.whole(TEXT, parts.usage) }),
    costs: "the report",
  }),
  "usage of strings": (parts) => ({
    body: JSON.stringify(parts.whole(TEXT, withCounts(parts, String))),
    costs: "an estimate",
  }),
  "usage of nulls": (parts) => ({
    body: JSON.stringify(parts.whole(TEXT, withCounts(parts, () => null))),
    costs: "an estimate",
  }),
  "usage of negatives": (parts) => ({
    body: JSON.stringify(parts.whole(TEXT, withCounts(parts, (count) => -count))),
    costs: "the report or an estimate",
  }),
  "no usage": (parts) => ({ body: JSON.stringify(parts.whole(TEXT)), costs: "an estimate" }),
  "an array": () => ({ body: "[1,2]", costs: "nothing" }),
  "null": () => ({ body: "null", costs: "nothing" }),
  "an error with status 200": (parts) => ({
    body: parts.error(ERROR).replace(/^(event: .*\n)?data: /, ""),
    costs: "nothing",
  }),
  "an end in its middle": (parts) => ({
    body: JSON.stringify(parts.whole(TEXT, parts.usage)).slice(0, -9),
    costs: "nothing",
    arrives: null,
  }),
  "a web page": () => ({ body: HTML, costs: "nothing", arrives: null }),
  "gzip, though it was not asked for": async (parts) => ({
    body: await gzip(JSON.stringify(parts.whole(TEXT, parts.usage))),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
    arrives: JSON.stringify(parts.whole(TEXT, parts.usage)),
  }),
  "gzip that nobody told of": async (parts) => ({
    body: await gzip(JSON.stringify(parts.whole(TEXT, parts.usage))),
    costs: "nothing",
    arrives: null,
  }),
  "nothing at all": () => ({ body: "", costs: "nothing", arrives: null }),
};

let lastId = 0;

/** Asks, and is answered with this. */
async function answered(dialect: DialectName, stream: boolean, answer: BadAnswer) {
  const id = ++lastId;
  const type = stream ? "text/event-stream" : "application/json";
  stack.answers.set(id, () =>
    new Response(asBytes(answer.body).slice(), {
      headers: { "content-type": type, ...answer.headers },
    }));
  const model = `${ANSWERS[dialect].provider}:${MODEL}`;
  const response = await ask(stack, stack.users[id % stack.users.length]!, {
    ...{ dialect, model, id, stream },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { response, bytes, requestId: response.headers.get("x-request-id")! };
}

function checkArrived(
  { body, arrives = body }: BadAnswer,
  { response, bytes }: Awaited<ReturnType<typeof answered>>,
): void {
  if (arrives === null) {
    assertEquals([response.status, JSON.parse(latin1(bytes)).code], [502, "UPSTREAM_ERROR"]);
    return;
  }
  assertEquals(response.status, 200, latin1(bytes).slice(0, 300));
  assertEquals(response.headers.get("content-encoding"), null);
  const sent = latin1(asBytes(arrives));
  const got = withoutCost(bytes).text;
  assert(got.startsWith(sent), `${got.length} bytes of ${sent.length}: ${got.slice(0, 300)}`);
  // What follows is ours: an error or an end for what had none.
  const added = got.slice(sent.length);
  assert(added.length < 600 && !added.includes(ERROR.slice(0, 50)), added);
}

function checkCost(costs: Cost, charge: Charged | null): void {
  if (costs === "nothing") return assertEquals(charge, null);
  if (charge === null) throw new Error("It was free");
  const { input, output } = charge.tokens;
  const is = (wanted: [number, number]) =>
    charge.basis === "reported" && input === wanted[0] && output === wanted[1];
  // 26 tokens of o200k: nothing of an error's text, nothing for what cannot be read.
  const isEstimate = charge.basis === "estimated" && input > 0 && output >= 12 && output <= 50;
  const isRight = {
    "the report": is([11, 22]),
    "the other report": is([13, 26]),
    "either report": is([11, 22]) || is([13, 26]),
    "an estimate": isEstimate,
    "the report or an estimate": isEstimate || charge.basis === "reported",
  };
  assert(isRight[costs], `${costs} was due, but it was ${Deno.inspect(charge)}`);
}

for (const dialect of DIALECTS.keys()) {
  for (const [stream, answers] of [[true, STREAMS], [false, WHOLE]] as const) {
    const form = stream ? "stream" : "whole answer";
    Deno.test(`a bad ${form} of ${dialect} reaches the client as it is, is charged for what can be read in it and never for an error, and the next one is as good as ever`, async () => {
      const pid = await stack.functionsPid();
      const parts = ANSWERS[dialect];
      const wrong: string[] = [];
      const asked = new Map<string, [string, Cost]>();
      for (const [name, make] of Object.entries(answers)) {
        const bad = await make(parts);
        const next: BadAnswer = {
          body: stream ? good(parts) : JSON.stringify(parts.whole(TEXT, parts.usage)),
          costs: "the report",
        };
        for (const [what, answer] of [[name, bad], [`what follows ${name}`, next]] as const) {
          try {
            const arrived = await answered(dialect, stream, answer);
            asked.set(arrived.requestId, [what, answer.costs]);
            checkArrived(answer, arrived);
          } catch (error) {
            wrong.push(`${what}: ${(error as Error).message}`);
          }
        }
      }
      const ends = await endsOf(stack.sql);
      for (const [requestId, [what, costs]] of asked) {
        try {
          const end = ends.get(requestId)!;
          assertEquals(end.state, end.charge === null ? "released" : "settled");
          checkCost(costs, end.charge);
        } catch (error) {
          wrong.push(`${what}: ${(error as Error).message}`);
        }
      }
      assertEquals(wrong.join("\n"), "");
      assertEquals(await stack.functionsPid(), pid, "the functions died");
      await stack.spent();
    });
  }
}
