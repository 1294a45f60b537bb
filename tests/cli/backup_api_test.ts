import { assertEquals, assertMatch } from "@std/assert";
import { backupByApi } from "../../cli/backup/backup_command.ts";
import { checkBackup } from "../../cli/backup/read_file.ts";
import { databaseSource, type ExportSource } from "../../cli/backup/source.ts";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { runFarebox } from "../support/farebox.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  reserve,
  settle,
} from "../support/ledger_calls.ts";
import { startTestStack } from "../support/stack.ts";
import { everythingOf, fillLedger } from "../support/whole_ledger.ts";

const folder = await Deno.makeTempDir({ prefix: "farebox-backups-" });
const stack = await startTestStack();
Deno.test.afterAll(async () => {
  await stack.stop();
  await Deno.remove(folder, { recursive: true });
});

/** The stack by its URL and secret key alone. */
const byApi = {
  SUPABASE_URL: stack.url,
  SUPABASE_SECRET_KEY: stack.details.secretKey,
  SUPABASE_PUBLISHABLE_KEY: stack.details.publishableKey,
};

Deno.test("through the Data API the file holds the same rows as from the database", async () => {
  await fillLedger({ sql: stack.sql, service: stack.sql });
  for (const [name, variables] of [["api", byApi], ["db", stack]] as const) {
    const args = ["--json", "backup", "--format", "portable", "--out", `${folder}/${name}`];
    const { code, out, err } = await runFarebox(variables, args);
    assertEquals(code, 0, err);
    assertEquals(JSON.parse(out).moved, false);
  }
  const [api, db] = [await checkBackup(`${folder}/api`), await checkBackup(`${folder}/db`)];
  assertEquals(api.footer.tables, db.footer.tables);
  assertEquals(api.footer.sequences, db.footer.sequences);

  await stack.sql`update public.user_balances set balance = balance + 1`;
  const restored = await runFarebox(stack, ["restore", `${folder}/api`, "--yes"]);
  assertEquals(restored.code, 0, restored.err);
  const clean = await runFarebox(byApi, ["reconcile"]);
  assertEquals(clean.code, 0, clean.err);
  const dump = await runFarebox(byApi, ["backup", "--format", "pg_dump"]);
  assertEquals(dump.code, 1);
  assertMatch(dump.err, /pg_dump needs a connection to the database/);
});

Deno.test("a key that may not read the ledger gets no row of it", async () => {
  const { publishableKey } = stack.details;
  const response = await fetch(`${stack.url}/rest/v1/rpc/export_page`, {
    method: "POST",
    headers: { apikey: publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ p_table: "public.user_balances" }),
  });
  assertEquals([401, 403, 404].includes(response.status), true);
  await response.body?.cancel();
});

Deno.test("a ledger that moves while it is read without one moment is said to, and restored so that it reconciles", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const users = await fillLedger(database);
    const still = await everythingOf(sql);
    await sql.begin(async (transaction) => {
      const source = databaseSource(transaction);
      const file = `${folder}/moving`;
      const options = { out: file, format: "auto", dryRun: false, json: true } as const;
      // After the charges were read: another charge, a new user, and a hold that is open before its
      // money is seen.
      const moving: ExportSource = {
        ...source,
        isSnapshot: false,
        async page(table, after) {
          const page = await source.page(table, after);
          if (table === "public.usage_records") {
            const { requestId } = await reserve(sql, { userId: users[0]! });
            await settle(sql, requestId, 11, 12);
            await createUser(sql);
            await reserve(sql, { userId: users[2]!, outputTokensMax: 1000 });
          }
          return page;
        },
      };
      assertEquals(await quietly(() => backupByApi(moving, options)), 0);
      assertEquals((await checkBackup(file)).footer.moved, true);
    });
    const before = await accountOf(sql, users[0]!);
    const args = ["--json", "restore", `${folder}/moving`, "--yes"];
    const { code, out, err } = await runFarebox({ SUPABASE_DB_URL: url }, args);
    assertEquals(code, 0, err);
    assertEquals(JSON.parse(out).recomputed, {
      accounts: 1,
      released: 0,
      unwelcomed: 0,
      refunds: [],
    });
    await assertReconciled(sql);
    // The charge came after the charges were read: its money is back.
    const after = await accountOf(sql, users[0]!);
    assertEquals(Number(after.balance) > Number(before.balance), true);
    assertEquals((await everythingOf(sql))["receipts"], still["receipts"]);
  }));

