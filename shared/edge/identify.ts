/**
 * Who is calling: a signed-in user, a guest, or the operator. Every function asks this first.
 */
import { addressHash, clientAddress } from "./client_address.ts";
import { findCredential } from "./credentials.ts";
import type { Env } from "./env.ts";
import { newGuestToken, readGuestToken } from "./guest_token.ts";
import type { Refusal } from "./refusal.ts";
import { isUuid } from "./uuid.ts";
import { createVerifyToken, type VerifyToken } from "./verify_token.ts";

/** A user with an account. `userId` is a lower-case UUID. */
export type UserCaller = { kind: "user"; userId: string };

/**
 * Someone without an account. Both holders count their free exchanges: the token (a signed random
 * id, or `user:<id>` for an anonymous user) and the keyed hash of their address.
 */
export type GuestCaller = {
  kind: "guest";
  guestTokenId: string;
  addressHash: string;
  /** To send back with `guestHeaders`; null for an anonymous user, whose session is the token. */
  guestToken: string | null;
  /** The user id of an anonymous session, else null. */
  anonymousUserId: string | null;
};

/** Someone who holds a secret key, acting for themselves or for the user they name. */
export type OperatorCaller = { kind: "operator"; onBehalfOf: string | null };

export type Caller = UserCaller | GuestCaller | OperatorCaller;

export type IdentifyDeps = {
  publishableKeys: readonly string[];
  secretKeys: readonly string[];
  verifyToken: VerifyToken;
  guestTokenSecret: string;
  addressHashSalt: string;
  clientAddressHeaders: readonly string[];
  /** Milliseconds since 1970. */
  now?: () => number;
};

const GUEST_TOKEN_HEADER = "x-guest-token";
const GUEST_COOKIE = "farebox_guest";
const GUEST_COOKIE_SECONDS = 30 * 24 * 3600;

/** What `identify` needs, from the configuration. Make it once per isolate: it holds a cache. */
export function identifyDeps(env: Env): IdentifyDeps {
  return {
    publishableKeys: env.publishableKeys,
    secretKeys: env.secretKeys,
    verifyToken: createVerifyToken({
      supabaseUrl: env.supabaseUrl,
      publishableKey: env.publishableKey,
      ...(env.jwks && { jwks: env.jwks }),
    }),
    guestTokenSecret: env.guestTokenSecret,
    addressHashSalt: env.addressHashSalt,
    clientAddressHeaders: env.clientAddressHeaders,
  };
}

/**
 * Identifies the caller by headers alone; the body is not touched.
 *
 * Refuses with UNAUTHENTICATED (nothing valid presented), AUTH_UNAVAILABLE (nobody can tell) or
 * INVALID_REQUEST (an operator names a user by something that is no id). A session that is not valid
 * is never taken for a guest.
 */
export async function identify(request: Request, deps: IdentifyDeps): Promise<Caller | Refusal> {
  const credential = findCredential(request.headers, deps);
  switch (credential.kind) {
    case "none":
      return {
        code: "UNAUTHENTICATED",
        message:
          "No credential was sent. Send the user's access token as `Authorization: Bearer`, " +
          "or the project's publishable key as `apikey` to chat as a guest.",
      };
    case "malformed":
      return {
        code: "UNAUTHENTICATED",
        message: "The credential is neither a key of this project nor an access token. " +
          "Send the user's Supabase access token as `Authorization: Bearer`.",
      };
    case "secret_key":
      return identifyOperator(request.headers);
    case "publishable_key":
      return await identifyGuest(request.headers, deps);
    case "token": {
      const claims = await deps.verifyToken(credential.token);
      if ("code" in claims) return claims;
      if (!claims.isAnonymous) return { kind: "user", userId: claims.userId };
      return {
        kind: "guest",
        guestTokenId: `user:${claims.userId}`,
        addressHash: await hashOfAddress(request.headers, deps),
        guestToken: null,
        anonymousUserId: claims.userId,
      };
    }
  }
}

/**
 * The headers by which a guest keeps their token: `x-guest-token`, and a cookie for pages of the
 * same site. Empty for everyone else.
 */
export function guestHeaders(caller: Caller, request: Request): Record<string, string> {
  if (caller.kind !== "guest" || caller.guestToken === null) return {};
  const secure = request.url.startsWith("https:") ||
    request.headers.get("x-forwarded-proto") === "https";
  return {
    [GUEST_TOKEN_HEADER]: caller.guestToken,
    "set-cookie":
      `${GUEST_COOKIE}=${caller.guestToken}; Path=/; Max-Age=${GUEST_COOKIE_SECONDS}; ` +
      `HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`,
  };
}

/** Sends the guest's headers with an answer, whatever it is. */
export function addGuestHeaders(response: Response, caller: Caller, request: Request): void {
  for (const [name, value] of Object.entries(guestHeaders(caller, request))) {
    response.headers.append(name, value);
  }
}

function identifyOperator(headers: Headers): OperatorCaller | Refusal {
  const userId = headers.get("x-user-id")?.trim();
  if (!userId) return { kind: "operator", onBehalfOf: null };
  if (isUuid(userId)) return { kind: "operator", onBehalfOf: userId.toLowerCase() };
  return {
    code: "INVALID_REQUEST",
    message: "The header `x-user-id` must be the id of a user, a UUID.",
    param: "x-user-id",
  };
}

async function identifyGuest(headers: Headers, deps: IdentifyDeps): Promise<GuestCaller> {
  const nowMs = (deps.now ?? Date.now)();
  const sent = headers.get(GUEST_TOKEN_HEADER) ?? cookie(headers, GUEST_COOKIE);
  const known = sent ? await readGuestToken(sent, deps.guestTokenSecret, nowMs) : undefined;
  const { id, token } = known ?? await newGuestToken(deps.guestTokenSecret, nowMs);
  return {
    kind: "guest",
    guestTokenId: id,
    addressHash: await hashOfAddress(headers, deps),
    guestToken: token,
    anonymousUserId: null,
  };
}

function hashOfAddress(headers: Headers, deps: IdentifyDeps): Promise<string> {
  return addressHash(clientAddress(headers, deps.clientAddressHeaders), deps.addressHashSalt);
}

function cookie(headers: Headers, name: string): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [key, value] = pair.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}
