/** docs/client.md does what it says: its code, put together, runs against a stack. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { startTestStack } from "../../support/stack.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

Deno.test("the code of docs/client.md is checked and runs, from the first line to the last", async () => {
  const text = await Deno.readTextFile(`${ROOT}/docs/client.md`);
  const blocks = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code ?? "");
  assertEquals(blocks.length, 6);
  const stack = await startTestStack({ pace: "realistic" });
  const folder = await Deno.makeTempDir();
  try {
    // A page lives on: a script must not wait for the session's next refresh.
    const options = "{ auth: { autoRefreshToken: false, persistSession: false } }";
    const code = blocks.join("\n")
      .replaceAll("./web/client/mod.ts", `file://${ROOT}/web/client/mod.ts`)
      .replace("https://YOUR_PROJECT.supabase.co", stack.url)
      .replace("sb_publishable_…", stack.details.publishableKey)
      .replace("publishableKey);", `publishableKey, ${options});`)
      .replace("url, publishableKey }", "url, publishableKey, realtime: false }");
    const signUp =
      `await supabase.auth.signUp({ email: "ann@example.com", password: "a good one" });`;
    const [imports, rest] = splitImports(code);
    const script = `${imports}${rest.replace("const stream =", `${signUp}\nconst stream =`)}`;
    await Deno.writeTextFile(`${folder}/page.ts`, script);
    const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", "--config", `${ROOT}/deno.json`, `${folder}/page.ts`],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(status, 0, complaints);
    for (
      const part of ["It cost $0.00", "\nstopped\n", 'no model "openai:none"', "Welcome credit"]
    ) {
      assert(said?.includes(part), `${part} is not in ${said}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
    await stack.stop();
  }
});

function splitImports(code: string): [imports: string, rest: string] {
  const lines = code.split("\n");
  const isImport = (line: string) => line.startsWith("import ");
  return [
    lines.filter(isImport).join("\n") + "\n",
    lines.filter((line) => !isImport(line)).join("\n"),
  ];
}
