import { assert, assertEquals, assertMatch } from "@std/assert";
import { CHECKS } from "../../cli/doctor/checks.ts";
import { BREAKS } from "./doctor_breaks.ts";
import {
  type Break,
  failuresOf,
  inState,
  lineOf,
  migrationText,
  openClinic,
} from "./doctor_harness.ts";
import { runFarebox } from "../support/farebox.ts";

const clinic = await openClinic();
Deno.test.afterAll(() => clinic.stop());
const { stack, proxy, auth } = clinic;

/** The tool on the local stack, as a person runs it there. */
const doctor = (...args: string[]) => runFarebox({}, ["--data", clinic.folder, "doctor", ...args]);

/** The same against a project that is named by its URL, as a hosted one. */
const doctorOf = (url: string, ...args: string[]) =>
  runFarebox({
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEY: stack.details.secretKey,
    SUPABASE_PUBLISHABLE_KEY: stack.details.publishableKey,
    BEFORE_USER_CREATED_HOOK_SECRET: stack.hookSecret,
  }, ["doctor", ...args]);

/** Runs `test` on the broken stack, and mends it whatever happens. */
async function broken<T>(fault: Break, test: () => Promise<T>): Promise<T> {
  if (fault.sql !== undefined) await stack.sql.unsafe(fault.sql).simple();
  if (fault.authSql !== undefined) await auth.unsafe(fault.authSql);
  proxy.fault = fault.fault?.(clinic) ?? null;
  try {
    return await test();
  } finally {
    proxy.fault = null;
    if (fault.authUndo !== undefined) await auth.unsafe(fault.authUndo);
    if (fault.undo !== undefined) await stack.sql.unsafe(fault.undo).simple();
  }
}

Deno.test("every line is ✓ on the embedded stack", async () => {
  const { code, out, err } = await doctor();
  assertEquals(code, 0, out + err);
  const marks = out.split("\n").filter((line) => /^[✓✗!–] /.test(line));
  assertEquals(marks.length, CHECKS.length);
  assertEquals(marks.filter((line) => !line.startsWith("✓")), []);
  assertMatch(out, /All is well: \d+ ✓, 0 ✗, 0 !, 0 –/);
  assertMatch(
    err,
    /asking \S+ one short question, which costs at most \$0\.000\d+ at your provider/,
  );
  const [row] = await stack.sql`
    select
      (select count(*)::integer from auth.users where email like 'doctor-%@example.com') as users,
      count(*)::integer as accounts, coalesce(sum(b.balance), 0)::text as left_over
    from public.user_balances b where not exists (select from auth.users u where u.id = b.user_id)`;
  assertEquals(row?.["users"], 0, "they are deleted from the local stack");
  assertEquals(Number(row?.["left_over"]), 0, "they keep no credit");
  assertEquals(err.includes("Left behind"), false);
});

Deno.test("each line but the age of prices can be broken, which only warns", () => {
  const lines = new Set(BREAKS.map(({ line }) => line));
  assertEquals(CHECKS.map(({ id }) => id).filter((id) => !lines.has(id)), ["price_age"]);
});

for (const fault of BREAKS) {
  Deno.test(`where ${fault.what}, exactly the line ${fault.line} is ✗`, async () => {
    const lines = await broken(
      fault,
      () => clinic.examine({ ...(fault.keys && { keys: fault.keys(clinic) }) }),
    );
    assertEquals(inState(lines, "failed"), [fault.line], failuresOf(lines));
    const { finding } = lineOf(lines, fault.line);
    assert("todo" in finding && finding.todo !== "", "it says what to do");
  });
}

Deno.test("a stack that was broken and mended is well again", async () => {
  const lines = await clinic.examine();
  assertEquals(inState(lines, "failed"), [], failuresOf(lines));
});

Deno.test("old prices are a warning, which fails nothing", async () => {
  await stack.sql`update public.model_pricing set updated_at = now() - interval '50 days'`;
  await stack.sql`delete from billing.alert_checks where name = 'prices'`;
  const lines = await clinic.examine({ only: ["price_age"] });
  await stack.sql`update public.model_pricing set updated_at = now()`;
  assertEquals(inState(lines, "warning"), ["price_age"]);
  assertMatch(lineOf(lines, "price_age").finding.says, /^50 days/);
});

Deno.test("what is switched off is a warning, and the lines that it leaves nothing to are skipped", async () => {
  await stack.sql`update billing.settings set balance_enforcement = 'observe'`;
  const observing = await clinic.examine({ only: ["settings", "insufficient"] });
  await stack.sql`
    update billing.settings set balance_enforcement = 'enforce', usage_tracking = 'off'`;
  const untracked = await clinic.examine({ only: ["settings", "chat", "receipt"] });
  await stack.sql`update billing.settings set usage_tracking = 'on'`;
  assertEquals(inState(observing, "warning"), ["settings"]);
  assertEquals(inState(observing, "skipped"), ["insufficient"]);
  assertEquals(inState(untracked, "warning"), ["settings"]);
  assertEquals(inState(untracked, "skipped"), ["chat", "receipt"]);
  assertEquals(inState([...observing, ...untracked], "failed"), []);
});

