import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  type Caller,
  type GuestCaller,
  guestHeaders,
  identify,
  type IdentifyDeps,
} from "../../shared/edge/identify.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { refusalOf, valueOf } from "./outcomes.ts";
import { claimsOf, hs256 } from "./tokens.ts";

const USER = "11111111-2222-4333-8444-555555555555";
const PUBLISHABLE = "sb_publishable_one";
const SECRET = "sb_secret_one";
const TOKEN = hs256(claimsOf(USER));

function deps(changes: Partial<IdentifyDeps> = {}): IdentifyDeps {
  return {
    publishableKeys: [PUBLISHABLE, "sb_publishable_two", hs256({ role: "anon" })],
    secretKeys: [SECRET, hs256({ role: "service_role" })],
    verifyToken: () =>
      Promise.resolve({ userId: USER, isAnonymous: false, expiresAtMs: Date.now() + 1000 }),
    guestTokenSecret: "guest token secret",
    addressHashSalt: "address salt",
    clientAddressHeaders: ["x-forwarded-for"],
    ...changes,
  };
}

function request(headers: Record<string, string>): Request {
  return new Request("http://edge.test/balance", { headers });
}

async function guest(headers: Record<string, string>, changes: Partial<IdentifyDeps> = {}) {
  return asGuest(await identify(request({ apikey: PUBLISHABLE, ...headers }), deps(changes)));
}

function asGuest(outcome: Caller | Refusal): GuestCaller {
  const caller = valueOf<Caller>(outcome);
  if (caller.kind !== "guest") throw new Error(`Not a guest but ${caller.kind}`);
  return caller;
}

Deno.test("a user's token is found wherever an SDK puts it", async () => {
  for (
    const headers of [
      { authorization: `Bearer ${TOKEN}` },
      { authorization: `bearer  ${TOKEN} ` },
      { authorization: `Bearer ${TOKEN}`, apikey: PUBLISHABLE },
      { authorization: `Bearer ${PUBLISHABLE}`, "x-api-key": TOKEN },
      { "x-api-key": TOKEN },
      { "x-goog-api-key": TOKEN },
      { "api-key": TOKEN },
      { apikey: TOKEN },
      { authorization: `Bearer ${TOKEN}`, apikey: SECRET },
    ]
  ) {
    const caller = await identify(request(headers as Record<string, string>), deps());
    assertEquals(caller, { kind: "user", userId: USER }, JSON.stringify(Object.keys(headers)));
  }
});

Deno.test("every publishable key, the legacy one included, makes a guest", async () => {
  for (const key of deps().publishableKeys) {
    asGuest(await identify(request({ authorization: `Bearer ${key}` }), deps()));
  }
});

Deno.test("every secret key makes the operator, for the user named in x-user-id", async () => {
  for (const key of deps().secretKeys) {
    const headers = { authorization: `Bearer ${key}`, apikey: PUBLISHABLE };
    assertEquals(await identify(request(headers), deps()), { kind: "operator", onBehalfOf: null });
    assertEquals(
      await identify(request({ ...headers, "x-user-id": USER.toUpperCase() }), deps()),
      { kind: "operator", onBehalfOf: USER },
    );
  }
});

Deno.test("an operator who names a user by something else than an id is INVALID_REQUEST", async () => {
  const outcome = await identify(request({ apikey: SECRET, "x-user-id": "bob" }), deps());
  assertEquals(refusalOf(outcome).code, "INVALID_REQUEST");
});

Deno.test("nothing, an unknown key, Basic or a broken token is UNAUTHENTICATED with a sentence", async () => {
  const invalid: Refusal = { code: "UNAUTHENTICATED", message: "The access token is not valid." };
  for (
    const headers of [
      {},
      { authorization: "Bearer sb_secret_other" },
      { authorization: "Basic dXNlcjpwYXNz", apikey: PUBLISHABLE },
      { authorization: "Bearer ", apikey: PUBLISHABLE },
      { authorization: `Bearer ${TOKEN}`, apikey: PUBLISHABLE },
      { "x-api-key": "sk-somebody-elses" },
    ]
  ) {
    const refusal = refusalOf(
      await identify(
        request(headers as Record<string, string>),
        deps({ verifyToken: () => Promise.resolve(invalid) }),
      ),
    );
    assertEquals(refusal.code, "UNAUTHENTICATED", JSON.stringify(headers));
    assertMatch(refusal.message, /^[A-Z].+\.$/);
  }
});

