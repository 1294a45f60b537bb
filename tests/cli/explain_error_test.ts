/** Errors that no command need be run for: a database by its own address, files, hosts that say nothing. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import postgres from "postgres";
import { BadArgument } from "../../cli/arguments.ts";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import { explainError } from "../../cli/explain_error.ts";
import { fetchWhereReached } from "../../cli/reach.ts";
import { TargetMissing } from "../../cli/target.ts";
import { withDatabase } from "../support/database.ts";

const target = { url: "http://127.0.0.1:9", secretKey: "sb_secret_x", isLocal: false };

/** What a query at `url` ends in. */
async function errorAt(url: string, query = "select 1"): Promise<unknown> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 5 });
  try {
    return await sql.unsafe(query).then(() => null, (error: unknown) => error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

Deno.test("bad usage is 2, a refusal 1, and a bug is told with its stack", async () => {
  const codeOf = async (error: unknown) => (await explainError(error, target))?.exitCode ?? null;
  assertEquals(await codeOf(new BadArgument("no")), 2);
  assertEquals(await codeOf(new TargetMissing("none")), 2);
  assertEquals(await codeOf({ code: "CONFLICT", message: "Twice." }), 1);
  assertEquals(await codeOf(new TypeError("x is undefined")), null);
});

Deno.test("a database that is not there, or refuses, is told without its password", () =>
  withDatabase(async ({ url }) => {
    const gone = new URL(url);
    gone.port = "9";
    const wrong = new URL(url);
    wrong.password = "hunter2";
    const told = async (error: unknown) => (await explainError(error, target))?.message ?? "";
    const messages = [
      await told(await errorAt(gone.href)),
      await told(await errorAt(wrong.href)),
      await told(await errorAt(url, "select * from nothing")),
    ];
    assertMatch(messages[0]!, /^The database of --db-url cannot be reached \(ECONNREFUSED\)/);
    assertMatch(messages[1]!, /^The database of --db-url refused the password/);
    assertMatch(messages[2]!, /^The database says: relation "nothing" does not exist \(42P01\)\.$/);
    for (const message of messages) {
      assertEquals(message.includes(gone.password) || message.includes("hunter2"), false);
    }
  }));

Deno.test("an amount that overflows is told as that, and never to be tried again", () =>
  withDatabase(async ({ url }) => {
    const outages = [
      await errorAt(url, "select 1e12::numeric(20,10)"),
      new LedgerUnavailable("grant_credit", "http 400, 22003"),
    ];
    for (const error of outages) {
      const { message = "", exitCode } = await explainError(error, target) ?? {};
      assertEquals(exitCode, 1);
      assertMatch(message, /^An amount is too large/);
      assertEquals(message.includes("Retry"), false);
    }
  }));

Deno.test("a file that is not there is named", async () => {
  const error = await Deno.readTextFile("/no/such/file").catch((error: unknown) => error);
  assertMatch(
    (await explainError(error, target))?.message ?? "",
    /No such file .*'\/no\/such\/file'\.$/,
  );
});

Deno.test("a host that says nothing is given up within seconds, not when the ledger's time is over", async () => {
  const never = ({ signal }: Deno.ConnectOptions) =>
    new Promise<never>((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason))
    );
  const ask = fetchWhereReached("https://silent.example", never, 20);
  await assertRejects(() => ask("https://silent.example/rest/v1/"), DOMException, "timeout");
});

Deno.test("a host is tried once, at its own port, and then asked", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("here"),
  );
  const tried: unknown[] = [];
  const url = `http://127.0.0.1:${server.addr.port}`;
  const ask = fetchWhereReached(url, (options) => {
    tried.push([options.hostname, options.port]);
    return Promise.resolve({ close: () => {} });
  });
  assertEquals(await (await ask(url)).text(), "here");
  assertEquals(await (await ask(url)).text(), "here");
  assertEquals(tried, [["127.0.0.1", server.addr.port]]);
  await server.shutdown();
});
