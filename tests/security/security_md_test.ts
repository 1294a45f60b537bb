/** SECURITY.md names the tests that hold what it says: each of them is there, by that name. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const text = (await Deno.readTextFile(`${ROOT}SECURITY.md`)).replace(/\s+/g, " ");

const cited = [...text.matchAll(/`(tests\/[\w/.]+_test\.ts)`: "([^"]+)"/g)]
  .map(([, file, name]) => ({ file: file!, name: name! }));

/** Names with a part that is put in, such as a dialect's, are compared by what stands in the source. */
const PUT_IN = /^(openai-chat|openai-responses|anthropic-messages|gemini)(?=: )/;

Deno.test("each test that SECURITY.md names is there, by that name", async () => {
  assert(cited.length >= 50, `${cited.length} are named`);
  const sources = new Map<string, string>();
  const missing: string[] = [];
  for (const { file, name } of cited) {
    if (!sources.has(file)) {
      sources.set(file, await Deno.readTextFile(ROOT + file).catch(() => ""));
    }
    const source = sources.get(file)!;
    const written = [`"${name}"`, "`" + name.replace(PUT_IN, "${dialect.name}") + "`"];
    const isThere = written.some((words) =>
      source.includes(`Deno.test(${words}`) || source.includes(`browserTest(
  ${words}`)
    );
    if (!isThere) missing.push(`${file}: ${name}`);
  }
  assertEquals(missing, []);
});

Deno.test("every threat names a test, or says why it cannot", () => {
  const part = text.slice(text.indexOf("## Threats"), text.indexOf("## What is not defended"));
  const rows = part.split(" | | ").length;
  assert(rows > 40, `${rows} rows`);
  const files = [...part.matchAll(/`(tests\/[^`]+)`/g)].map(([, file]) => file!);
  const named = new Set(cited.map(({ file }) => file));
  assertEquals(files.filter((file) => !named.has(file)), []);
});

Deno.test("every test of tests/security is named in SECURITY.md", async () => {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(`${ROOT}tests/security`)) {
    if (name.endsWith("_test.ts")) files.push(name);
  }
  assertEquals(files.filter((name) => !text.includes(`tests/security/${name}`)), []);
});
