import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { startGateway } from "../../local/gateway.ts";
import { pageOfFolder } from "../../local/page.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";

const PUBLISHABLE_KEY = "sb_publishable_test";
const SECRET_KEY = "sb_secret_test";
const HOOK_SECRET = `v1,whsec_${btoa("0123456789abcdef0123456789abcdef")}`;

type Handler = (request: Request) => Response | Promise<Response>;

interface Bench {
  readonly url: string;
  readonly database: TestDatabase;
  /** Takes the functions process away. */
  stopFunctions(): Promise<void>;
}

/** A gateway on a new project, with `functions` as its functions process. */
async function withGateway(
  functions: Handler,
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, functions);
  const webFolder = await Deno.makeTempDir();
  await Deno.writeTextFile(join(webFolder, "index.html"), "<title>page</title>");
  let isServing = true;
  const stopFunctions = async () => {
    if (isServing) await server.shutdown();
    isServing = false;
  };
  try {
    await withDatabase(async (database) => {
      const gateway = startGateway();
      try {
        await gateway.open({
          url: database.url,
          publishableKey: PUBLISHABLE_KEY,
          secretKey: SECRET_KEY,
          jwtSecret: "a-secret-of-at-least-thirty-two-characters",
          functionsUrl: () => `http://127.0.0.1:${server.addr.port}`,
          page: pageOfFolder(webFolder),
          signUpHook: { uri: "/functions/v1/init-balance", secrets: [HOOK_SECRET] },
        });
        await test({ url: gateway.url, database, stopFunctions });
      } finally {
        await gateway.close();
      }
    }, { migrated: false });
  } finally {
    await stopFunctions();
    await Deno.remove(webFolder, { recursive: true });
  }
}

