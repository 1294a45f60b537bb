import { assert, assertEquals } from "@std/assert";
import { createVerifyToken } from "../../shared/edge/verify_token.ts";
import { refusalOf, valueOf } from "./outcomes.ts";
import { claimsOf, es256Keys, hs256 } from "./tokens.ts";

const USER = "11111111-2222-4333-8444-555555555555";
const URL = "http://project.test";

/** An Auth server that answers `/user` as told, and counts how often it was asked. */
function fakeAuth(answer: () => Response | Promise<Response>) {
  const asked: string[] = [];
  const fetch = (input: RequestInfo | globalThis.URL) => {
    asked.push(String(input instanceof Request ? input.url : input));
    return Promise.resolve(answer());
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
}

const knowsUser = () => Response.json({ id: USER, aud: "authenticated" });
const rejects = () =>
  Response.json({ code: 403, error_code: "bad_jwt", msg: "invalid JWT" }, { status: 403 });

function verifier(fetch: typeof globalThis.fetch, now?: () => number) {
  return createVerifyToken({
    supabaseUrl: URL,
    publishableKey: "sb_publishable_test",
    fetch,
    ...(now && { now }),
  });
}

Deno.test("an HS256 token that the Auth server knows is its user's", async () => {
  const auth = fakeAuth(knowsUser);
  const claims = valueOf(await verifier(auth.fetch)(hs256(claimsOf(USER.toUpperCase()))));
  assertEquals([claims.userId, claims.isAnonymous], [USER, false]);
  assertEquals(auth.asked, [`${URL}/auth/v1/user`]);
});

Deno.test("a burst of 50 requests with one token asks the Auth server once", async () => {
  const auth = fakeAuth(knowsUser);
  const verify = verifier(auth.fetch);
  const token = hs256(claimsOf(USER));
  await Promise.all(Array.from({ length: 50 }, () => verify(token)));
  assertEquals(auth.asked.length, 1);
});

Deno.test("an accepted token is asked about again after 60 seconds", async () => {
  let nowMs = Date.now();
  const auth = fakeAuth(knowsUser);
  const verify = verifier(auth.fetch, () => nowMs);
  const token = hs256(claimsOf(USER));
  await verify(token);
  nowMs += 59_000;
  await verify(token);
  assertEquals(auth.asked.length, 1);
  nowMs += 2_000;
  await verify(token);
  assertEquals(auth.asked.length, 2);
});

Deno.test("an accepted token is refused once its own expiry has passed, cached or not", async () => {
  let nowMs = Date.now();
  const auth = fakeAuth(knowsUser);
  const verify = verifier(auth.fetch, () => nowMs);
  const token = hs256(claimsOf(USER, { exp: Math.floor(nowMs / 1000) + 10 }));
  valueOf(await verify(token));
  nowMs += 11_000;
  const refusal = refusalOf(await verify(token));
  assertEquals(refusal.code, "UNAUTHENTICATED");
  assert(refusal.message.includes("expired"));
});

Deno.test("a refused token is not remembered as refused", async () => {
  let answer = rejects;
  const auth = fakeAuth(() => answer());
  const verify = verifier(auth.fetch);
  const token = hs256(claimsOf(USER));
  refusalOf(await verify(token));
  answer = knowsUser;
  valueOf(await verify(token));
});

Deno.test("a token of another project is UNAUTHENTICATED", async () => {
  const refusal = refusalOf(await verifier(fakeAuth(rejects).fetch)(hs256(claimsOf(USER))));
  assertEquals(refusal.code, "UNAUTHENTICATED");
});

Deno.test("a token with alg none, or no token at all, is refused without asking anyone", async () => {
  const auth = fakeAuth(knowsUser);
  const verify = verifier(auth.fetch);
  for (
    const token of [
      hs256(claimsOf(USER), { alg: "none" }),
      hs256(claimsOf(USER), { alg: "none", kid: "k" }),
      hs256(claimsOf(USER), {}),
      "a.b.c",
      "….….…",
      "x".repeat(100_000),
      hs256({ sub: USER }),
    ]
  ) {
    assertEquals(refusalOf(await verify(token)).code, "UNAUTHENTICATED", token.slice(0, 80));
  }
  assertEquals(auth.asked, []);
});

Deno.test("an Auth server that is down or overloaded is AUTH_UNAVAILABLE, never UNAUTHENTICATED", async () => {
  for (
    const answer of [
      () => Promise.reject(new TypeError("connection refused")),
      () => new Response("", { status: 503 }),
      () => new Response("boom", { status: 500 }),
      () => Response.json({ msg: "slow down" }, { status: 429 }),
    ]
  ) {
    const refusal = refusalOf(await verifier(fakeAuth(answer).fetch)(hs256(claimsOf(USER))));
    assertEquals(refusal.code, "AUTH_UNAVAILABLE");
  }
});

Deno.test("an ES256 token is verified by the given keys without asking the Auth server", async () => {
  const keys = await es256Keys("key-1");
  const auth = fakeAuth(rejects);
  const verify = createVerifyToken({
    supabaseUrl: URL,
    publishableKey: "sb_publishable_test",
    jwks: keys.jwks,
    fetch: auth.fetch,
  });
  const token = await keys.sign(claimsOf(USER, { is_anonymous: true }));
  const claims = valueOf(await verify(token));
  assertEquals(claims.isAnonymous, true);

  const others = await es256Keys("key-1");
  const forged = await others.sign(claimsOf(USER));
  const tampered = token.replace(/\.([^.]+)\./, (_, payload) => `.${payload.slice(0, -2)}QQ.`);
  for (const foreign of [forged, tampered, `${token}AA`]) {
    assertEquals(refusalOf(await verify(foreign)).code, "UNAUTHENTICATED");
  }
  assertEquals(auth.asked, []);
});

Deno.test("a token whose algorithm does not fit its key is refused, not a crash", async () => {
  const keys = await es256Keys("key-1");
  const verify = createVerifyToken({
    supabaseUrl: URL,
    publishableKey: "sb_publishable_test",
    jwks: keys.jwks,
    fetch: fakeAuth(rejects).fetch,
  });
  const outcome = await verify(hs256(claimsOf(USER), { alg: "RS256", kid: "key-1" }));
  assertEquals(refusalOf(outcome).code, "UNAUTHENTICATED");
});

Deno.test("a valid token without a user, such as a service role's, authenticates nobody", async () => {
  const verify = verifier(fakeAuth(knowsUser).fetch);
  for (
    const claims of [
      claimsOf(USER, { role: "service_role" }),
      claimsOf(USER, { role: "anon" }),
      claimsOf("not-a-uuid"),
    ]
  ) {
    assertEquals(refusalOf(await verify(hs256(claims))).code, "UNAUTHENTICATED");
  }
});

Deno.test("a key that the platform did not give is asked for once, and again after ten minutes", async () => {
  const keys = await es256Keys("key-2");
  const auth = fakeAuth(() => Response.json(keys.jwks));
  let nowMs = Date.now();
  const verify = verifier(auth.fetch, () => nowMs);
  for (const n of [1, 2, 3]) valueOf(await verify(await keys.sign(claimsOf(USER, { n }))));
  const wellKnown = `${URL}/auth/v1/.well-known/jwks.json`;
  assertEquals(auth.asked, [wellKnown]);
  nowMs += 10 * 60_000 + 1;
  valueOf(await verify(await keys.sign(claimsOf(USER))));
  assertEquals(auth.asked, [wellKnown, wellKnown]);
});

Deno.test("a token of a key that nobody can name is believed only if the Auth server does", async () => {
  const keys = await es256Keys("key-3");
  const token = await keys.sign(claimsOf(USER));
  for (const told of [{ keys: [] }, {}, null, { keys: [null, { kid: 3 }] }]) {
    const asked: string[] = [];
    const fetch = (input: RequestInfo | globalThis.URL) => {
      asked.push(String(input));
      return Promise.resolve(asked.length === 1 ? Response.json(told) : rejects());
    };
    const outcome = await verifier(fetch as typeof globalThis.fetch)(token);
    assertEquals(refusalOf(outcome).code, "UNAUTHENTICATED");
    assertEquals(asked.length, 2);
  }
  for (const answer of [() => new Response("", { status: 503 }), () => new Response("<html>")]) {
    assertEquals(refusalOf(await verifier(fakeAuth(answer).fetch)(token)).code, "AUTH_UNAVAILABLE");
  }
});
