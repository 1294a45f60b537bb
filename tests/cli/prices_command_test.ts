import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestStack } from "../support/stack.ts";
import { runFarebox } from "../support/farebox.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** Runs `farebox prices …` as a person would; nobody sits at a terminal. */
const prices = (...args: string[]) => runFarebox(stack, ["prices", ...args]);

/** A catalogue in a file: OpenAI's models at these prices per million. */
async function catalogueOf(
  models: Record<string, Record<string, unknown>>,
  run: (file: string) => Promise<void>,
) {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const list = Object.entries(models).map(([id, prices]) => ({
    id,
    match: { equals: id },
    prices,
  }));
  try {
    await Deno.writeTextFile(file, JSON.stringify([{ id: "openai", models: list }]));
    await run(file);
  } finally {
    await Deno.remove(file);
  }
}

const ONE = ["--model", "openai:gpt-4o", "--only"];

async function versions(): Promise<number> {
  const [row] = await stack.sql`select count(*)::int as n from billing.model_pricing_history`;
  return row?.["n"];
}

async function outputPrice(): Promise<string> {
  const [row] = await stack.sql`
    select output_per_1k::text as price from model_pricing where model_id = 'gpt-4o'`;
  return row?.["price"];
}

Deno.test("a dry run shows the difference and writes nothing; without --yes nothing is written either", async () => {
  await catalogueOf({ "gpt-4o": { input_mtok: 2.5, output_mtok: 12 } }, async (file) => {
    const before = await versions();
    const dry = await prices("sync", ...ONE, "--catalogue", file, "--dry-run");
    assertEquals(dry.code, 0);
    assertMatch(dry.out, /openai:gpt-4o +output +10 +12 +×1\.2\n/);
    assertMatch(dry.out, /A dry run: 1 model is to be written, and nothing was/);
    const unconfirmed = await prices("sync", ...ONE, "--catalogue", file);
    assertEquals(unconfirmed.code, 1);
    assertMatch(unconfirmed.err, /Write the price of .*\? .* --yes.*Nothing was written/s);
    assertEquals(await versions(), before);
  });
});

Deno.test("--yes writes, and a second sync changes nothing", async () => {
  await catalogueOf({ "gpt-4o": { input_mtok: 2.5, output_mtok: 9.28 } }, async (file) => {
    const first = await prices("sync", ...ONE, "--catalogue", file, "--yes");
    assertEquals([first.code, await outputPrice()], [0, "0.0092800"]);
    assertMatch(first.out, /✓ 1 changed, 0 added, in one transaction/);
    assertMatch(first.out, /within minutes,\nand find a new model at once/);
    const before = await versions();
    const second = await prices("sync", ...ONE, "--catalogue", file, "--yes");
    assertEquals([second.code, await versions()], [0, before]);
    assertMatch(second.out, /✓ Nothing to write/);
  });
});

Deno.test("what is quarantined is not written and exits with 3, the rest is, and --accept lets it through", async () => {
  const models = {
    "gpt-4o": { input_mtok: 2.5, output_mtok: 99 },
    "gpt-4o-mini": { input_mtok: 0.15, output_mtok: 0.7 },
  };
  await catalogueOf(models, async (file) => {
    const args = ["sync", ...ONE, "--model", "openai:gpt-4o-mini", "--catalogue", file, "--yes"];
    const before = await outputPrice();
    const held = await prices(...args, "--json");
    assertEquals([held.code, await outputPrice()], [3, before]);
    const report = JSON.parse(held.out);
    assertEquals(report.written.map((price: { model_id: string }) => price.model_id), [
      "gpt-4o-mini",
    ]);
    assertEquals(report.models[0].state, "quarantined");
    assertEquals(report.models[0].held_because[0].reason, "factor");
    const accepted = await prices(...args, "--accept", "openai:gpt-4o");
    assertEquals([accepted.code, await outputPrice()], [0, "0.0990000"]);
  });
});

Deno.test("what the operator set is left alone by a sync, and check tells of it", async () => {
  const own = ["openai:o3", "--per", "million", "--input", "2.1", "--output", "8.5"];
  assertEquals((await prices("set", ...own)).code, 0);
  const before = await versions();
  const sync = await prices("sync", "--model", "openai:o3", "--only", "--yes");
  assertEquals([sync.code, await versions()], [0, before]);
  assertMatch(sync.out, /Set by you.*openai:o3 +input +2\.1 +2 /s);
  const check = await prices("check", "--provider", "openai");
  assertEquals(check.code, 1);
  assertMatch(check.out, /sync --accept openai:o3/);
  assertEquals(await versions(), before, "check writes nothing");
});

Deno.test("check exits with 0 where every price is within 1 %, and 1 where one is missing", async () => {
  const check = async (row: Record<string, unknown>) => {
    let code = -1;
    const others = await stack.sql`select model_id from model_pricing where provider_id = 'openai'`;
    assert(others.length > 5);
    await catalogueOf({ "gpt-5-nano": row }, async (file) => {
      code = (await prices("check", "--provider", "openai", "--catalogue", file)).code;
    });
    return code;
  };
  assertEquals(await check({ input_mtok: 0.05, output_mtok: 0.4 }), 0);
  assertEquals(await check({ input_mtok: 0.05, output_mtok: 0.404 }), 0);
  assertEquals(await check({ input_mtok: 0.05, output_mtok: 0.4041 }), 1);
  assertEquals(await check({ input_mtok: 0.05, output_mtok: 0.4, input_audio_mtok: 1 }), 1);
});

