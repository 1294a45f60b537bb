import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encode as encodeCl100k } from "gpt-tokenizer/cl100k_base";
import { encode as encodeO200k } from "gpt-tokenizer/o200k_base";
import { createTextTokens } from "../../shared/llm/text_tokens.ts";
import { estimateTokens } from "./text_estimate.ts";

/** `<|endoftext|>` and the like are text here, as they are to a provider. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };
const o200k = (text: string) => encodeO200k(text, AS_TEXT).length;
const cl100k = (text: string) => encodeCl100k(text, AS_TEXT).length;

function upper(text: string): number {
  const tokens = createTextTokens();
  tokens.add(text);
  return tokens.upper();
}

function assertBound(text: string): void {
  const bound = upper(text);
  const shown = JSON.stringify(text.slice(0, 200));
  assert(o200k(text) <= bound, `o200k has ${o200k(text)}, bound to ${bound}: ${shown}`);
  assert(cl100k(text) <= bound, `cl100k has ${cl100k(text)}, bound to ${bound}: ${shown}`);
  assert(estimateTokens(text) <= bound, `estimated above the bound: ${shown}`);
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const ALNUM = LOWER + LOWER.toUpperCase() + DIGITS;
const readText = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

const ENGLISH = [
  readText("README.md"),
  readText("DEPLOYMENT.md"),
  readText("ARCHITECTURE.md"),
  "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age " +
  "of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the " +
  "season of Light, it was the season of Darkness, it was the spring of hope, it was the winter " +
  "of despair. \"I don't know,\" she said, \"but we'll find out by five o'clock, won't we?\"",
];
const CODE = [
  readText("shared/edge/env.ts"),
  readText("shared/llm/sse_events.ts"),
  readText("supabase/migrations/20261122000008_reserve.sql"),
  readText("web/page/index.html"),
  readText("deno.json"),
];

/** Texts of one alphabet, up to `maxLength` units of it. */
const of = (alphabet: string | readonly string[], maxLength = 300) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength, size: "max" }).map((units) => units.join(""));
/** A slice of a text that people wrote. */
const sliceOf = (texts: readonly string[]) =>
  fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.integer({ min: 1, max: 500 }))
    .map(([text, at, length]) => text.slice(at % text.length).slice(0, length));

const KINDS: Record<string, fc.Arbitrary<string>> = {
  "random ASCII": fc.string({ unit: "binary-ascii", maxLength: 300, size: "max" }),
  "printable ASCII": fc.string({ maxLength: 300, size: "max" }),
  "any Unicode": fc.string({ unit: "binary", maxLength: 300, size: "max" }),
  graphemes: fc.string({ unit: "grapheme", maxLength: 300, size: "max" }),
  "lower case": of(LOWER),
  "lower case repeated": fc.tuple(of(LOWER, 6), fc.integer({ min: 1, max: 40 }))
    .map(([part, times]) => part.repeat(times)),
  "rare letters": of("jkqvxyzabw"),
  "mixed case": of(LOWER + LOWER.toUpperCase()),
  base64: of(`${ALNUM}+/=`),
  hex: of("0123456789abcdef"),
  digits: of(DIGITS),
  "spaced digits": of(DIGITS).map((text) => [...text].join(" ")),
  "widely spaced digits": of([..."0123456789", "  1", "   2"]),
  "letters and spaces": of([...LOWER, ..."AEIOU", " ", " ", "  "]),
  contractions: of(["'s", "'LL", "'re", "'VE", "'d", "'", "a", "b", "th", "RE", " "]),
  "white space": of([" ", "  ", "    ", "\t", "\n", "\r\n", "a"]),
  punctuation: of("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \na"),
  emoji: of(["😀", "👩‍👩‍👧", "🇩🇪", "❤️", "✨", "1️⃣", " "]),
  "Chinese and Japanese": of("敏捷的棕色狐狸跳过懒狗吾輩は猫であるア、。a "),
  "other scripts": of("привет мирΚαλημέραשלוםمرحباनमस्ते안녕하세요éüßñ"),
  "lone surrogates": of(["\ud83d", "\ude00", "a", " "]),
  "special tokens": of(["<|endoftext|>", "<|im_start|>", "a", " "]),
  English: sliceOf(ENGLISH),
  code: sliceOf(CODE),
  "all of them": of(["aB1", "qz", "duh", " 7", "  8", "\n\t", "é", "字", "😀", "'s", "_", "Ww"]),
};

