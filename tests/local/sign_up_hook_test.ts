import { assertEquals, assertNotEquals } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { askSignUpHook, type HookVerdict, type NewUser } from "../../local/sign_up_hook.ts";

const SECRET = `v1,whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
const USER: NewUser = {
  id: "00000000-0000-4000-8000-000000000001",
  email: "a@example.com",
  appMetadata: { provider: "email", providers: ["email"] },
  userMetadata: {},
  isAnonymous: false,
};
const IMPATIENT = { budgetMs: 400, backoffMs: 10 };

interface Call {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Asks a hook that answers like this, and tells what it was sent. */
async function ask(
  answer: (attempt: number, over: Promise<void>) => Response | Promise<Response>,
): Promise<{ verdict: HookVerdict; calls: Call[] }> {
  const calls: Call[] = [];
  const over = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    calls.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
    return await answer(calls.length, over.promise);
  });
  try {
    const hook = { uri: `http://127.0.0.1:${server.addr.port}/hook`, secrets: [SECRET] };
    return { verdict: await askSignUpHook(hook, USER, "192.0.2.7", IMPATIENT), calls };
  } finally {
    over.resolve();
    await server.shutdown();
  }
}

Deno.test("the hook receives a signed before-user-created payload", async () => {
  const { verdict, calls } = await ask(() => new Response(null, { status: 204 }));
  assertEquals(verdict, { kind: "allowed" });
  const { headers, body } = calls[0]!;
  // Throws unless the signature and its time are right.
  new Webhook(SECRET.replace("v1,", "")).verify(body, headers);
  const { metadata, user } = JSON.parse(body);
  assertEquals(metadata.name, "before-user-created");
  assertEquals(metadata.ip_address, "192.0.2.7");
  assertEquals([user.id, user.email, user.is_anonymous], [USER.id, USER.email, false]);
});

for (
  const [name, answer, status, message] of [
    [
      "an error in a 200 refuses with its own status and message",
      () => Response.json({ error: { http_code: 403, message: "Not you." } }),
      403,
      "Not you.",
    ],
    [
      "an error without a status refuses with 500",
      () => Response.json({ error: { message: "No." } }),
      500,
      "No.",
    ],
    [
      "a 400 becomes an opaque 500",
      () => new Response("{}", { status: 400 }),
      500,
      "Invalid payload sent to hook",
    ],
    [
      "a 401 becomes a 500",
      () => new Response("{}", { status: 401 }),
      500,
      "Hook requires authorization token",
    ],
    [
      "a 500 becomes a 500 that names the status",
      () => new Response("{}", { status: 500 }),
      500,
      "Unexpected status code returned from hook: 500",
    ],
    [
      "a 200 that is not JSON refuses with 400",
      () => new Response("ok", { headers: { "content-type": "text/plain" } }),
      400,
      "Invalid JSON response. Received content-type: text/plain",
    ],
    [
      "a hook that does not answer in time refuses with 422",
      (_attempt: number, over: Promise<void>) => over.then(() => new Response()),
      422,
      "Failed to reach hook within maximum time of 0.400000 seconds",
    ],
  ] as const
) {
  Deno.test(name, async () => {
    const { verdict, calls } = await ask(answer);
    assertEquals(verdict.kind === "refused" && [verdict.status, verdict.message], [
      status,
      message,
    ]);
    assertEquals(calls.length, 1);
  });
}

Deno.test("a busy hook with retry-after is asked up to three times, with a new id each", async () => {
  const { verdict, calls } = await ask((attempt) =>
    attempt < 3
      ? new Response("{}", { status: 503, headers: { "retry-after": "true" } })
      : Response.json({})
  );
  assertEquals(verdict, { kind: "allowed" });
  assertEquals(calls.length, 3);
  const [first, second] = calls.map((call) => call.headers["webhook-id"]);
  assertNotEquals(first, second);
});

Deno.test("a hook that nobody serves refuses with 422 after three attempts", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const uri = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  const verdict = await askSignUpHook({ uri, secrets: [SECRET] }, USER, "192.0.2.7", IMPATIENT);
  assertEquals(
    verdict.kind === "refused" && [verdict.status, verdict.errorCode],
    [422, "hook_timeout_after_retry"],
  );
});
