/**
 * The rollback of DEPLOYMENT.md and its recovery, as one drill: everything is removed under a running
 * product, chats go on meanwhile, and in the end every charge is there, once.
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { accountOf, exact } from "../support/charges.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { remoteDatabase, runSupabaseCli } from "../support/supabase_cli.ts";
import { until } from "../support/until.ts";
import { post, QUESTION, settled } from "./clients_harness.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const stack = await startTestStack({ env: { LEDGER_OUTAGE: "allow" } });
Deno.test.afterAll(() => stack.stop());
const folder = await Deno.makeTempDir({ prefix: "farebox-drill-" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Runs the tool, which must succeed. */
async function farebox(...args: string[]): Promise<string> {
  const { code, out, err } = await runFarebox(stack, args);
  assertEquals(code, 0, `farebox ${args.join(" ")}: ${out}${err}`);
  return out;
}

async function chatOf(user: TestUser): Promise<void> {
  const response = await post(stack, user, { ...QUESTION, stream: true });
  assertEquals(response.status, 200, await response.text());
}

/** What the functions have printed, as a file. */
async function saveLog(): Promise<string> {
  const file = `${folder}/functions.log`;
  await Deno.writeTextFile(file, (await stack.log()).join("\n"));
  return file;
}

async function pushMigrations(): Promise<void> {
  await runSupabaseCli(["db", "push", remoteDatabase(stack.details.dbUrl), "--yes"], {
    workdir: ROOT,
  });
  await stack.sql`notify pgrst, 'reload schema'`;
}

/** The request ids and costs that the log tells of, by user. */
async function soldByLog(userId: string): Promise<Map<string, string>> {
  const sold = new Map<string, string>();
  for (const line of await stack.log()) {
    const fields = /Usage recorded: (\{.*\})/.exec(line)?.[1];
    if (fields === undefined) continue;
    const usage: { request_id: string; user_id: string; cost: string } = JSON.parse(fields);
    if (usage.user_id === userId) sold.set(usage.request_id, usage.cost);
  }
  return sold;
}

const [ada, bob] = [await stack.signUp(), await stack.signUp()];

Deno.test("after a removal and a restore, what was sold before, after the backup, and while nothing was there is charged once each", async () => {
  await chatOf(ada);
  await chatOf(bob);
  await settled(stack);
  await farebox("grant", ada.id, "2.5", "--key", "invoice-1", "--kind", "top_up");
  const backup = `${folder}/before.backup`;
  await farebox("backup", "--out", backup);

  await chatOf(ada); // after the backup: only the log tells of it
  await settled(stack);
  const before = await accountOf(stack.sql, ada);

  const last = `${folder}/last.backup`;
  await farebox("backup", "--out", last);
  await farebox("remove", "--backup", last, "--yes");
  const gone = await stack.sql`select to_regclass('public.usage_records') as found`;
  assertEquals(gone[0]?.found, null);
  await chatOf(ada); // while nothing was there
  await stack.logged("Failed to deduct balance", ada.id, "no_reservation");

  await pushMigrations();
  await farebox("restore", backup, "--yes");
  const log = await saveLog();
  const backfill = ["--json", "backfill", "--from", log, "--recorded", "--yes"];
  const first = JSON.parse(await farebox(...backfill)).result;
  assertEquals([first.charged.requests, first.refused], [2, []], "after the backup, and meanwhile");
  const again = JSON.parse(await farebox(...backfill)).result;
  assertEquals([again.charged.requests, again.already_settled], [0, 4], "each once");
  await farebox("reconcile");

  const sold = await soldByLog(ada.id);
  const charges = await stack.sql`
    select request_id, cost::text from public.usage_records where user_id = ${ada.id}`;
  assertEquals(charges.length, sold.size + 1, "each request once, and the one that only failed");
  const after = await accountOf(stack.sql, ada);
  const unrecorded = charges.filter(({ request_id }) => !sold.has(request_id));
  assertEquals(unrecorded.length, 1);
  assertEquals(after.balance, before.balance - exact(unrecorded[0]?.cost), "to the last decimal");
  await chatOf(ada); // and the product goes on
  await settled(stack);
});

Deno.test("without a backup, credit is given anew and the log brings back every charge", async () => {
  await settled(stack);
  const sold = await soldByLog(bob.id);
  const unused = `${folder}/unused.backup`;
  await farebox("backup", "--out", unused);
  await farebox("remove", "--backup", unused, "--yes");
  await pushMigrations();
  await farebox("init-users", "--amount", "5", "--yes");
  await farebox("backfill", "--from", await saveLog(), "--recorded", "--yes");
  await farebox("reconcile");
  const charges = await stack.sql`
    select request_id from public.usage_records where user_id = ${bob.id}`;
  assertEquals(new Set(charges.map(({ request_id }) => request_id)), new Set(sold.keys()));
  await until("the balance to be what was given less what was sold", async () => {
    const [row] = await stack.sql`
      select b.balance = 5 - sum(u.cost) as is_right from public.user_balances b
      join public.usage_records u using (user_id) where user_id = ${bob.id} group by b.balance`;
    return row?.is_right === true;
  });
  await chatOf(bob);
});
