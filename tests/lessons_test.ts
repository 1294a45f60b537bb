/**
 * The gate of the lessons: what went wrong in systems like this one, and the tests that hold it here. A
 * test names its lesson at the beginning of its name, as in `lesson 13: a client that cuts …`.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Every lesson by its number, in a few words. */
const LESSONS: Readonly<Record<number, string>> = {
  1: "check, then act: sold twice",
  2: "a cache and the database disagree",
  3: "first calls of a new user pass the limit",
  4: "enforcement that nothing calls",
  5: "a long stream empties the account",
  6: "a route without a reservation",
  7: "no funds, so no record",
  8: "output without a limit is held for too little",
  9: "a hold that nobody releases",
  10: "the hold and the actual both counted",
  11: "money and state in two transactions",
  12: "resolved twice, charged twice",
  13: "a client that leaves loses us its usage",
  14: "read it all, leave before the usage",
  15: "the provider bills on after we left",
  16: "empty or failed, and charged",
  17: "an error's text counted as output",
  18: "an estimate above what can be",
  19: "a stream that reports no usage",
  20: "cached tokens counted twice, or in full",
  21: "reasoning missed, or counted twice",
  22: "counts below zero",
  23: "a reported zero taken for absent",
  24: "cumulative reports added up",
  25: "reading an answer again bills again",
  26: "the provider's id as our key",
  27: "a top-up credited twice",
  28: "prices off by a thousand",
  29: "a model without a price is free",
  30: "deadlocks, and connections used up",
  31: "memory without a bound, latency unknown",
  32: "users who grant themselves credit",
  33: "charges that round to nothing",
  34: "only the first page of users",
};

/** Lessons that no test can hold yet, as what they are about is not there. */
const NOT_BUILT: Readonly<Record<number, string>> = {};

/** A test that names a lesson. */
type Named = { lesson: number; file: string; test: string };

const TS_TEST = /\b(?:Deno\.test|test[A-Z]\w*)\(\s*(["'`])lesson (\d+): (.*?)\1\s*,/gs;
const SQL_TEST = /^(?!\s*--).*?'lesson (\d+): ((?:[^']|'')*)'/gm;

/** The tests of a source that name a lesson; one that is ignored or commented out is none. */
function namedIn(file: string, source: string): Named[] {
  const isSql = file.endsWith(".sql");
  const matches = isSql
    ? source.matchAll(SQL_TEST)
    : source.replace(/^\s*\/\/.*$/gm, "").matchAll(TS_TEST);
  return [...matches].map((match) => {
    const [lesson = "", test = ""] = match.slice(isSql ? 1 : 2);
    return { lesson: Number(lesson), file, test };
  });
}

/** What is wrong with `named`: lessons without a test or a reason, and reasons that no longer hold. */
function faultsOf(named: readonly Named[], notBuilt = NOT_BUILT): string[] {
  const held = new Set(named.map(({ lesson }) => lesson));
  const missing = Object.entries(LESSONS)
    .filter(([lesson]) => !held.has(Number(lesson)) && !(lesson in notBuilt))
    .map(([lesson, words]) =>
      `No test names lesson ${lesson} (${words}). Write one, or the reason.`
    );
  const stale = Object.keys(notBuilt)
    .filter((lesson) => held.has(Number(lesson)))
    .map((lesson) => `A test names lesson ${lesson}. Take it out of NOT_BUILT.`);
  const unknown = named
    .filter(({ lesson }) => !(lesson in LESSONS))
    .map(({ lesson, file }) => `${file} names lesson ${lesson}, which there is not.`);
  return [...missing, ...stale, ...unknown];
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await testFiles(path));
    else if (/(_test\.ts|\.test\.sql)$/.test(name)) files.push(path);
  }
  return files.toSorted();
}

function tableOf(named: readonly Named[]): string {
  const lines = Object.entries(LESSONS).flatMap(([lesson, words]) => [
    `${lesson.padStart(2)}  ${words}`,
    ...named.filter((one) => one.lesson === Number(lesson))
      .map(({ file, test }) => `      ${file}: ${test}`),
    ...(lesson in NOT_BUILT ? [`      [${NOT_BUILT[Number(lesson)]}]`] : []),
  ]);
  return lines.join("\n");
}

Deno.test("every lesson has a test that names it, or a reason why there is none", async () => {
  const files = [...await testFiles("tests"), ...await testFiles("supabase/tests/database")];
  const sources = await Promise.all(
    files.filter((file) => file !== "tests/lessons_test.ts")
      .map(async (file) => namedIn(file, await Deno.readTextFile(`${ROOT}/${file}`))),
  );
  const named = sources.flat();
  console.log(tableOf(named));
  assertEquals(faultsOf(named), []);
});

Deno.test("a lesson that lost its test is told, as is one without a number of ours", () => {
  const notBuilt = { 34: "there is nothing of it yet" };
  const all = Object.keys(LESSONS).map(Number).filter((lesson) => !(lesson in notBuilt))
    .map((lesson) => ({ lesson, file: "a_test.ts", test: "…" }));
  assertEquals(faultsOf(all, notBuilt), []);
  assertEquals(faultsOf(all.filter(({ lesson }) => lesson !== 13), notBuilt).length, 1);
  const more = [35, 34].map((lesson) => ({ lesson, file: "b_test.ts", test: "…" }));
  const [stale = "", unknown = ""] = faultsOf([...all, ...more], notBuilt);
  assert(stale.includes("NOT_BUILT") && unknown.startsWith("b_test.ts names lesson 35"));
});

Deno.test("names are found in TypeScript and pgTAP, and not in comments or ignored tests", () => {
  const ts = [
    `Deno.test("lesson 1: it's one", () => {});`,
    'for (const x of y) {\n  Deno.test(\n    `lesson 2: ${x} is "two"`,\n    () => {},\n  );\n}',
    `testDialects("lesson 3: three", run);`,
    `// Deno.test("lesson 4: four", () => {});`,
    `Deno.test.ignore("lesson 5: five", () => {});`,
    `const text = "lesson 6: six";`,
  ].join("\n");
  assertEquals(namedIn("a_test.ts", ts).map(({ lesson, test }) => [lesson, test]), [
    [1, "it's one"],
    [2, '${x} is "two"'],
    [3, "three"],
  ]);
  const sql =
    `select is(1, 1, 'lesson 7: a user''s own');\n-- 'lesson 8: eight'\n  'lesson 9: nine'`;
  assertEquals(namedIn("a.test.sql", sql).map(({ lesson }) => lesson), [7, 9]);
});
