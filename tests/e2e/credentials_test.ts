/** Who may ask at all: tokens that are not ours or no more, keys in odd places, the operator. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ask, exact } from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { type Claims, encodePart, readClaims, signToken } from "./access_tokens.ts";
import { insideOf, ordering, post, QUESTION, settled } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());
const user = await stack.signUp();
const { jwtSecret } = await insideOf(stack);
const { secretKey, publishableKey } = stack.details;
await post(stack, user, QUESTION).then((response) => response.body?.cancel());
await settled(stack);

/** A token of the user with changes, signed with HMAC whatever its header says. */
function mint(secret: string, claims: Claims = {}, header: Claims = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const own = { ...readClaims(user.token), iat: now, exp: now + 3600 };
  return signToken(secret, { ...own, ...claims }, header);
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

Deno.test("a token that we sign ourselves with the project's secret passes: so what follows means something", async () => {
  const response = await post(stack, bearer(await mint(jwtSecret)), QUESTION);
  assertEquals(response.status, 200, await response.text());
  await settled(stack);
});

Deno.test("tokens that are expired, foreign, unsigned, altered or of no user are 401, and never a guest", async () => {
  const now = Math.floor(Date.now() / 1000);
  const [header, , signature] = user.token.split(".");
  const other = await stack.signUp();
  const payload = encodePart({ sub: other.id, role: "authenticated", exp: now + 3600 });
  const tokens: [string, string][] = [
    ["expired", await mint(jwtSecret, { iat: now - 7200, exp: now - 1 })],
    ["of another project", await mint("another-secret-of-32-characters!")],
    ["without signature", (await mint(jwtSecret)).replace(/[^.]*$/, "")],
    ["of alg none", (await mint(jwtSecret, {}, { alg: "none" })).replace(/[^.]*$/, "")],
    ["of alg none, signed", await mint(jwtSecret, {}, { alg: "none" })],
    ["of alg HS512", await mint(jwtSecret, {}, { alg: "HS512" })],
    ["of alg ES256, with no such key", await mint(jwtSecret, {}, { alg: "ES256", kid: "../x" })],
    ["of alg RS256, signed by HMAC", await mint(jwtSecret, {}, { alg: "RS256" })],
    ["of alg HS256, that brings its key", await mint("mine", {}, { kid: "k", jku: "http://x/" })],
    ["of alg hs256", await mint(jwtSecret, {}, { alg: "hs256" })],
    ["with another payload", `${header}.${payload}.${signature}`],
    ["without expiry", await mint(jwtSecret, { exp: undefined })],
    ["with an expiry in text", await mint(jwtSecret, { exp: "9999999999" })],
    ["without a user", await mint(jwtSecret, { sub: undefined })],
    ["of a user that is no id", await mint(jwtSecret, { sub: "' or true --" })],
    ["of role service_role", await mint(jwtSecret, { role: "service_role" })],
    ["of role anon", await mint(jwtSecret, { role: "anon" })],
    ["that is garbage", "garbage"],
    ["of dots", ".."],
    ["of an array", `${encodePart([] as unknown as Claims)}.${payload}.${signature}`],
    ["of 20,000 characters", `${header}.${"a".repeat(20_000)}.${signature}`],
    ["with a key's prefix", `${publishableKey}x`],
    ["like a secret key", secretKey.slice(0, -1)],
  ];
  await changingNothing(stack, async () => {
    for (const [what, token] of tokens) {
      for (const headers of [{}, { apikey: publishableKey }]) {
        const asker = { headers: { authorization: `Bearer ${token}`, ...headers } };
        const told = await readRefusal(
          stack,
          await post(stack, asker, QUESTION),
          401,
          "UNAUTHENTICATED",
        ).catch((error) => {
          throw new Error(`A token ${what}: ${error.message}`);
        });
        assertEquals(told.response.headers.get("www-authenticate"), "Bearer");
        assertEquals(told.response.headers.get("x-guest-token"), null);
        assert(!told.text.includes(token), "it echoes the token");
      }
    }
  });
});

Deno.test("no credential, an empty one or one of another scheme is 401, on every route", async () => {
  const { email } = user;
  const askers: Record<string, string>[] = [
    {},
    { authorization: "" },
    { authorization: "Bearer" },
    { authorization: `Basic ${btoa(`${email}:x`)}` },
    { authorization: user.token },
    { authorization: `Bearer ${user.token} ${user.token}` },
    { "x-api-key": "" },
    { apikey: "anon" },
    { "x-user-id": user.id },
    { cookie: `sb-access-token=${user.token}` },
  ];
  const routes = [
    ["GET", "/chat-proxy/v1/models"],
    ["POST", "/chat-proxy"],
    ["GET", "/balance"],
    ["GET", "/balance/usage"],
    ["GET", `/balance/receipts/${crypto.randomUUID()}`],
    ["POST", "/balance/estimate"],
  ] as const;
  await changingNothing(stack, async () => {
    for (const headers of askers) {
      for (const [method, path] of routes) {
        const body = method === "POST" ? { body: JSON.stringify(QUESTION) } : {};
        const response = await fetch(stack.functionsUrl + path, { method, headers, ...body });
        await readRefusal(stack, response, 401, "UNAUTHENTICATED");
      }
    }
  });
});

Deno.test("a token that is refused is refused on a body of megabytes too, and the answer arrives", async () => {
  const body = JSON.stringify({ ...QUESTION, user: "u".repeat(9_000_000) });
  await readRefusal(
    stack,
    await post(stack, bearer("garbage"), body),
    401,
    "UNAUTHENTICATED",
  );
});

Deno.test("a secret key pays for nobody: it must name a user, and one that exists", async () => {
  const operator = (more: Record<string, string>) => ({
    headers: { authorization: `Bearer ${secretKey}`, ...more },
  });
  await changingNothing(stack, async () => {
    const nobody = await post(stack, operator({}), QUESTION);
    assertEquals((await readRefusal(stack, nobody, 400, "INVALID_REQUEST")).param, "x-user-id");
    const noId = await post(stack, operator({ "x-user-id": "me" }), QUESTION);
    assertEquals((await readRefusal(stack, noId, 400, "INVALID_REQUEST")).param, "x-user-id");
    const unknown = operator({ "x-user-id": crypto.randomUUID() });
    await readRefusal(stack, await post(stack, unknown, QUESTION), 404, "USER_NOT_FOUND");
    const balance = await fetch(`${stack.functionsUrl}/balance`, { headers: unknown.headers });
    await readRefusal(stack, balance, 404, "USER_NOT_FOUND");
  });
});

Deno.test("a secret key with x-user-id charges that user, to whom the receipt belongs", async () => {
  const someone = await stack.signUp();
  for (const name of ["authorization", "apikey", "x-api-key"]) {
    const key = name === "authorization" ? `Bearer ${secretKey}` : secretKey;
    const asker = { headers: { [name]: key, "x-user-id": someone.id.toUpperCase() } };
    const response = await post(stack, asker, ordering({ output_tokens: 2 }));
    const text = await response.text();
    assertEquals(response.status, 200, text);
    assert(!(text + JSON.stringify([...response.headers])).includes(secretKey));
    await settled(stack);
    const receipt = await ask(
      stack,
      someone,
      `/receipts/${response.headers.get("x-request-id")}`,
    );
    assertEquals(exact(String(receipt.cost)), exact(response.headers.get("x-cost")!));
  }
});

Deno.test("a user's token with x-user-id of another is still that user's", async () => {
  const [someone, other] = [await stack.signUp(), await stack.signUp()];
  const headers = { authorization: `Bearer ${someone.token}`, "x-user-id": other.id };
  const response = await post(stack, { headers }, QUESTION);
  assertEquals(response.status, 200, await response.text());
  await settled(stack);
  assertEquals((await ask(stack, other)).balance, 10);
  assert(Number((await ask(stack, someone)).balance) < 10);
});

Deno.test("no log line of the functions holds a key, a token or an address of the database", async () => {
  const lines = (await stack.log()).join("\n");
  assertMatch(lines, /Usage recorded/);
  for (const secret of [secretKey, jwtSecret, user.token, "sk-demo", "postgres://", user.email]) {
    assert(!lines.includes(secret), `${secret} is in the log`);
  }
});
