import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import type { RunNote } from "../../local/data_folder.ts";
import { freePort } from "../../local/free_port.ts";
import type { StackDetails } from "../../local/stack.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WAIT_MS = 60_000;

/** `deno task start` with these arguments, as a user's shell would run it. */
class Start {
  static readonly running = new Set<Start>();
  readonly #child: Deno.ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly #firstLine = Promise.withResolvers<string>();

  constructor(args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "local/start.ts", ...args],
      cwd: ROOT,
      // A key of the developer's own must not be used by a test.
      env: { OPENAI_API_KEY: "", OPENAI_BASE_URL: "" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    Start.running.add(this);
    this.stdout = this.#read();
    this.stderr = new Response(this.#child.stderr).text();
  }

  async #read(): Promise<string> {
    let text = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream()).values()) {
      text += chunk;
      if (text.includes("\n")) this.#firstLine.resolve(text.split("\n")[0]!);
    }
    this.#firstLine.resolve("");
    return text;
  }

  async ready(): Promise<StackDetails> {
    const line = await within(this.#firstLine.promise);
    if (line === "") throw new Error(`It did not start: ${await this.stderr}`);
    return JSON.parse(line);
  }

  async end(signal?: Deno.Signal): Promise<number> {
    if (signal !== undefined) this.#child.kill(signal);
    const { code } = await within(this.#child.status);
    Start.running.delete(this);
    return code;
  }
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Not within ${WAIT_MS} ms.`)), WAIT_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-start-" });
  await Deno.chmod(folder, 0o755);
  try {
    await test(folder);
  } finally {
    // Only when the test failed in between.
    for (const start of Start.running) await start.end("SIGINT");
    await Deno.remove(folder, { recursive: true });
  }
}

/** A zombie is dead: whoever inherited it may just not have looked yet. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

const readNote = async (folder: string): Promise<RunNote> =>
  JSON.parse(await Deno.readTextFile(join(folder, "run.json")));

Deno.test("--json prints one line when everything answers, Ctrl-C leaves no process, and data and keys stay", async () => {
  await withFolder(async (folder) => {
    const port = freePort();
    const args = ["--json", `--port=${port}`, `--data=${folder}`];
    const first = new Start(args);
    const details = await first.ready();
    assertEquals(Object.keys(details), [
      "url",
      "functionsUrl",
      "publishableKey",
      "secretKey",
      "dbUrl",
      "pageUrl",
      "demoUser",
    ]);
    assertEquals(details.url, `http://127.0.0.1:${port}`);

    const { email, password } = details.demoUser;
    const session = await fetch(`${details.url}/auth/v1/token?grant_type=password`, {
      method: "POST",
      headers: { apikey: details.publishableKey },
      body: JSON.stringify({ email, password }),
    });
    const { access_token: token } = await session.json();
    const balance = await fetch(`${details.functionsUrl}/balance`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assertEquals(JSON.parse(await balance.text()).balance, 10);
    const page = await fetch(details.pageUrl);
    assertMatch(await page.text(), /<!doctype html>/i);
    assertEquals(page.status, 200);
    const settings = await (await fetch(`${details.url}/settings.json`)).json();
    assertEquals(settings.url, details.url);
    assertEquals(settings.publishableKey, details.publishableKey);
    assertEquals([settings.realtime, settings.demoUser], [false, details.demoUser]);
    assertStringIncludes(settings.addCredits.command, `farebox grant {user} 5 --key`);
    assertStringIncludes(settings.addCredits.command, `--data ${folder}`);

    // A second start on the same port, and one on the same folder, say so and touch nothing.
    const samePort = new Start(args);
    assertEquals(await samePort.end(), 1);
    assertStringIncludes(await samePort.stderr, `Cannot start on port ${port}`);
    assertEquals(await samePort.stdout, "");
    const sameFolder = new Start(["--json", `--port=${freePort()}`, `--data=${folder}`, "--fresh"]);
    assertEquals(await sameFolder.end(), 1);
    assertStringIncludes(
      await sameFolder.stderr,
      `another stack runs on this folder at ${details.url}`,
    );

    const sql = postgres(details.dbUrl, { max: 1 });
    assertEquals((await sql`select count(*)::int as n from auth.users`)[0]!.n, 1);
    await sql.end();

    const note = await readNote(folder);
    const pids = [note.supervisorPid, note.postgresPid, note.functionsPid!];
    assertEquals(await Promise.all(pids.map(isAlive)), [true, true, true]);
    assertEquals(await first.end("SIGINT"), 0);
    assertEquals(await first.stdout, JSON.stringify(details) + "\n");
    await first.stderr;
    assertEquals(await Promise.all(pids.map(isAlive)), [false, false, false]);

    const second = new Start(args);
    const again = await second.ready();
    assertEquals(again.publishableKey, details.publishableKey);
    const secret = await Deno.stat(join(folder, "secrets.json"));
    assertEquals(secret.mode! & 0o777, 0o600);
    assertEquals(await second.end("SIGTERM"), 0);
    await Promise.all([second.stdout, second.stderr]);
  });
});

Deno.test("after a kill -9 of everything's parent the next start takes over and works", async () => {
  await withFolder(async (folder) => {
    const args = ["--json", `--port=${freePort()}`, `--data=${folder}`];
    const first = new Start(args);
    await first.ready();
    const before = await readNote(folder);
    await first.end("SIGKILL");
    await Promise.all([first.stdout, first.stderr]);

    const second = new Start(args);
    const details = await second.ready();
    const health = await fetch(`${details.functionsUrl}/pricing-health`);
    assertEquals(await health.json(), { status: "ok" });
    assertEquals(await isAlive(before.postgresPid), false);
    assertEquals(await second.end("SIGINT"), 0);
    await Promise.all([second.stdout, second.stderr]);
  });
});

Deno.test("a data folder that cannot be made is refused with a sentence", async () => {
  const file = await Deno.makeTempFile();
  const start = new Start(["--data", `${file}/folder`]);
  assertEquals(await start.end(), 1);
  const said = await start.stderr;
  assertMatch(said, /^Cannot use \S+ as data folder: .*Choose another with --data DIR\.\n$/);
  await Deno.remove(file);
});

Deno.test("a port that is no port is refused with a sentence", async () => {
  const start = new Start(["--port=eleven"]);
  assertEquals(await start.end(), 1);
  assertStringIncludes(await start.stderr, "It must be a whole number from 1024 to 65534.");
  await start.stdout;
});