Deno.test("an Auth server that is down refuses a session and makes no guest of it", async () => {
  const down: Refusal = { code: "AUTH_UNAVAILABLE", message: "Retry." };
  const caller = await identify(
    request({ authorization: `Bearer ${TOKEN}`, apikey: PUBLISHABLE }),
    deps({ verifyToken: () => Promise.resolve(down) }),
  );
  assertEquals(caller, down);
});

Deno.test("a guest who sends the token back is the same guest, by header or by cookie", async () => {
  const first = await guest({});
  const byHeader = await guest({ "x-guest-token": first.guestToken! });
  const byCookie = await guest({ cookie: `a=b; farebox_guest=${first.guestToken}; c=d` });
  assertEquals(byHeader.guestTokenId, first.guestTokenId);
  assertEquals(byCookie.guestTokenId, first.guestTokenId);
  assertEquals(byHeader.guestToken, first.guestToken);
});

Deno.test("a guest with a forged token gets a new one, but the address still holds them", async () => {
  const address = { "x-forwarded-for": "203.0.113.7" };
  const first = await guest(address);
  const forged = first.guestToken!.replace(/^v1\.[^.]{4}/, "v1.AAAA");
  const second = await guest({ ...address, "x-guest-token": forged });
  assertNotEquals(second.guestTokenId, first.guestTokenId);
  assertNotEquals(second.guestToken, forged);
  assertEquals(second.addressHash, first.addressHash);
});

Deno.test("a guest is not another one by a header that nobody is said to write but the client", async () => {
  const first = await guest({ "x-forwarded-for": "203.0.113.7" });
  const second = await guest({
    "x-forwarded-for": "1.2.3.4, 203.0.113.7",
    "x-real-ip": "1.2.3.5",
    "cf-connecting-ip": "1.2.3.6",
  });
  assertEquals(second.addressHash, first.addressHash);
});

Deno.test("a token signed with another secret or older than 30 days is a new guest's", async () => {
  const first = await guest({});
  const sent = { "x-guest-token": first.guestToken! };
  const otherSecret = await guest(sent, { guestTokenSecret: "another secret" });
  assertNotEquals(otherSecret.guestTokenId, first.guestTokenId);
  const later = await guest(sent, { now: () => Date.now() + 31 * 24 * 3600 * 1000 });
  assertNotEquals(later.guestTokenId, first.guestTokenId);
});

Deno.test("an anonymous session is a guest held by its user id, with no token to send back", async () => {
  const caller = asGuest(
    await identify(
      request({ authorization: `Bearer ${TOKEN}` }),
      deps({
        verifyToken: () => Promise.resolve({ userId: USER, isAnonymous: true, expiresAtMs: 0 }),
      }),
    ),
  );
  assertEquals(caller.guestTokenId, `user:${USER}`);
  assertEquals(caller.anonymousUserId, USER);
  assertEquals(guestHeaders(caller, request({})), {});
});

Deno.test("a guest's token goes out as header and as cookie, Secure on https", async () => {
  const caller = await guest({});
  const plain = guestHeaders(caller, request({}));
  assertEquals(plain["x-guest-token"], caller.guestToken);
  assertMatch(plain["set-cookie"]!, /^farebox_guest=v1\..+; HttpOnly; SameSite=Lax$/);
  const tls = guestHeaders(caller, request({ "x-forwarded-proto": "https" }));
  assertMatch(tls["set-cookie"]!, /; Secure$/);
});

Deno.test("guests without an address share one holder, and no address is readable in a hash", async () => {
  const unknown = await guest({});
  assertEquals(
    (await guest({ "x-forwarded-for": "not an address" })).addressHash,
    unknown.addressHash,
  );
  const known = await guest({ "x-forwarded-for": "203.0.113.7" });
  assertNotEquals(known.addressHash, unknown.addressHash);
  assertMatch(known.addressHash, /^[0-9a-f]{64}$/);
});