for (const [name, texts] of Object.entries(KINDS)) {
  Deno.test(`no text has more tokens than its upper bound, nor is estimated at more: ${name}`, () => {
    fc.assert(fc.property(texts, assertBound), { numRuns: 150 });
  });
}

Deno.test("texts that are made to exceed the bound do not", () => {
  // Each is a token a byte, or two for three, in one of the tokenizers.
  for (const part of ["qz", "yj", "duh", "hbm", "aB1", "1 ", "  1", "Xq", "wq ", "zqfjz"]) {
    assertBound(part.repeat(200));
  }
});

Deno.test("every pair of common letters is one token, as is a space with any letter", () => {
  const common = [...LOWER].filter((letter) => !"jkqvxyz".includes(letter));
  for (const first of common) {
    for (const second of common) {
      assertEquals([o200k(first + second), cl100k(first + second)], [1, 1], first + second);
    }
  }
  for (const letter of LOWER + LOWER.toUpperCase()) {
    assertEquals([o200k(` ${letter}`), cl100k(` ${letter}`)], [1, 1], letter);
  }
});

Deno.test("every text of eight spaces, tabs and line ends stays below its bound", () => {
  const units = [" ", "\t", "\n", "a"];
  for (let i = 0; i < units.length ** 8; i++) {
    assertBound(
      Array.from({ length: 8 }, (_, at) => units[(i >> (2 * at)) & 3]).join(""),
    );
  }
});

Deno.test("a byte is a token, but for sure pairs: two of three letters, a third of a run of spaces", () => {
  assertEquals(upper("a"), 1);
  assertEquals(upper("the"), 3); // 1 + 2/3 + 2/3
  assertEquals(upper("thethethethe"), 9);
  assertEquals(upper("ABC123"), 6);
  assertEquals(upper(" "), 1);
  assertEquals(upper(" ".repeat(62)), 22);
  assertEquals(upper("{}\n"), 3);
  assertEquals(upper("é"), 2);
  assertEquals(upper("字"), 3);
  assertEquals(upper("😀"), 4);
});

Deno.test("English is bound at no more than three and a half tokens for one, give or take a tenth", () => {
  for (const text of ENGLISH) {
    const ratio = upper(text) / o200k(text);
    assert(ratio < 3.6, `${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
});

function assertWithin(share: number, text: string): void {
  const ratio = estimateTokens(text) / o200k(text);
  assert(
    Math.abs(ratio - 1) <= share,
    `${ratio.toFixed(2)} of ${JSON.stringify(text.slice(0, 60))}`,
  );
}

Deno.test("the estimate of English is within a fifth of o200k", () => {
  for (const text of ENGLISH) assertWithin(0.2, text);
  assertWithin(0.2, "The quick brown fox jumps over the lazy dog.");
});

Deno.test("the estimate of code, JSON, base64, hex, digits and other scripts is within a half of o200k", () => {
  const random = (alphabet: string) =>
    fc.sample(
      fc.array(fc.constantFrom(...alphabet), { minLength: 5000, maxLength: 5000 }),
      { numRuns: 3, seed: 1 },
    ).map((units) => units.join(""));
  const others = [
    "敏捷的棕色狐狸跳过了懒狗。今天天气很好,我们一起去公园散步吧。",
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
  ];
  for (
    const text of [
      ...CODE,
      ...others,
      ...random(`${ALNUM}+/`),
      ...random("0123456789abcdef"),
      ...random(DIGITS),
      ...random(DIGITS).map((text) => [...text].join(" ")),
      ...random(ALNUM),
    ]
  ) assertWithin(0.5, text);
});

Deno.test("text in pieces counts as the text whole, cut anywhere", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (parts) => {
    const [whole, pieces] = [createTextTokens(), createTextTokens()];
    whole.add(parts.join(""));
    for (const unit of parts.join("").split("")) pieces.add(unit);
    assertEquals([pieces.upper(), pieces.estimate()], [whole.upper(), whole.estimate()]);
  }));
});

Deno.test("two texts are bound as two: no token spans them", () => {
  const tokens = createTextTokens();
  for (let i = 0; i < 30; i++) {
    tokens.separate();
    tokens.add("d");
  }
  assertEquals(tokens.upper(), 30);
});

Deno.test("ten megabytes are counted in well under a second", () => {
  const text = "The quick brown fox, aB1 字 ".repeat(400_000);
  const started = performance.now();
  assert(upper(text) > 0);
  const tookMs = performance.now() - started;
  assert(tookMs < 1000, `${tookMs} ms`);
});
