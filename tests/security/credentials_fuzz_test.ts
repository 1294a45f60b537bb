/** Credentials are languages too: nothing but what was issued is accepted, and nothing crashes. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { canonicalAddress, clientAddress } from "../../shared/edge/client_address.ts";
import { newGuestToken, readGuestToken } from "../../shared/edge/guest_token.ts";
import { identify, type IdentifyDeps } from "../../shared/edge/identify.ts";
import { createVerifyToken } from "../../shared/edge/verify_token.ts";
import { createCheckSignature } from "../../supabase/functions/init-balance/signature.ts";
import { claimsOf, es256Keys, hs256 } from "../edge/tokens.ts";

const USER = "11111111-2222-4333-8444-555555555555";
const SECRET = "a secret of the guests' tokens";

/** Another text by one change: a letter put in, taken out, exchanged, or a piece said twice. */
const slips = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  letter: fc.constantFrom(..."Aa0.-_= +/é\u212a"),
  kind: fc.constantFrom("insert", "remove", "replace", "double"),
});
type Slip = { at: number; letter: string; kind: string };
function slipped(text: string, { at, letter, kind }: Slip): string {
  const place = Math.floor(at * text.length);
  const [before, after] = [text.slice(0, place), text.slice(place)];
  if (kind === "insert") return before + letter + after;
  if (kind === "remove") return before + after.slice(1);
  if (kind === "replace") return before + letter + after.slice(1);
  return text + after;
}

/** The last letter of base64 has bits that say nothing: another letter may be the same bytes. */
const sameBytes = (a: string, b: string) => a.slice(0, -1) === b.slice(0, -1);

Deno.test("a guest's token with one slip is no token, or holds the same guest", async () => {
  const nowMs = Date.now();
  const { token, id } = await newGuestToken(SECRET, nowMs);
  await fc.assert(
    fc.asyncProperty(slips, async (slip) => {
      const tried = slipped(token, slip);
      if (tried === token) return;
      const read = await readGuestToken(tried, SECRET, nowMs);
      assert(read === undefined || (sameBytes(tried, token) && read.id === id), tried);
    }),
    { numRuns: 500 },
  );
});

