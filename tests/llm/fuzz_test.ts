/** "Bad input": whatever a provider sends, the bytes pass, nothing throws and no count is absurd. */
import { assert, assertEquals } from "@std/assert";
import { COUNTING_OF_DIALECT } from "../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../shared/llm/dialect.ts";
import { meterBody } from "../../shared/llm/meter_body.ts";
import { meterChecked, sane, testDialects } from "./checked_meter.ts";
import { chunksOf, concat, encode } from "./chunks.ts";
import type { MadeStream } from "./made_streams.ts";

const TOKENS = { input: 11, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 9 };
const BOM = "\uFEFF";

const streamOf = (made: MadeStream, ...middle: readonly string[]) =>
  [...made.opening, ...middle, ...made.closing].join("");
const goodStream = (made: MadeStream) =>
  streamOf(made, made.content("Hello there"), made.report(made.usage));
const meterText = (dialect: Dialect, text: string) => meterChecked(dialect, [encode(text)]);

testDialects("a good stream is read, so that what follows spoils something", (dialect, made) => {
  const { usage, hasContent, flags } = meterText(dialect, goodStream(made));
  assertEquals([usage, hasContent, flags], [TOKENS, true, []]);
  const whole = dialect.readAnswer(made.whole("Hi", made.usage), COUNTING_OF_DIALECT[dialect.name]);
  assertEquals([whole.usage, whole.hasContent, whole.flags], [TOKENS, true, []]);
});

testDialects("a BOM, bare CR, CRLF and data in several lines change nothing", (dialect, made) => {
  const good = goodStream(made);
  // A line may end within the JSON wherever white space may stand.
  const lines = good.replaceAll(/^data: \{/gm, "data: {\ndata:");
  for (
    const text of [BOM + good, good.replaceAll("\n", "\r"), good.replaceAll("\n", "\r\n"), lines]
  ) {
    const bytes = encode(text);
    const { usage, hasContent } = meterChecked(dialect, [bytes]);
    assertEquals([usage, hasContent], [TOKENS, true]);
    assertEquals(meterChecked(dialect, chunksOf(bytes, 1)).usage, TOKENS);
  }
});

testDialects(
  "a stream cut anywhere passes, and counts what came or its report",
  (dialect, made) => {
    const bytes = encode(goodStream(made));
    for (let end = 0; end < bytes.length; end++) {
      const { usage } = meterChecked(dialect, [bytes.slice(0, end)]);
      if (usage !== null) assertEquals(usage, TOKENS);
    }
  },
);

testDialects(
  "lesson 31: a line of 5 MB is read, or passes unread above the cap; the report counts",
  (dialect, made) => {
    const long = made.content("x".repeat(5_000_000));
    const chunks = chunksOf(encode(streamOf(made, long, made.report(made.usage))), 65_536);
    const read = meterChecked(dialect, chunks);
    assertEquals([read.usage, read.hasContent, read.flags], [TOKENS, true, []]);
    assert(read.outputTokensUpper >= 1_000_000);
    const unread = meterChecked(dialect, chunks, { maxEventBytes: 100_000 });
    assertEquals([unread.usage, unread.hasContent, unread.flags], [TOKENS, true, ["oversized"]]);
  },
);

testDialects("invalid UTF-8 passes as it came", (dialect, made) => {
  const [before = "", after = ""] = goodStream(made).split("Hello");
  const bytes = concat([encode(before), Uint8Array.of(0xff, 0xc3, 0xe2, 0x82), encode(after)]);
  assertEquals(meterChecked(dialect, [bytes]).usage, TOKENS);
});

testDialects("JSON that is not an object is flagged, and nothing else", (dialect, made) => {
  for (const value of ["7", "null", '"text"', "[[]]", "{", "<html>"]) {
    const text = streamOf(made, `data: ${value}\n\n`, made.content("Hi"), made.report(made.usage));
    const { usage, flags } = meterText(dialect, text);
    assertEquals([usage, flags], [TOKENS, ["unreadable"]], value);
    const whole = meterBody(encode(value), dialect, COUNTING_OF_DIALECT[dialect.name]);
    assertEquals([sane(whole.snapshot).usage, whole.snapshot.hasContent], [null, false], value);
  }
});

testDialects(
  "lesson 22: counts that are no counts are no usage, and never NaN",
  (dialect, made) => {
    const rules = COUNTING_OF_DIALECT[dialect.name];
    for (const name of made.names) {
      for (const count of ["9", 1e300, 1.5, 2e9, {}, [9], true, "NaN"]) {
        const usage = { ...made.usage, [name]: count };
        const streamed = meterText(dialect, streamOf(made, made.content("Hi"), made.report(usage)));
        const whole = sane(dialect.readAnswer(made.whole("Hi", usage), rules));
        for (const snapshot of [streamed, whole]) {
          assertEquals(snapshot.usage, null, JSON.stringify(usage));
          assert(snapshot.flags.includes("usage_unreadable"), JSON.stringify(usage));
          assert(snapshot.outputTokensEstimate >= 1);
        }
      }
      const negative = { ...made.usage, [name]: -5 };
      const { usage, flags } = meterText(dialect, streamOf(made, made.report(negative)));
      assert(usage !== null && flags.includes("negative_count"), name);
    }
  },
);

testDialects("a usage of nulls, of nothing or of another type is none", (dialect, made) => {
  const nulls = Object.fromEntries(Object.keys(made.usage).map((name) => [name, null]));
  for (const usage of [null, {}, nulls, "11", 7, [], [made.usage]]) {
    // Anthropic's first report is overlaid by the second: without a first there is none.
    const opening = made.opening.map((event) => event.replace(/"usage":\{[^}]*\}/, '"usage":null'));
    const text = [...opening, made.content("Hi"), made.report(usage), ...made.closing].join("");
    const { usage: found, hasContent } = meterText(dialect, text);
    assertEquals([found, hasContent], [null, true], JSON.stringify(usage));
  }
});

