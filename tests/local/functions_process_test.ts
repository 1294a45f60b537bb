import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { type FunctionsProcess, startFunctionsProcess } from "../../local/functions_process.ts";
import { until } from "../support/until.ts";

/** A functions process with these functions, one source text a slug. */
async function withFunctions(
  sources: Record<string, string>,
  test: (process: FunctionsProcess, log: string[], folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  for (const [slug, source] of Object.entries(sources)) {
    await Deno.mkdir(join(folder, slug));
    await Deno.writeTextFile(join(folder, slug, "index.ts"), source);
  }
  const log: string[] = [];
  const process = await startFunctionsProcess({
    folder,
    env: { GREETING: "hello" },
    log: (line) => log.push(line),
  });
  try {
    await test(process, log, folder);
  } finally {
    await process.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

const ECHO = `export default { fetch(request: Request) {
  return Response.json({ path: new URL(request.url).pathname, greeting: Deno.env.get("GREETING") });
} };`;

Deno.test("a function is served at its slug and sees the slug in its path", async () => {
  await withFunctions({ echo: ECHO }, async ({ url }) => {
    const response = await fetch(`${url}/echo/more`);
    assertEquals(await response.json(), { path: "/echo/more", greeting: "hello" });
    const unknown = await fetch(`${url}/other`);
    assertEquals([unknown.status, (await unknown.json()).code], [404, "NOT_FOUND"]);
  });
});

Deno.test("a function that does not load answers 503 BOOT_ERROR and says why; the others work", async () => {
  const broken = 'import "./missing.ts"; export default {};';
  await withFunctions({ broken, echo: ECHO }, async ({ url }, log) => {
    const response = await fetch(`${url}/broken`);
    assertEquals([response.status, response.headers.get("sb-error-code")], [503, "BOOT_ERROR"]);
    await response.body?.cancel();
    assertEquals(log.some((line) => line.includes("function broken does not start")), true);
    const other = await fetch(`${url}/echo`);
    assertEquals(other.status, 200);
    await other.body?.cancel();
  });
});

Deno.test("killed with kill -9 the functions come back by themselves, with a line in the log", async () => {
  await withFunctions({ echo: ECHO }, async (process, log) => {
    const before = process.pid!;
    Deno.kill(before, "SIGKILL");
    let status = 0;
    while (status !== 200 || process.pid === before) {
      try {
        const response = await fetch(`${process.url}/echo`);
        status = response.status;
        await response.body?.cancel();
      } catch {
        // Not back yet.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    assertNotEquals(process.pid, before);
    assertEquals(log.some((line) => line.includes(`(${before}) died (SIGKILL)`)), true);
  });
});

Deno.test("functions whose port was taken while they were away listen on another, and say so", async () => {
  await withFunctions({ echo: ECHO }, async (process) => {
    const before = process.url;
    Deno.kill(process.pid!, "SIGKILL");
    const port = Number(new URL(before).port);
    const taker = await until("their port", () => {
      try {
        return Deno.listen({ hostname: "127.0.0.1", port });
      } catch (error) {
        if (error instanceof Deno.errors.AddrInUse) return null;
        throw error;
      }
    });
    try {
      await until("another port", () => process.url !== before);
      const response = await fetch(`${process.url}/echo`);
      assertEquals((await response.json()).greeting, "hello");
    } finally {
      taker.close();
    }
  });
});

Deno.test("a stop waits for what was handed to EdgeRuntime.waitUntil", async () => {
  const source = `declare const EdgeRuntime: { waitUntil(p: Promise<unknown>): void };
    export default { fetch(request: Request) {
      const file = new URL(request.url).searchParams.get("file")!;
      EdgeRuntime.waitUntil((async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await Deno.writeTextFile(file, "settled");
      })());
      return new Response("answered");
    } };`;
  await withFunctions({ slow: source }, async (process, _log, folder) => {
    const file = join(folder, "result.txt");
    const response = await fetch(`${process.url}/slow?file=${encodeURIComponent(file)}`);
    assertEquals(await response.text(), "answered");
    await process.stop();
    assertEquals(await Deno.readTextFile(file), "settled");
  });
});