Deno.test("an access token of the project's key with one slip authenticates nobody else, and crashes nothing", async () => {
  const keys = await es256Keys("key-1");
  const verify = createVerifyToken({
    supabaseUrl: "http://project.test",
    publishableKey: "sb_publishable_test",
    jwks: keys.jwks,
    fetch: () => Promise.resolve(Response.json({ code: 403, msg: "invalid" }, { status: 403 })),
  });
  const token = await keys.sign(claimsOf(USER));
  assert("userId" in await verify(token));
  await fc.assert(
    fc.asyncProperty(slips, async (slip) => {
      const tried = slipped(token, slip);
      const claims = await verify(tried);
      if ("code" in claims) return assertEquals(claims.code, "UNAUTHENTICATED");
      assertEquals([claims.userId, sameBytes(tried, token)], [USER, true]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("no header and no payload that is made up makes a user, whatever its alg, kid, jku, jwk or x5u", async () => {
  const keys = await es256Keys("key-1");
  const asked: string[] = [];
  const verify = createVerifyToken({
    supabaseUrl: "http://project.test",
    publishableKey: "sb_publishable_test",
    jwks: keys.jwks,
    fetch: (input) => {
      asked.push(new URL(input instanceof Request ? input.url : String(input)).origin);
      return Promise.resolve(Response.json({ code: 403, msg: "invalid" }, { status: 403 }));
    },
  });
  const elsewhere = fc.constantFrom(
    "http://evil.test/jwks",
    "file:///etc/passwd",
    "../../x",
    "key-1",
  );
  const header = fc.record({
    alg: fc.constantFrom<unknown>(
      "none",
      "None",
      "HS256",
      "RS256",
      "ES256",
      "EdDSA",
      ["ES256"],
      null,
    ),
    kid: fc.option(elsewhere, { nil: undefined }),
    jku: elsewhere,
    x5u: elsewhere,
    jwk: fc.constant(keys.jwks.keys[0]),
    crit: fc.constant(["exp"]),
  }, { requiredKeys: ["alg"] });
  await fc.assert(
    fc.asyncProperty(header, async (header) => {
      const claims = await verify(hs256(claimsOf(USER), header as Record<string, unknown>));
      assertEquals("code" in claims && claims.code, "UNAUTHENTICATED");
    }),
    { numRuns: 200 },
  );
  assertEquals([...new Set(asked)].filter((origin) => origin !== "http://project.test"), []);
});

Deno.test("a webhook with one slip in its body, id, time or signature is not believed", () => {
  const secret = `v1,whsec_${btoa("a secret of the sign-up hook")}`;
  const check = createCheckSignature([secret]);
  const body = JSON.stringify({ user: { id: USER, email: "ada@example.com" } });
  const now = new Date();
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(secret.replace("v1,", "")).sign("msg_1", now, body),
  };
  assertEquals(check(body, new Headers(headers)), undefined);
  const parts = fc.constantFrom("body", ...Object.keys(headers) as (keyof typeof headers)[]);
  fc.assert(
    fc.property(parts, slips.filter(({ letter }) => letter < "\x7f"), (part, slip) => {
      const original = part === "body" ? body : headers[part];
      const tried = slipped(original, slip).trim();
      if (tried === original) return;
      const given = new Headers(part === "body" ? headers : { ...headers, [part]: tried });
      const refused = check(part === "body" ? tried : body, given);
      // Of a list of signatures one has to match; and base64 may end in letters that say nothing.
      const isSame = part === "webhook-signature" && tried.includes(original.slice(0, -2)) ||
        // The number is the same to whoever reads it: the signature is over that number.
        part === "webhook-timestamp" && parseInt(tried, 10) === Number(original);
      assert(refused?.code === "UNAUTHENTICATED" || isSame, `${part}: ${tried}`);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("whatever the headers, somebody is known by a credential that we issued, or refused", async () => {
  const deps: IdentifyDeps = {
    publishableKeys: ["sb_publishable_one"],
    secretKeys: ["sb_secret_one"],
    verifyToken: () => Promise.resolve({ code: "UNAUTHENTICATED", message: "No." }),
    guestTokenSecret: SECRET,
    addressHashSalt: "salt",
    clientAddressHeaders: ["x-forwarded-for"],
  };
  const value = fc.oneof(
    fc.constantFrom(
      "",
      "Bearer",
      "Bearer ",
      "Bearer sb_secret_on",
      "sb_secret_one2",
      "SB_SECRET_ONE",
    ),
    fc.constantFrom("Bearer a.b.c", "Basic c2I=", "Bearer sb_publishable_one, Bearer sb_secret_on"),
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)) }),
  );
  const names = ["authorization", "apikey", "x-api-key", "x-goog-api-key", "api-key", "cookie"];
  const others = ["x-guest-token", "x-forwarded-for", "x-user-id"];
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...names, ...others), value, { maxKeys: 5 }),
      fc.boolean(),
      async (given, isGuest) => {
        const headers = new Headers(isGuest ? { ...given, apikey: "sb_publishable_one" } : given);
        const caller = await identify(new Request("http://edge.test/", { headers }), deps);
        if ("code" in caller) return;
        assertEquals([caller.kind, isGuest], ["guest", true]);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("every address of one /64 has one holder, however it is written, and no text has two", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const network = fc.tuple(group, group, group, group).filter(([first]) => first !== 0);
  const host = fc.tuple(group, group, group, group);
  const written = (groups: number[], upper: boolean) => {
    const text = groups.map((g) => g.toString(16)).join(":");
    return upper ? text.toUpperCase() : text;
  };
  fc.assert(
    fc.property(network, host, host, fc.boolean(), (net, one, other, upper) => {
      const first = canonicalAddress(written([...net, ...one], upper));
      assert(first?.endsWith("::/64"), first);
      assertEquals(first, canonicalAddress(`[${written([...net, ...other], !upper)}]:443`));
      assertEquals(first, canonicalAddress(`${written([...net, ...other], upper)}%eth0`));
      const next = [net[0], net[1], net[2], (net[3] + 1) & 0xffff, ...one];
      assert(first !== canonicalAddress(written(next, upper)));
    }),
  );
  const forged = fc.string({ unit: fc.constantFrom(..."0123456789abcdef:.%,[] x") });
  fc.assert(
    fc.property(forged, (text) => {
      const value = `${text}, 203.0.113.9`;
      const headers = new Headers({ "x-forwarded-for": value, "x-real-ip": "6.6.6.6" });
      assertEquals(clientAddress(headers, ["x-forwarded-for"]), "203.0.113.9");
    }),
  );
});
