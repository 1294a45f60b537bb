/** What no provider should send: answers that are broken in one way each, and what each may cost. */
import { encode } from "../llm/chunks.ts";
import type { AnswerParts } from "./replay_answers.ts";

/** 26 tokens of o200k. */
const TEXT =
  "The quick brown fox jumps over the lazy dog, and then it goes home to sleep all day long.";
/** What an error says, at length: none of it may be charged, or told in ours. */
export const ERROR = "The provider is very sorry that it has failed. ".repeat(400);
const HTML = "<!doctype html><title>Sign in</title><p>Please sign in to go on.</p>".repeat(50);

/** What a bad answer may cost. */
export type Cost =
  | "the report"
  | "the other report"
  | "an estimate"
  | "the report or an estimate"
  | "nothing";

export interface BadAnswer {
  readonly body: string | Uint8Array;
  readonly costs: Cost;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client gets; what was sent, unless told. `null`: a refusal instead. */
  readonly arrives?: string | Uint8Array | null;
}

/** As it should be. */
export const goodStream = (parts: AnswerParts) =>
  parts.start + parts.content(TEXT) + parts.finish(parts.usage) + parts.terminal;

export const goodWhole = (parts: AnswerParts) => JSON.stringify(parts.whole(TEXT, parts.usage));

type BadAnswers = Readonly<
  Record<string, (parts: AnswerParts) => BadAnswer | Promise<BadAnswer>>
>;

export const asBytes = (body: string | Uint8Array) =>
  typeof body === "string" ? encode(body) : body;

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

/** By what is bad about them. */
export const BAD_STREAMS: BadAnswers = {
  "an event that is cut off in its middle": (parts) => ({
    body: parts.start + parts.content(TEXT) + parts.content(TEXT).slice(0, -9),
    costs: "an estimate",
  }),
  "a byte order mark": (parts) => ({ body: `\ufeff${goodStream(parts)}`, costs: "the report" }),
  "lines that end with a bare CR": (parts) => ({
    body: goodStream(parts).replaceAll("\n", "\r"),
    costs: "the report",
  }),
  "data over several lines": (parts) => ({ body: inLines(goodStream(parts)), costs: "the report" }),
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
  "two ends": (parts) => ({ body: goodStream(parts) + goodStream(parts), costs: "the report" }),
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
    body: await gzip(goodStream(parts)),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
    arrives: goodStream(parts),
  }),
  "gzip that nobody told of": async (parts) => ({
    body: await gzip(goodStream(parts)),
    costs: "nothing",
  }),
  "gzip that is none": (parts) => ({
    body: goodStream(parts),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
  }),
  "nothing at all": () => ({ body: "", costs: "nothing" }),
  "only comments": () => ({ body: ": OPENROUTER PROCESSING\n\n".repeat(20), costs: "nothing" }),
};

/** The same for answers that are not streamed. */
export const BAD_WHOLE_ANSWERS: BadAnswers = {
  "a byte order mark": (parts) => ({
    body: `\ufeff${goodWhole(parts)}`,
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
    body: goodWhole(parts).slice(0, -9),
    costs: "nothing",
    arrives: null,
  }),
  "a web page": () => ({ body: HTML, costs: "nothing", arrives: null }),
  "gzip, though it was not asked for": async (parts) => ({
    body: await gzip(goodWhole(parts)),
    headers: { "content-encoding": "gzip" },
    costs: "the report",
    arrives: goodWhole(parts),
  }),
  "gzip that nobody told of": async (parts) => ({
    body: await gzip(goodWhole(parts)),
    costs: "nothing",
    arrives: null,
  }),
  "nothing at all": () => ({ body: "", costs: "nothing", arrives: null }),
};