Deno.test("set takes exact prices per million or per 1k, and shows before and after", async () => {
  const dry = await prices(
    "set",
    "ollama:mine",
    "--per",
    "1k",
    "--input",
    "0",
    "--output",
    "0.0000001",
    "--dry-run",
  );
  assertEquals(dry.code, 0);
  assertMatch(dry.out, /A dry run: nothing was written/);
  const set = await prices(
    "set",
    "dashscope:qwen",
    "--per",
    "million",
    "--input",
    "0.28",
    "--output",
    "1.1",
    "--cache-read",
    "0.028",
  );
  assertEquals(set.code, 0);
  assertMatch(set.out, /within minutes,\nand find a new model at once/);
  const rows = await stack.sql`
    select provider_id, input_per_1k::text as input, output_per_1k::text as output,
      cache_read_per_1k::text as cache_read, source
    from model_pricing where provider_id in ('ollama', 'dashscope')`;
  assertEquals(rows.map((row) => Object.values(row)), [
    ["dashscope", "0.0002800", "0.0011000", "0.0000280", "operator"],
  ]);
  assertEquals(
    (await prices("set", "dashscope:qwen", "--per", "1k", "--cache-read", "none")).code,
    0,
  );
  const history = await prices("history", "dashscope:qwen");
  assertMatch(
    history.out,
    /in force +cache read 0\.028 → – +operator\n.*input 0\.28 · output 1\.1/s,
  );
});

Deno.test("what is no price of tokens needs no --per; an unchanged price is not told as new", async () => {
  const named = ["set", "openai:gpt-4o", "--display-name", "Four o"];
  const changed = await prices(...named);
  assertEquals(changed.code, 0, changed.err);
  assertMatch(changed.out, /✓ changed; .* The next request is charged at the new price/);
  const again = await prices(...named);
  assertMatch(again.out, /✓ unchanged; it is price version \d+ as before\.$/m);
  assertEquals(again.out.includes("next request"), false);
});

Deno.test("a price of zero is warned of, whatever it was", async () => {
  const zero = await prices(
    "set",
    "openai:gpt-4o",
    "--per",
    "1k",
    "--output-audio",
    "0",
    "--dry-run",
  );
  assertEquals(zero.code, 0);
  assertMatch(zero.err, /! .*audio.*: a price of zero/);
  const other = await prices("set", "openai:gpt-4o", "--request-fee", "0", "--dry-run");
  assertEquals(other.err.includes("a price of zero"), false);
});

Deno.test("bad input is refused with a sentence that says what to do, and no stack trace", async () => {
  const cases: [string[], RegExp][] = [
    [["set", "openai:gpt-4o", "--input", "1"], /price of tokens: say --per million or --per 1k/],
    [["set", "openai:gpt-4o", "--per", "1k"], /Name at least one value/],
    [["set", "openai:new", "--per", "1k", "--input", "1"], /needs --input and --output/],
    [["set", "gpt-4o", "--per", "1k", "--input", "1"], /provider:model/],
    [["set", "openai:gpt-4o", "--per", "million", "--input", "0.00001"], /at most 4 decimals/],
    [["set", "openai:gpt-4o", "--per", "1k", "--input", "1e-3"], /is not an amount/],
    [["set", "openai:gpt-4o", "--per", "1k", "--input", "25"], /per 1k not per million/],
    [["sync", "--provider", "dashscope"], /prices set/],
    [["sync", "--catalogue", "/no/such/file"], /cannot be read, so nothing was done/],
    [["sync", "--second-source", "deno.json"], /LiteLLM's format/],
    [["sync", "--accept", "openai:nothing"], /does not look at/],
    [["sync", "--only"], /name something/],
    [["history", "openai:nothing"], /never had a price/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await prices(...args);
    assert(code === 1 || code === 2, args.join(" "));
    assertMatch(err, message, args.join(" "));
    assertEquals(/\n\s+at /.test(err), false, "no stack trace");
  }
});

Deno.test("list tells every price, its age and its source, and is JSON for scripts", async () => {
  const { out } = await prices("list", "--provider", "anthropic");
  assertMatch(
    out,
    /anthropic:claude-sonnet-4-5 +3 +15 +0\.3 +3\.75 +6 +web search 0\.01 each · over 200000 tokens: input 6, output 22\.5/,
  );
  assertMatch(out, /AGE +SOURCE/);
  const rows: Record<string, unknown>[] = JSON.parse((await prices("list", "--json")).out);
  const haiku = rows.find((row) => row["model_id"] === "claude-haiku-4-5");
  assertEquals(haiku?.["input_per_1k"], "0.001");
});

Deno.test("the packaged catalogue as a whole can be written, and is then as the catalogue says", async () => {
  const first = await prices("sync", "--all", "--yes", "--json");
  const written: { state: string }[] = JSON.parse(first.out).written;
  assert(written.filter(({ state }) => state === "added").length > 500);
  const { models } = JSON.parse((await prices("sync", "--all", "--dry-run", "--json")).out);
  const open = models.filter(({ state }: { state: string }) =>
    state === "new" || state === "change"
  );
  assertEquals(open, []);
});
