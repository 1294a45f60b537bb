/** What an operator can get wrong, or find broken: a sentence, an exit code, and never a stack trace. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BadArgument, requireAmount } from "../../cli/arguments.ts";
import { type FareboxRun, runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const { secretKey, publishableKey } = stack.details;

/** Asserts what was said and how it ended; a stack trace is never said. */
function assertSays(run: FareboxRun, code: number, message: RegExp): void {
  assertMatch(run.err, message);
  assertEquals([run.code, run.out], [code, ""], run.err);
  assertEquals(/\n\s+at /.test(run.err), false, `no stack trace: ${run.err}`);
}

const at = (url: string, key = secretKey) => ({ SUPABASE_URL: url, SUPABASE_SECRET_KEY: key });

Deno.test("an amount is digits and a point, exact and not zero, and only an adjustment's may be below it", () => {
  const never = [
    "5,00",
    "1e9",
    "NaN",
    "Infinity",
    "0",
    "-0",
    "0.0",
    "",
    "$5",
    " 5",
    "0x5",
    "+5",
    "5.",
  ];
  for (const amount of [...never, "0.00000000001", "12345678901", "٥", "-", "5\n"]) {
    for (const mayBeNegative of [true, false]) {
      assertThrows(
        () => requireAmount(amount, mayBeNegative),
        BadArgument,
        "is not an amount in USD",
      );
    }
  }
  assertThrows(
    () => requireAmount("-5", false),
    BadArgument,
    "What takes away is `farebox adjust`",
  );
  requireAmount("-5", true);
  for (const amount of ["1000000.0000000001", "-1000001", "9999999999.9999999999"]) {
    assertThrows(() => requireAmount(amount, true), BadArgument, "is too large an amount");
  }
  for (const amount of ["5", "0.0000000001", "1000000"]) requireAmount(amount, false);
});

Deno.test("a bad amount, count, day or id is refused with a sentence, and nothing is asked of the target", async () => {
  const id = crypto.randomUUID();
  const wrong = [
    ...["5,00", "1e9", "NaN", "-5"].flatMap((amount) => [
      ["grant", "--key", "k", id, "--", amount],
      ["init-users", "--yes", `--amount=${amount}`],
    ]),
    ["refund", id, "--key", "k", "--amount", "5,00"],
    ["announce", "--app", "A", "--support", "a@b.example", "--amount", "1e9"],
    ["adjust", "--key", "k", "--note", "n", id, "5,00"],
    ["grant", id, "1000001", "--key", "k", "--dry-run"],
    ["adjust", "--key", "k", "--note", "n", id, "--", "-9999999999"],
    ["grant", id, "5", "--key", "k".repeat(256), "--dry-run"],
    ["refund", id, "--key", "k".repeat(256)],
    ["grant", "nobody", "5", "--key", "k"],
    ["adjust", "nobody", "5", "--key", "k", "--note", "n"],
    ["refund", "nope", "--key", "k"],
    ["receipt", "nope"],
    ["init-users", "--amount", "5", "--page", "0"],
    ["init-users", "--amount", "5", "--page", "1e3"],
    ["usage", "report", "--by", "day", "--from", "2026-02-30"],
    ["usage", "report", "--by", "day", "--to", "yesterday"],
    ["usage", "report", "--by", "day", "--from", "2026-02-02", "--to", "2026-02-01"],
    ["estimate", "--users", "1e5", "--requests-per-day", "1"],
    ["announce", "--app", "A", "--support", "nobody"],
    ["announce", "--app", "A", "--support", "a@b.example", "--template", "/no/such/folder"],
  ];
  // Nobody listens there: a command that asked would say so.
  const target = at("http://127.0.0.1:9");
  for (const batch of chunks(wrong, 4)) {
    const runs = await Promise.all(batch.map((args) => runFarebox(target, args)));
    for (const [n, run] of runs.entries()) {
      assertEquals(run.code, 2, `${batch[n]?.join(" ")}: ${run.err}`);
      assertSays(
        run,
        2,
        /is not an amount in USD|is too large an amount|--key has 256 characters|is named by its id|is not possible|is not a day|is after --to|is not an e-mail|There is no template/,
      );
    }
  }
});