Deno.test("a hold that its balance cannot bear is released, and entries below zero are refused", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const [, , holder] = await fillLedger(database);
    const restoreWithout = async (table: string, name: string) => {
      const source = databaseSource(sql as never);
      const without: ExportSource = {
        ...source,
        isSnapshot: false,
        page: async (asked, after) =>
          asked === table
            ? { rows: "", count: 0, mark: "0", next: null }
            : await source.page(asked, after),
      };
      const options = {
        out: `${folder}/${name}`,
        format: "auto",
        dryRun: false,
        json: true,
      } as const;
      await quietly(() => backupByApi(without, options));
      return await runFarebox({ SUPABASE_DB_URL: url }, [
        "--json",
        "restore",
        `${folder}/${name}`,
        "--yes",
      ]);
    };
    const below = await restoreWithout("public.balance_transactions", "below");
    assertEquals(below.code, 1);
    assertMatch(below.err, /entries of 2 accounts sum up to less than nothing.*nothing was done/);

    await sql`alter table public.usage_records disable trigger user`;
    await sql`delete from public.usage_records`;
    await sql`alter table public.usage_records enable trigger user`;
    const held = await restoreWithout("public.balance_transactions", "held");
    // Refunds are gone with the credits, so nothing is left but holds without money.
    assertEquals(held.code, 0, held.err);
    assertEquals(JSON.parse(held.out).recomputed.released, 1);
    assertEquals(await accountOf(sql, holder!), { balance: "0", reserved: "0" });
    await assertReconciled(sql);
  }));

/** What is read is of several moments: `happening` comes once, after the pages of one table. */
async function backUpWhile(
  sql: Sql,
  file: string,
  table: string,
  happening: () => Promise<unknown>,
): Promise<void> {
  await sql.begin(async (transaction) => {
    const source = databaseSource(transaction);
    const moving: ExportSource = {
      ...source,
      isSnapshot: false,
      async page(asked, after) {
        const page = await source.page(asked, after);
        if (asked === table) await happening();
        return page;
      },
    };
    const options = { out: file, format: "auto", dryRun: false, json: true } as const;
    assertEquals(await quietly(() => backupByApi(moving, options)), 0);
  });
}

Deno.test("a sign-up between the pages of credits and of accounts gets its welcome credit after the restore", () =>
  withDatabase(async ({ sql, url }) => {
    const nothing = await createUser(sql);
    await sql`update public.user_balances set welcomed_at = now() - interval '1 day'`;
    const file = `${folder}/sign-up`;
    let late = "";
    await backUpWhile(sql, file, "public.balance_transactions", async () => {
      late = await createUser(sql);
    });
    const { balance } = await accountOf(sql, late);
    const { code, out, err } = await runFarebox({ SUPABASE_DB_URL: url }, [
      "restore",
      file,
      "--yes",
    ]);
    assertEquals(code, 0, err);
    assertMatch(err, /WARNING: the ledger moved while this backup was read/);
    assertMatch(out, /1 users get their welcome credit/);
    assertEquals(Number((await accountOf(sql, late)).balance), 0);
    await call(sql, "welcome", { p_user_id: late });
    await call(sql, "welcome", { p_user_id: nothing });
    assertEquals((await accountOf(sql, late)).balance, balance);
    assertEquals((await accountOf(sql, nothing)).balance, balance, "not twice");
    await assertReconciled(sql);
  }));

Deno.test("a refund whose charge came after the charges were read is left out, listed and counted", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const [userId] = await fillLedger(database);
    const before = await accountOf(sql, userId!);
    let requestId = "";
    await backUpWhile(sql, `${folder}/refund`, "public.usage_records", async () => {
      ({ requestId } = await reserve(sql, { userId: userId! }));
      await settle(sql, requestId, 11, 12);
      await call(sql, "refund", {
        p_request_id: requestId,
        p_amount: "0.0000000002",
        p_key: "late",
        p_reason: "slow",
      });
    });
    const args = ["restore", `${folder}/refund`, "--yes"];
    const { code, out, err } = await runFarebox({ SUPABASE_DB_URL: url }, args);
    assertEquals(code, 0, err);
    assertMatch(out, /1 refunds were left out/);
    assertMatch(out, new RegExp(`0.0000000002 USD to ${userId} for request ${requestId}`));
    assertEquals((await accountOf(sql, userId!)).balance, before.balance);
    await assertReconciled(sql);
  }));

Deno.test("a backup that does not reconcile is not restored: nothing is done, and it says what to do", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const [userId] = await fillLedger(database);
    const file = `${folder}/violation`;
    await sql`alter table public.balance_transactions disable trigger user`;
    await sql`update public.balance_transactions set amount = amount + 1
      where kind = 'refund' and user_id = ${userId!}`;
    await sql`alter table public.balance_transactions enable trigger user`;
    await backUpWhile(sql, file, "public.balance_transactions", () => createUser(sql));
    const before = await everythingOf(sql);
    const { code, out, err } = await runFarebox({ SUPABASE_DB_URL: url }, [
      "restore",
      file,
      "--yes",
    ]);
    assertEquals([code, out], [1, ""], err);
    assertMatch(err, /does not reconcile \(1 violations\): nothing was restored/);
    assertMatch(err, /refunds_are_within_the_charge.*\n.*take a backup with --db-url/);
    assertEquals(await everythingOf(sql), before);
  }));

/** Runs without the summary that belongs on a terminal. */
async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const { log } = console;
  console.log = () => {};
  try {
    return await run();
  } finally {
    console.log = log;
  }
}