async function signUp(url: string, email: string): Promise<Response> {
  return await fetch(`${url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: PUBLISHABLE_KEY },
    body: JSON.stringify({ email, password: "long enough", data: { nickname: "A" } }),
  });
}

const users = async ({ sql }: TestDatabase) =>
  (await sql`select count(*)::int as n from auth.users`)[0]!.n;

Deno.test("a sign-up asks the hook with the id that the user then has, and returns a session", async () => {
  const seen: Record<string, unknown>[] = [];
  await withGateway(async (request) => {
    seen.push({ path: new URL(request.url).pathname, ...(await request.json()).user });
    return Response.json({});
  }, async ({ url }) => {
    const response = await signUp(url, "A@Example.com");
    const session = await response.json();
    assertEquals(response.status, 200);
    assertEquals(typeof session.access_token, "string");
    assertEquals(seen.length, 1);
    const { path, id, email, user_metadata: metadata } = seen[0]!;
    assertEquals([path, id, email], ["/init-balance", session.user.id, "a@example.com"]);
    assertEquals(metadata, { nickname: "A" });
  });
});

Deno.test("a sign-up that the hook refuses gets its status and message, and leaves no user", async () => {
  const refuse = () => Response.json({ error: { http_code: 403, message: "Not here." } });
  await withGateway(refuse, async ({ url, database }) => {
    const response = await signUp(url, "a@example.com");
    assertEquals(response.status, 403);
    assertEquals(await response.json(), { code: 403, error_code: "unknown", msg: "Not here." });
    assertEquals(await users(database), 0);
  });
});

Deno.test("the hook is not asked about what Auth refuses itself", async () => {
  let asked = 0;
  await withGateway(() => {
    asked++;
    return Response.json({});
  }, async ({ url }) => {
    await (await signUp(url, "a@example.com")).body?.cancel();
    const again = await signUp(url, "a@example.com");
    assertEquals((await again.json()).error_code, "user_already_exists");
    assertEquals(asked, 1);
  });
});

Deno.test("row security makes the gateway grant nothing to the API roles", async () => {
  await withGateway(() => new Response(), async ({ url, database: { sql } }) => {
    await sql`create table public.t (a int)`;
    await sql`alter table public.t enable row level security`;
    await sql`notify pgrst`;
    const ask = async () => {
      const response = await fetch(`${url}/rest/v1/t`, { headers: { apikey: PUBLISHABLE_KEY } });
      return { status: response.status, body: await response.json() };
    };
    // The notice to read the schema again takes a moment to arrive.
    let answer = await ask();
    while (answer.status === 404) answer = await ask();
    assertEquals([answer.status, answer.body.code], [401, "42501"]);
    const [row] = await sql`select has_table_privilege('anon', 'public.t', 'select') as can`;
    assertEquals(row!.can, false);
  });
});

Deno.test("a raised PT402 becomes a 402 with its code, message and details", async () => {
  await withGateway(() => new Response(), async ({ url, database: { sql } }) => {
    await sql.unsafe(`create function public.poor() returns jsonb language plpgsql as $$ begin
      raise sqlstate 'PT402' using message = 'Too little.', detail = '{"code":"X"}', hint = 'Pay.';
    end $$`);
    await sql`notify pgrst`;
    const ask = () =>
      fetch(`${url}/rest/v1/rpc/poor`, { method: "POST", headers: { apikey: SECRET_KEY } });
    let response = await ask();
    while (response.status === 404) {
      await response.body?.cancel();
      response = await ask();
    }
    assertEquals(response.status, 402);
    assertEquals(await response.json(), {
      code: "PT402",
      message: "Too little.",
      details: '{"code":"X"}',
      hint: "Pay.",
    });
  });
});

Deno.test("a function sees its own path and the caller's real address, whatever the caller claims", async () => {
  await withGateway(async (request) => {
    return Response.json({
      path: new URL(request.url).pathname + new URL(request.url).search,
      forwardedFor: request.headers.get("x-forwarded-for"),
      realIp: request.headers.get("x-real-ip"),
      connectingIp: request.headers.get("cf-connecting-ip"),
      body: await request.text(),
    }, { status: 418, headers: { "x-mine": "1" } });
  }, async ({ url }) => {
    const response = await fetch(`${url}/functions/v1/balance/usage?x=1`, {
      method: "POST",
      headers: {
        "x-forwarded-for": "203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "cf-connecting-ip": "203.0.113.9",
      },
      body: "hello",
    });
    assertEquals([response.status, response.headers.get("x-mine")], [418, "1"]);
    assertEquals(await response.json(), {
      path: "/balance/usage?x=1",
      forwardedFor: "127.0.0.1",
      realIp: null,
      connectingIp: null,
      body: "hello",
    });
  });
});

Deno.test("a function's stream arrives chunk by chunk, and ends when the client leaves", async () => {
  const cancelled = Promise.withResolvers<void>();
  const next = Promise.withResolvers<void>();
  await withGateway(() => {
    let sent = 0;
    return new Response(
      new ReadableStream({
        async pull(controller) {
          if (sent === 1) await next.promise;
          controller.enqueue(new TextEncoder().encode(`data: ${sent++}\n\n`));
        },
        cancel: () => cancelled.resolve(),
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  }, async ({ url }) => {
    const body = "x".repeat(20_000);
    const response = await fetch(`${url}/functions/v1/chat-proxy`, { method: "POST", body });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    // The second chunk is not even made before the first has been read here.
    assertEquals((await reader.read()).value, "data: 0\n\n");
    next.resolve();
    assertStringIncludes((await reader.read()).value!, "data: 1\n\n");
    await reader.cancel();
    await cancelled.promise;
  });
});

Deno.test("a gateway that is not open yet holds its port and says to try again", async () => {
  const gateway = startGateway();
  try {
    const response = await fetch(`${gateway.url}/functions/v1/balance`);
    assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
    assertEquals((await response.json()).message, "The stack is starting: try again in a moment.");
    assertThrows(() => startGateway(Number(new URL(gateway.url).port)), Deno.errors.AddrInUse);
  } finally {
    await gateway.close();
  }
});

Deno.test("without a functions process its paths answer 503, and the rest goes on", async () => {
  await withGateway(() => new Response(), async ({ url, stopFunctions }) => {
    await stopFunctions();
    const response = await fetch(`${url}/functions/v1/balance`);
    assertEquals([response.status, response.headers.get("sb-error-code")], [503, "BOOT_ERROR"]);
    assertEquals((await response.json()).code, "BOOT_ERROR");
    const health = await fetch(`${url}/health`);
    assertEquals(await health.json(), { status: "ok" });
  });
});

Deno.test("the page is served, and nothing outside of its folder", async () => {
  await withGateway(() => new Response(), async ({ url }) => {
    const page = await fetch(`${url}/`);
    assertEquals(await page.text(), "<title>page</title>");
    const policy = page.headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'; script-src 'self';");
    assertStringIncludes(policy, "frame-ancestors 'none'");
    assertEquals(page.headers.get("referrer-policy"), "no-referrer");
    assertEquals(page.headers.get("x-content-type-options"), "nosniff");
    for (const path of ["/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/.env", "/%00"]) {
      const response = await fetch(url + path);
      await response.body?.cancel();
      assertEquals(response.status, 404, path);
    }
  });
});

Deno.test("a page of another origin may sign up and read, with the headers that supabase-js sends", async () => {
  await withGateway(() => Response.json({}), async ({ url }) => {
    const headers = "apikey,authorization,content-type,x-client-info,x-supabase-api-version";
    for (const [path, method] of [["/auth/v1/signup", "POST"], ["/rest/v1/t", "GET"]] as const) {
      const preflight = await fetch(url + path, {
        method: "OPTIONS",
        headers: {
          origin: "http://localhost:5173",
          "access-control-request-method": method,
          "access-control-request-headers": headers,
        },
      });
      assertEquals(preflight.ok, true, path);
      assertEquals(preflight.headers.get("access-control-allow-origin"), "*");
      assertEquals(preflight.headers.get("access-control-allow-headers"), headers);
      assertStringIncludes(preflight.headers.get("access-control-allow-methods") ?? "", method);
    }
    const answers = [await signUp(url, "a@example.com"), await fetch(`${url}/rest/v1/t`)];
    for (const answer of answers) {
      await answer.body?.cancel();
      assertEquals(answer.headers.get("access-control-allow-origin"), "*", answer.url);
    }
  });
});