function chunks<T>(list: T[], size: number): T[][] {
  return list.length === 0 ? [] : [list.slice(0, size), ...chunks(list.slice(size), size)];
}

Deno.test("what is no command, or lacks an option, is 2 with a hint; help that was asked for is 0", async () => {
  const cases: [string[], number, RegExp][] = [
    [["reconcil"], 2, /unknown command 'reconcil'\n\(Did you mean reconcile\?\)/],
    [["grant", crypto.randomUUID(), "5"], 2, /required option '--key <key>' not specified/],
    [["adjust", crypto.randomUUID(), "5", "--key", "k"], 2, /required option '--note <text>'/],
    [["usage", "report", "--by", "hour"], 2, /Allowed choices are user, model, day/],
    [["reconcile", "--loud"], 2, /unknown option '--loud'/],
    [["alerts", "--dry-run"], 2, /^--dry-run goes with --deliver/],
    [["alerts", "set", "nope", "--threshold", "1"], 2, /no rule "nope"\. There are: .*drift/],
    [["--db-url", "nonsense", "sweep"], 2, /^--db-url is no connection string/],
    [["--db-url", "nonsense", "restore", "x"], 2, /^That is not a connection string/],
    [["--db-url", "nonsense", "remove", "--backup", "x"], 2, /^That is not a connection string/],
  ];
  for (const [args, code, message] of cases) {
    assertSays(await runFarebox(stack, args), code, message);
  }
  for (const args of [["restore", "x"], ["remove", "--backup", "x"]]) {
    assertSays(
      await runFarebox(at(stack.url), args),
      2,
      /needs a connection to the database itself/,
    );
  }
  const bare = await runFarebox(stack, []);
  const help = await runFarebox(stack, ["--help"]);
  assertEquals(bare, help);
  assertMatch(help.out, /3 `prices sync` held a price\s+back/);
  assertEquals([help.code, help.err], [0, ""]);
  assertMatch(help.out, /sync, list, set, check,\s+history/);
  assertMatch(help.out, /Exit codes: 0 done · 1 not done, or something wrong found · 2 bad usage/);
});

Deno.test("with --json an error is one document on stdout too, its sentence on stderr", async () => {
  const id = crypto.randomUUID();
  const cases: [string[], number, string][] = [
    [["reconcil"], 2, "BAD_ARGUMENT"],
    [["grant", id, "1e9", "--key", "k"], 2, "BAD_ARGUMENT"],
    [["grant", id, "5", "--key", "k"], 1, "USER_NOT_FOUND"],
    [["receipt", id], 1, "NOT_FOUND"],
    [["--url", "my-project", "sweep"], 2, "TARGET_MISSING"],
    [["restore", "/no/such/file"], 1, "BACKUP_PROBLEM"],
    [["--db-url", "nonsense", "restore", "x"], 2, "BAD_ARGUMENT"],
    [["meter"], 2, "BAD_ARGUMENT"],
  ];
  for (const [args, code, errorCode] of cases) {
    const run = await runFarebox(stack, ["--json", ...args]);
    const { error } = JSON.parse(run.out);
    assertEquals([run.code, error.code], [code, errorCode], run.out);
    assert(run.err.includes(error.message), `${run.err} lacks ${error.message}`);
    assertEquals(error.message.includes(`(${errorCode})`), false);
  }
});

Deno.test("help marks what a command cannot do without", async () => {
  const { out } = await runFarebox(stack, ["grant", "--help"]);
  assertMatch(out, /--key <key>[^-]*counts\s+once \(required\)/);
  assertEquals(out.match(/\(required\)/g)?.length, 1);
});

Deno.test("every command of credit, users and usage has an example in its help", async () => {
  const commands = [
    ..."reconcile sweep grant adjust refund receipt init-users announce estimate".split(" ")
      .map((name) => [name]),
    ["usage", "report"],
  ];
  for (const command of commands) {
    const { code, out } = await runFarebox(stack, [...command, "--help"]);
    assertEquals(code, 0);
    assertMatch(out, /Examples?:\s+farebox /, command.join(" "));
  }
});

