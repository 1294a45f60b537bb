/**
 * No regular expression that reads a stranger's text takes more than linear time for it. Whether one
 * can is decided by `recheck`, which builds the attack where there is one.
 */
import { assert, assertEquals } from "@std/assert";
import { checkSync } from "recheck";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import { streamedText } from "../../web/page/state/markdown_tail.ts";
import proven from "./proven_patterns.json" with { type: "json" };
import { type Pattern, patternsIn, patternsOf } from "./patterns.ts";

/** Those that take the square of their text's length, and what bounds it; by file and pattern. */
const BOUNDED: Readonly<Record<string, string>> = {
  [String.raw`shared/llm/providers.ts \/+$`]: "the operator's own address",
  [String.raw`shared/llm/provider_cost.ts \.?0+$`]: "a number of at most 20 digits",
  [String.raw`shared/pricing/money.ts 0+$`]: "ten decimals",
  [String.raw`web/elements/amount.ts 0+$`]: "an amount",
  [String.raw`web/elements/receipt_words.ts 0+$`]: "an amount",
  [String.raw`cli/prices/decimal.ts 0+$`]: "a price",
  [String.raw`cli/prices/wording.ts 0+$`]: "a price",
  [String.raw`web/client/http.ts \/+$`]: "the app's own address",
  [String.raw`web/elements/money_text.ts \B(?=(\d{3})+$)`]: "the digits of an amount",
  [String.raw`web/page/state/settings.ts \/+$`]: "the page's own address",
  [String.raw`web/page/ui/cost_line.tsx ^0*\.?0*$`]: "an amount that the proxy wrote",
  [String.raw`web/page/state/conversation_history.ts \[\[demo:[\s\S]*?\]\]`]: "one's own question",
  [String.raw`web/page/state/markdown_tail.ts !?\[([^\]\n]*)(?:\](?:\([^)\n]*)?)?$`]: "4,000",
  [String.raw`web/page/state/markdown_tail.ts <\/?(?:[a-z][^>\n]{0,40})?$`]: "4,000 characters",
  ["web/page/state/markdown_tail.ts [*_`~]+$"]: "4,000 characters",
  [String.raw`cli/target.ts \/+$`]: "the operator's own address",
  [String.raw`cli/doctor/project.ts <[^>]*>|\s+`]: "2,000 characters",
  [String.raw`cli/settings/read_value.ts ^[^\s@,]+\.[^\s@,]+$`]: "the operator's own argument",
};

/** Files that read their own repository, their operator's page, or no more than a bounded head. */
const OWN_INPUT = new Set([
  "shared/edge/log.ts", // At most 10,000 characters, as many as a line has.
  "cli/doctor/migrations.ts",
  "cli/doctor/check_functions.ts",
  "cli/backfill/usage_line.ts",
]);

/** Those that recheck 4.5.0 has found safe, and took long to: `source/flags`, to the letter. */
const PROVEN: ReadonlySet<string> = new Set(proven);

const isUnbounded = ({ source, flags }: Pattern) => checkSync(source, flags).status !== "safe";
const nameOf = ({ where, source }: Pattern) => `${where.split(":")[0]} ${source}`;

const patterns = await patternsIn([
  ...["shared", "supabase/functions", "web/client", "web/elements", "web/page", "cli"],
]);

Deno.test("no pattern that reads a stranger's text takes more than linear time", () => {
  assert(patterns.length > 150, `${patterns.length} patterns`);
  const verdicts = new Map<string, boolean>();
  const slow = patterns.filter((pattern) => {
    const { where, source, flags } = pattern;
    if (nameOf(pattern) in BOUNDED || OWN_INPUT.has(where.split(":")[0]!)) return false;
    const key = `${source}/${flags}`;
    if (PROVEN.has(key)) return false;
    if (!verdicts.has(key)) verdicts.set(key, isUnbounded(pattern));
    return verdicts.get(key);
  });
  assertEquals(slow, []);
});

Deno.test("each exception is still there: it excuses nothing that comes later", () => {
  const names = new Set(patterns.map(nameOf));
  assertEquals(Object.keys(BOUNDED).filter((name) => !names.has(name)), []);
});

Deno.test("a pattern that hangs would be found, in a literal as in what is put together", () => {
  const found = patternsOf(
    "a.ts",
    'const a = /^(a+)+$/; const b = new RegExp(["_+x", "y"].join("|"), "g");',
  );
  assertEquals(found.map(isUnbounded), [true, true]);
});

Deno.test("a name of underscores is read by Gemini's dialect as often as it is long, and no oftener", () => {
  const gemini = DIALECTS.get("gemini")!;
  const name = `${"_".repeat(2_000_000)}-`;
  const body = { contents: [{ role: "user", parts: [{ text: "Hi" }] }], [name]: 1 };
  const target = { model: "gemini-2.5-flash", stream: false, method: "generateContent" } as const;
  // Before, this took hours: that the test ends is what it asserts.
  assert(gemini.readRequest(body, target).kind !== "fault");
});

Deno.test("an answer that repeats one mark without end is shown as it comes, and holds no page up", () => {
  for (const mark of ["[", "<", "`", "*_", "| ", " ", "<a", "![", "|-"]) {
    const text = `Before.\n\n${mark.repeat(200_000)}`;
    // A tail that is tidied would take hours: that the test ends is a part of what it asserts.
    assertEquals(streamedText(text), text);
  }
  assertEquals(streamedText("Some **bold"), "Some **bold**");
  const table = "| a | b |\n| --- | --- |\n| 1";
  assertEquals(streamedText(table), table);
  assertEquals(streamedText("| a | b |"), "");
});
