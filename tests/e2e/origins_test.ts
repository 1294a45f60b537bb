/** Which pages may call is a setting: it counts within seconds, and no worker is restarted. */
import { assert, assertEquals } from "@std/assert";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const OURS = "https://app.example";
const FOREIGN = "https://elsewhere.example";

/** What a browser at this origin is allowed: at a preflight, and of an answer. */
async function allowedFor(path: string, origin: string): Promise<(string | null)[]> {
  const ask = async (method: string) => {
    const response = await fetch(`${stack.functionsUrl}/${path}`, {
      method,
      headers: {
        origin,
        apikey: stack.details.publishableKey,
        "access-control-request-method": "GET",
      },
    });
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  };
  return [await ask("OPTIONS"), await ask("GET")];
}

async function setOrigins(origins: readonly string[] | null): Promise<void> {
  const changes = JSON.stringify({ cors_allowed_origins: origins });
  await stack.sql.unsafe(`select public.settings_write('${changes}')`);
}

Deno.test("the origins of the setting count within 6 seconds in every function that a browser calls, without a restart; without it those of the environment", async () => {
  const pid = await stack.functionsPid();
  const paths = ["chat-proxy/v1/models", "balance", "pricing-health"];
  for (const path of paths) assertEquals(await allowedFor(path, FOREIGN), ["*", "*"], path);

  await setOrigins([OURS]);
  let since = Date.now();
  for (const path of paths) {
    await until(`${path} to refuse a foreign page`, async () => {
      const [preflight, answer] = await allowedFor(path, FOREIGN);
      return preflight === null && answer === null;
    });
    assertEquals(await allowedFor(path, OURS), [OURS, OURS], path);
  }
  assert(Date.now() - since < 6_000, `${Date.now() - since} ms`);

  await setOrigins(null);
  since = Date.now();
  for (const path of paths) {
    await until(`${path} to allow every page`, async () => {
      const [preflight, answer] = await allowedFor(path, FOREIGN);
      return preflight === "*" && answer === "*";
    });
  }
  assert(Date.now() - since < 6_000, `${Date.now() - since} ms`);
  assertEquals(await stack.functionsPid(), pid);
});