Deno.test("a key that is refused, or that may not use the ledger, is said to be", async () => {
  const refused = new RegExp(
    `^That key was refused by ${RegExp.escape(stack.url)}. Give a secret key of this project`,
  );
  const legacy = (role: string) => `eyJhbGciOiJIUzI1NiJ9.${btoa(JSON.stringify({ role }))}.c2ln`;
  for (
    const args of [["reconcile"], ["sweep"], ["prices", "list"], ["init-users", "--amount", "5"]]
  ) {
    assertSays(
      await runFarebox(at(stack.url, "sb_secret_of_another_project"), args),
      1,
      refused,
    );
    for (const key of [publishableKey, legacy("anon")]) {
      assertSays(await runFarebox(at(stack.url, key), args), 2, /^That is a publishable key/);
    }
  }
  assertSays(await runFarebox(at(stack.url, legacy("service_role")), ["sweep"]), 1, refused);
});

Deno.test("no target, half a target or no URL is said to be", async () => {
  const nowhere = { SUPABASE_URL: "" };
  assertSays(
    await runFarebox(nowhere, ["--data", "/no/such/folder", "sweep"]),
    2,
    /No stack runs on \/no\/such\/folder. Start one/,
  );
  assertSays(
    await runFarebox({ SUPABASE_URL: stack.url }, ["sweep"]),
    2,
    /both its URL and a secret/,
  );
  assertSays(await runFarebox(at("my-project"), ["sweep"]), 2, /is not the URL of a project/);
});

Deno.test("a project that cannot be reached, or is none, is said to be, and what to check", async () => {
  const html = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
  );
  const paused = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ message: "Project paused" }, { status: 540 }),
  );
  const open = (server: typeof html) => `http://127.0.0.1:${server.addr.port}`;
  const refusing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `http://127.0.0.1:${refusing.addr.port}`;
  refusing.close();
  const cases: [string, RegExp][] = [
    ["https://no-such-project.invalid", /^There is no host no-such-project.invalid, or no network/],
    [nobody, /^Nothing listens at 127.0.0.1:\d+: connection refused. Check the URL/],
    [open(html), /is no Supabase project: it answers \/rest\/v1\/ with 200 and text\/html/],
    [open(html).replace("http:", "https:"), /does not speak https|cannot be reached/],
    [open(paused), /is paused. Restore the project in the dashboard/],
  ];
  for (const [url, message] of cases) {
    assertSays(await runFarebox(at(url), ["reconcile"]), 1, message);
  }
  await Promise.all([html.shutdown(), paused.shutdown()]);
});

/** The function by this name is not there for as long as `run` takes. */
async function without(schema: string, name: string, run: () => Promise<void>): Promise<void> {
  const rename = async (from: string, to: string) => {
    await stack.sql.unsafe(`alter function ${schema}.${from} rename to ${to}`);
    await stack.sql`notify pgrst, 'reload schema'`;
  };
  await rename(name, `${name}_lost`);
  try {
    await run();
  } finally {
    await rename(`${name}_lost`, name);
  }
}

for (const schema of ["public", "billing"]) {
  Deno.test(`a half-applied migration, without ${schema}.users_count, is named with the command that applies it`, () =>
    without(schema, "users_count", async () => {
      const run = await until("the Data API to forget the function", async () => {
        const tried = await runFarebox(stack, ["init-users", "--amount", "5", "--dry-run"]);
        return tried.code === 0 ? undefined : tried;
      });
      assertSays(
        run,
        1,
        /lacks what users_count needs .*: 20261122000046_credit_for_existing_users.sql is not applied, or only in part. Apply the migrations: `supabase db push/,
      );
    }));
}

Deno.test("an answer of another version is told as that", async () => {
  await stack.sql.unsafe(`
    create or replace function public.users_count() returns jsonb
    language sql stable set search_path = '' as 'select ''{"people": 3}''::jsonb'`);
  assertSays(
    await runFarebox(stack, ["init-users", "--amount", "5", "--dry-run"]),
    1,
    /answers users_count in another form than this tool reads .*Apply the migrations/,
  );
});
