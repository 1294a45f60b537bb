/** Commands for all users at once, on a stack with some who were there before Farebox. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withRole } from "../../local/database.ts";
import { connect } from "../support/connect.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const farebox = (...args: string[]) => runFarebox(stack, args);

const admin = connect(withRole(stack.details.dbUrl, "supabase_admin"), { max: 1 });
// As if they had signed up before the trigger was there.
await admin`set session_replication_role = replica`;
await admin`
  insert into auth.users (id, email, raw_user_meta_data)
  select gen_random_uuid(), 'old-' || n || '@example.com',
    case n when 1 then '{"full_name": "Ada <script>"}'::jsonb when 2 then '{"name": "Bo\\nBcc: x"}' end
  from generate_series(1, 7) n`;
await admin`insert into auth.users (id, phone) values (gen_random_uuid(), '+491512345')`;
await admin`insert into auth.users (id, is_anonymous) values (gen_random_uuid(), true)`;
await admin.end();

Deno.test("init-users counts in a dry run, asks, and does nothing where nobody can answer", async () => {
  const dry = await farebox("init-users", "--amount", "2.5", "--dry-run");
  assertMatch(dry.out, /has 10 users: 8 are due the credit, 1 have had theirs, 1 are anonymous/);
  assertMatch(dry.out, /Would grant \$2\.5 each, \$20 in all/);
  const unasked = await farebox("init-users", "--amount", "2.5");
  assertEquals(unasked.code, 1);
  assertMatch(unasked.err, /Grant \$2\.5 to 8 users, \$20 in all\? Nobody is here to ask.*--yes/);
  const script = await farebox("--json", "init-users", "--amount", "2.5");
  assertEquals([script.code, JSON.parse(script.out).error.code], [1, "NOT_CONFIRMED"]);
  const [row] = await stack.sql`
    select count(*)::int as n from balance_transactions where note = 'Credit for existing users'`;
  assertEquals(row?.["n"], 0);
});

Deno.test("lesson 34: init-users goes to the end of all pages, sums up, and a second run has nothing to do", async () => {
  const { code, out } = await farebox("init-users", "--amount", "2.5", "--yes", "--page", "3");
  assertEquals(code, 0);
  assertMatch(
    out,
    /✓ 8 users were granted \$2\.5 each, \$20 in all; 1 had their credit before, 1 are anonymous/,
  );
  const again = await farebox("--json", "init-users", "--amount", "2.5", "--yes");
  assertEquals([again.code, JSON.parse(again.out)], [0, {
    dry_run: false,
    amount: "2.5",
    granted: 0,
    users: 10,
    anonymous: 1,
    already: 9,
    due: 0,
  }]);
});

const ANNOUNCE = ["announce", "--app", "Chatty & Co", "--support", "help@chatty.example"];

/** Lines of JSON by address. */
async function letters(...args: string[]): Promise<Map<string, Record<string, string>>> {
  const { code, out, err } = await farebox("--json", ...ANNOUNCE, ...args);
  assertEquals(code, 0, err);
  const all = out.trim().split("\n").map((line) => JSON.parse(line));
  return new Map(all.map((letter) => [letter.email, letter]));
}

Deno.test("announce renders for those whom init-users credited, and says who has no address", async () => {
  const { code, out, err } = await farebox(...ANNOUNCE);
  assertEquals(code, 0);
  assertEquals(out.match(/^To: old-\d@example\.com$/gm)?.length, 7);
  assertMatch(out, /Subject: \$2\.50 of credit in your Chatty & Co account/);
  assertMatch(err, /✓ 7 announcements for users credited by init-users; 1 have no e-mail address/);
});

Deno.test("a user's name cannot be HTML, nor begin a line of its own", async () => {
  const all = await letters();
  const ada = all.get("old-1@example.com");
  assertMatch(ada?.["html"] ?? "", /Hi Ada &lt;script&gt;,/);
  assertMatch(ada?.["html"] ?? "", /in Chatty &amp; Co for/);
  assertMatch(ada?.["text"] ?? "", /^Hi Ada <script>,\n/);
  assertMatch(all.get("old-2@example.com")?.["text"] ?? "", /^Hi Bo Bcc: x,\n/);
  assertMatch(all.get("old-3@example.com")?.["text"] ?? "", /^Hi,\n/);
});

Deno.test("announced to all, only who has the credit reads of it, unless --amount names one", async () => {
  const { email } = await stack.signUp();
  const plain = await letters("--to", "all");
  assertEquals(plain.size, 9, "the demo user too");
  const [old, recent] = [plain.get("old-3@example.com"), plain.get(email)];
  assertMatch(old?.["text"] ?? "", /\$2\.50 of credit .*\n- Your balance is \$2\.50/);
  assertEquals(recent?.["subject"], "Your Chatty & Co account now has a balance");
  assertMatch(recent?.["text"] ?? "", /\n\n- Your balance is \$10\.00/);
  assertEquals(/of credit/.test(`${recent?.["text"]}${recent?.["html"]}`), false);
  const named = await letters("--to", "all", "--amount", "10");
  assertMatch(named.get(email)?.["text"] ?? "", /\$10\.00 of credit/);
  assertMatch(named.get("old-3@example.com")?.["text"] ?? "", /\$2\.50 of credit/);
});

Deno.test("own templates make a file pair a user, and a list for the mailer, that nobody else may read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/announcement.txt`,
      "Subject: {{app}}\n\n{{user_id}} {{amount}}\n",
    );
    await Deno.writeTextFile(`${folder}/announcement.html`, "<p>{{name}}{{^name}}you{{/name}}</p>");
    const out = `${folder}/mails/november`;
    const { code, err } = await farebox(...ANNOUNCE, "--template", folder, "--out", out);
    assertEquals([code, err], [
      0,
      "✓ 7 announcements for users credited by init-users; 1 have no e-mail address.\n",
    ]);
    const list = (await Deno.readTextFile(`${out}/recipients.csv`)).trim().split("\n");
    assertEquals([list.length, list[0]], [8, "user_id,email,subject,text,html"]);
    const [id = "", , subject, text, html] = list[1]!.split(",");
    assertEquals([subject, text, html], ["Chatty & Co", `${id}.txt`, `${id}.html`]);
    const told = await farebox("--json", ...ANNOUNCE, "--template", folder, "--out", out);
    assertEquals(JSON.parse(told.out), {
      out,
      to: "credited",
      announcements: 7,
      without_address: 1,
    });
    assertEquals(await Deno.readTextFile(`${out}/${id}.txt`), `${id} $2.50\n`);
    assertMatch(await Deno.readTextFile(`${out}/${id}.html`), /^<p>.+<\/p>$/);
    assertEquals([...Deno.readDirSync(out)].length, 15);
    if (Deno.build.os !== "windows") {
      assertEquals((await Deno.stat(`${out}/recipients.csv`)).mode! & 0o077, 0);
    }

    await Deno.writeTextFile(`${folder}/announcement.html`, "{{#amount}} is never closed");
    const broken = await farebox(...ANNOUNCE, "--template", folder, "--out", `${folder}/none`);
    assertEquals(broken.code, 2);
    assertMatch(broken.err, /announcement.html is no mustache template: Unclosed section "amount"/);
    assert(![...Deno.readDirSync(folder)].some(({ name }) => name === "none"), "nothing half-done");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
