import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** Runs the tool as a person would; nothing of this process's environment points it elsewhere. */
function farebox(...args: string[]) {
  return fareboxWith(stack.details.secretKey, ...args);
}

async function fareboxWith(secretKey: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "cli/main.ts", ...args],
    env: { SUPABASE_URL: stack.url, SUPABASE_SECRET_KEY: secretKey },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("lesson 27: a grant is made once a key, and a dry run makes none", async () => {
  const { id } = await stack.signUp();
  const grant = ["grant", id, "2.5", "--key", `k-${id}`];
  assertMatch((await farebox(...grant, "--dry-run")).out, /Would grant \$2\.5 .*who has \$10/);
  assertMatch((await farebox(...grant)).out, /the balance is \$12\.5/);
  assertMatch((await farebox(...grant)).out, /had granted \$2\.5 before; the balance is \$12\.5/);
  const other = await farebox("grant", id, "3", "--key", `k-${id}`);
  assertEquals(other.code, 1);
  assertMatch(other.err, /was used for another credit.*CONFLICT/s);
});

Deno.test("a bad amount or id is refused with a sentence, and no stack trace", async () => {
  const { id } = await stack.signUp();
  const wrong = [
    ...["1e3", "NaN", "0.00000000001", "0", "-5"].map((
      amount,
    ) => ["grant", "--key", "k", id, "--", amount]),
    ["grant", "nobody", "5", "--key", "k"],
    ["refund", "nope", "--key", "k"],
    ["receipt", "nope"],
  ];
  for (const args of wrong) {
    const { code, err } = await farebox(...args);
    assertEquals(code, 1, args.join(" "));
    assertMatch(err, /is not an amount in USD|is named by its id/, args.join(" "));
    assertEquals(/\n\s+at /.test(err), false, "no stack trace");
  }
});

Deno.test("reconcile exits with 0 on a clean ledger, and prints JSON for scripts", async () => {
  const { code, out } = await farebox("--json", "reconcile");
  assertEquals(code, 0);
  assertEquals(JSON.parse(out).violations, []);
  assert((await farebox("reconcile")).out.startsWith("✓"));
});

Deno.test("a key that is refused, or that may not use the ledger, is said to be", async () => {
  const { publishableKey } = stack.details;
  const refused = `That key was refused by ${stack.url}. Give a secret key of this project`;
  for (const args of [["reconcile"], ["sweep"], ["prices", "list"]]) {
    for (const key of ["sb_secret_of_another_project", publishableKey]) {
      const { code, err } = await fareboxWith(key, ...args);
      assertEquals([code, err.startsWith(refused)], [1, true], `${args} ${key}: ${err}`);
    }
  }
});

Deno.test("the help names every command that prices have", async () => {
  assertMatch((await farebox("--help")).out, /sync, list, set, check,\s+history/);
});