testDialects("lesson 24: of two usages the last counts, wherever they stand", (dialect, made) => {
  const [, output] = made.names;
  const { total_tokens: _, totalTokenCount: __, ...first } = made.usage;
  const early = made.report({ ...first, [output]: 4000 });
  const late = made.report(made.usage);
  for (
    const middle of [
      [early, late],
      [early, made.content("Hi"), late],
      [made.content("Hi"), early, late],
      [late, made.content("Hi")],
    ]
  ) {
    assertEquals(meterText(dialect, streamOf(made, ...middle)).usage, TOKENS);
  }
});

testDialects("without a last event the report counts all the same", (dialect, made) => {
  const text = [...made.opening, made.content("Hi"), made.report(made.usage)].join("");
  assertEquals(meterText(dialect, text).usage, TOKENS);
  assertEquals(meterText(dialect, text.trimEnd()).usage, TOKENS, "nor its blank line");
});

testDialects(
  "lesson 17: the text of an error is not counted, alone or in an answer",
  (dialect, made) => {
    const text = "It failed. ".repeat(500);
    const alone = meterText(dialect, made.error(text));
    assertEquals([alone.usage, alone.hasContent, alone.outputTokensEstimate], [null, false, 0]);
    assertEquals(alone.error?.message, text);
    const within = meterText(dialect, streamOf(made, made.content("Hi"), made.error(text)));
    const without = meterText(dialect, streamOf(made, made.content("Hi")));
    assertEquals(within.outputTokensEstimate, without.outputTokensEstimate);
  },
);

testDialects("a page with status 200 and a compressed body are no answer", async (dialect) => {
  const page = "<!doctype html>\n<html>\n\n<body>data: hello</body>\n\n</html>\n".repeat(100);
  const gzip = new Blob([page]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(gzip).arrayBuffer());
  for (const bytes of [encode(page), packed]) {
    const { usage, hasContent, outputTokensEstimate } = meterChecked(dialect, [bytes]);
    assertEquals([usage, hasContent, outputTokensEstimate], [null, false, 0]);
    const body = meterBody(bytes, dialect, COUNTING_OF_DIALECT[dialect.name]).snapshot;
    assertEquals([sane(body).usage, body.hasContent], [null, false]);
  }
});
