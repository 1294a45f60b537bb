import { assertEquals } from "@std/assert";
import { dirname } from "node:path";
import { checkImports } from "../../scripts/check_imports.ts";

const PINS = { imports: { "postgres": "npm:postgres@3.4.9" } };
const CLEAN: Record<string, string> = {
  "deno.json": JSON.stringify(PINS),
  "supabase/functions/one/deno.json": JSON.stringify(PINS),
  "supabase/functions/one/index.ts": `import "./handler.ts";`,
  "supabase/functions/one/handler.ts": `import "../../../shared/edge/env.ts";`,
  "supabase/functions/two/deno.json": JSON.stringify(PINS),
  "supabase/functions/two/index.ts": `import "../../../shared/pricing/money.ts";`,
  "shared/edge/env.ts": `import type { Usd } from "../pricing/money.ts";\nexport type E = Usd;`,
  "shared/llm/meter.ts": `export * as money from "../pricing/money.ts";`,
  "shared/pricing/money.ts": `export type Usd = bigint;`,
  "local/start.ts": `import "../supabase/functions/one/index.ts";`,
};

/** Runs the gate on a repo of `files` laid over a clean one; answers `file:line rule` lines. */
async function check(files: Record<string, string>): Promise<string[]> {
  const root = await Deno.makeTempDir({ prefix: "farebox-gate-" });
  try {
    for (const [path, text] of Object.entries({ ...CLEAN, ...files })) {
      await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const { violations } = await checkImports(root);
    return violations.map(({ file, line, rule }) => `${file}:${line} ${rule}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("imports that go down the house are allowed, type-only ones too", async () => {
  assertEquals(await check({}), []);
});

Deno.test("an import upward is reported with its file and line, also when type-only or dynamic", async () => {
  const found = await check({
    "shared/pricing/money.ts": `\nimport type { E } from "../edge/env.ts";\nexport type Usd = E;`,
    "shared/llm/meter.ts": `export const edge = () => import("../edge/env.ts");`,
  });
  assertEquals(found, ["shared/llm/meter.ts:1 direction", "shared/pricing/money.ts:2 direction"]);
});

Deno.test("a function that imports another function is reported", async () => {
  const found = await check({
    "supabase/functions/two/index.ts": `import "../one/handler.ts";`,
  });
  assertEquals(found, ["supabase/functions/two/index.ts:1 direction"]);
});

Deno.test("shared code that imports the tools around it is reported", async () => {
  const found = await check({
    "shared/llm/meter.ts": `import "../../local/start.ts";`,
  });
  assertEquals(found, ["shared/llm/meter.ts:1 direction"]);
});

Deno.test("an import without its extension and an `export *` are reported", async () => {
  const found = await check({
    "shared/llm/meter.ts": `export * from "../pricing/money.ts";\nimport "../pricing/money";`,
  });
  assertEquals(found, [
    "shared/llm/meter.ts:1 export",
    "shared/llm/meter.ts:2 extension",
    "shared/pricing/money:1 readable",
  ]);
});

Deno.test("a package is reported where the uploaded deno.json does not pin it as the root's does", async () => {
  const found = await check({
    "shared/edge/env.ts": `import "postgres";`,
    "supabase/functions/one/deno.json": `{"imports":{}}`,
    "shared/pricing/money.ts": `import "npm:zod@4.6.7/mini";`,
  });
  assertEquals(found, [
    "shared/pricing/money.ts:1 pins",
    "supabase/functions/one/deno.json:1 pins",
    "supabase/functions/two/deno.json:1 pins",
  ]);
});

Deno.test("a file over 400 lines is reported", async () => {
  const found = await check({ "shared/llm/meter.ts": "//\n".repeat(401) });
  assertEquals(found, ["shared/llm/meter.ts:401 length"]);
});

Deno.test("the page imports elements and client, never the other way round nor the server", async () => {
  const allowed = {
    "web/client/mod.ts": `export const a = 1;`,
    "web/elements/mod.ts": `import "../client/mod.ts";`,
    "web/page/main.tsx": `import "../elements/mod.ts";\nimport "../client/mod.ts";`,
    "web/build.ts": `import "./page/main.tsx";`,
    "local/page.ts": `import "../web/build.ts";`,
    "web/dist/page.js": `import "../../local/page.ts";`,
  };
  assertEquals(await check(allowed), []);
  const found = await check({
    ...allowed,
    "web/client/mod.ts": `import "../elements/mod.ts";`,
    "web/elements/mod.ts": `import "../page/main.tsx";`,
    "web/page/main.tsx": `import "../../shared/pricing/money.ts";`,
  });
  assertEquals(found, [
    "web/client/mod.ts:1 direction",
    "web/elements/mod.ts:1 direction",
    "web/page/main.tsx:1 direction",
  ]);
});