Deno.test("a migration that was changed since it was applied is named", async () => {
  const changed = { line: "migrations", what: "a migration's text is another" };
  const order = { only: ["migrations"] };
  const version = "20261122000007";
  const lines = await broken({
    ...changed,
    sql: `create table extensions.kept as select * from supabase_migrations.schema_migrations
        where version = '${version}';
      update supabase_migrations.schema_migrations set statements = array['select 1']
        where version = '${version}'`,
    undo: `update supabase_migrations.schema_migrations m set statements = k.statements
        from extensions.kept k where k.version = m.version;
      drop table extensions.kept`,
  }, () => clinic.examine(order));
  assertMatch(failuresOf(lines), /another text than this repo's\n +20261122000007_guests\.sql/);
});

Deno.test("a project without its latest migrations is told which ones, and gets no stack trace", async () => {
  const half = {
    line: "migrations",
    what: "the last migration is not applied",
    sql: `drop function public.doctor_facts(text[]); drop function billing.doctor_facts(text[]);
      drop function public.forget_doctor_user(uuid); drop function billing.forget_doctor_user(uuid);
      notify pgrst`,
  };
  const undo = `${await migrationText("20261122000055", /create function billing\.doctor_facts/)}
    notify pgrst`;
  const { code, out, err } = await broken({ ...half, undo }, () => doctor());
  assertEquals(code, 1);
  assertMatch(out, /✗ the migrations are applied: \d+ migrations? missing, from 20261122000055_/);
  assertMatch(out, /– the tables exist: because of the line "the migrations are applied"/);
  assertEquals(/\n\s+at /.test(out + err), false, "no stack trace");
});

Deno.test("an address whose welcome credits of today are used up is no fault, and the chat is made all the same", async () => {
  await stack.sql`update billing.settings set welcome_per_address_per_day_max = 0`;
  const lines = await clinic.examine();
  await stack.sql`update billing.settings set welcome_per_address_per_day_max = null`;
  assertEquals(inState(lines, "failed"), [], failuresOf(lines));
  assertEquals(inState(lines, "warning"), ["welcome"]);
  assertMatch(lineOf(lines, "welcome").finding.says, /^\$0, as the hook decided \(address_limit\)/);
  assertEquals(lineOf(lines, "insufficient").finding.state, "ok");
});

Deno.test("--only makes one line, with --json for scripts; a check that there is not is bad usage", async () => {
  const { code, out } = await doctor("--only", "policies", "--json");
  const report = JSON.parse(out);
  assertEquals([code, report.healthy], [0, true]);
  assertEquals(report.checks.map(({ check }: { check: string }) => check), ["policies"]);
  const wrong = await doctor("--only", "nothing");
  assertEquals([wrong.code, wrong.out], [2, ""]);
  assertMatch(wrong.err, /There is no check "nothing"\. There are: reachable, secret_key, /);
});

Deno.test("--skip-chat spends nothing, and --dry-run signs nobody up", async () => {
  const records = () => stack.sql`select count(*) from public.usage_records`;
  const users = () => stack.sql`select count(*) from auth.users`;
  const before = [await records(), await users()];
  const plan = await doctor("--dry-run");
  assertEquals([await records(), await users()], before);
  assertMatch(plan.out, /Would check of http.*\n +reachable +the project answers/);
  const { code, out, err } = await doctor("--skip-chat");
  assertEquals(code, 0, out + err);
  assertMatch(out, /– a metered chat says its cost: --skip-chat/);
  assertEquals(await records(), before[0]);
});

Deno.test("with a publishable key as the secret one, or a project that is not there, one line says so", async () => {
  const { publishableKey } = stack.details;
  const swapped = await clinic.examine({ keys: { secretKey: publishableKey } });
  assertEquals(inState(swapped, "failed"), ["secret_key"]);
  const { code, out } = await doctorOf("http://127.0.0.1:9", "--skip-chat");
  assertEquals(code, 1);
  assertMatch(out, /^✗ the project answers: 127\.0\.0\.1:9 gave no answer\n/);
});

Deno.test("where Auth has its admin API, users are made confirmed, signed in, and deleted at the end", async () => {
  const deleted: string[] = [];
  proxy.fault = (request, forward) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/auth/v1/admin/users")) return forward(request);
    if (request.method === "DELETE") {
      deleted.push(pathname.split("/").at(-1)!);
      return Response.json({});
    }
    return forward(new Request(request.url.replace("admin/users", "signup"), request));
  };
  const { code, out, err } = await doctorOf(proxy.url, "--skip-chat", "--page", `${proxy.url}/`);
  proxy.fault = null;
  assertEquals(code, 0, out + err);
  assertEquals(deleted.length, 2);
  assertEquals(err, "", "nothing is left behind");
  assertMatch(out, /^! the sweeper runs: nothing is overdue, but pg_cron is not enabled$/m);
  assertMatch(out, /^✓ the page and its assets answer: /m);
});
