/**
 * The sign-up webhooks: decides, before a user is created, what the sign-up earns, and grants, after.
 *
 * Nothing here may stop a sign-up but a decision of the ledger. What goes wrong is logged and made
 * good by the trigger or by the user's first request.
 */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import { refusalFromOutage } from "../../../shared/credit/refusals.ts";
import {
  addRoute,
  answerJson,
  type AppContext,
  createApp,
  refuse,
} from "../../../shared/edge/app.ts";
import { addressHash, canonicalAddress } from "../../../shared/edge/client_address.ts";
import { isOneOfSecrets } from "../../../shared/edge/constant_time.ts";
import { logError, logInfo, logWarning } from "../../../shared/edge/log.ts";
import { readBody } from "../../../shared/edge/read_body.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { type AuthHookEvent, readAuthHook, readDatabaseWebhook } from "./payloads.ts";
import { createCheckSignature, isSigned } from "./signature.ts";

export type InitBalanceDeps = {
  ledger: Pick<Ledger, "decideSignUp" | "welcome">;
  /** Secrets of the Auth hook, `v1,whsec_…`. */
  authHookSecrets: readonly string[];
  /** What a database webhook may send as `Authorization: Bearer`. */
  webhookSecrets: readonly string[];
  addressHashSalt: string;
};

/** A user with all metadata is far below this. */
const BODY_BYTES_MAX = 1024 * 1024;

/** Builds the function: from requests to responses. */
export function createHandler(deps: InitBalanceDeps): (request: Request) => Promise<Response> {
  const { ledger } = deps;
  const checkSignature = createCheckSignature(deps.authHookSecrets);
  const app = createApp({ slug: "init-balance", refusalFromError: refusalFromOutage });
  addRoute(app, "/", { POST: receive });
  return async (request) => await app.fetch(request);

  async function receive(c: AppContext): Promise<Response> {
    const body = await readBody(c.req.raw, BODY_BYTES_MAX);
    if (typeof body !== "string") return refuse(c, body);
    return isSigned(c.req.raw.headers)
      ? await receiveAuthHook(c, body)
      : await receiveDatabaseWebhook(c, body);
  }

  async function receiveAuthHook(c: AppContext, body: string): Promise<Response> {
    const refusal = checkSignature(body, c.req.raw.headers);
    if (refusal) {
      logWarning("Sign-up hook rejected", { request_id: c.get("requestId"), ...refusal });
      return refuse(c, refusal);
    }
    const event = readAuthHook(body);
    // Signed by our Auth server, so it is a sign-up all the same: let it pass.
    if (event === undefined) {
      logError("Sign-up hook not understood", { request_id: c.get("requestId") });
      return answerJson({});
    }
    switch (event.name) {
      case "before-user-created":
        return await decide(c, event);
      case "after-user-created":
        return await welcomeAfterHook(c, event);
      default:
        logWarning("Sign-up hook of another kind", { name: event.name.slice(0, 100) });
        return answerJson({});
    }
  }

  /** Never grants: the id may not be final, and the user may never come to be. */
  async function decide(c: AppContext, event: AuthHookEvent): Promise<Response> {
    const address = event.ipAddress === null ? undefined : canonicalAddress(event.ipAddress);
    const decided = await orNull(c, "Sign-up not decided", async () =>
      await ledger.decideSignUp({
        userId: event.userId,
        email: event.email,
        addressHash: address ? await addressHash(address, deps.addressHashSalt) : null,
        isAnonymous: event.isAnonymous,
      }));
    if (decided === null) return answerJson({});
    logInfo("Sign-up decided", {
      user_id: event.userId,
      decision: decided.decision,
      reason: decided.reason,
      amount: decided.amount,
    });
    if (decided.decision !== "reject") return answerJson({});
    // A rejection is a 200 to Auth: any other status becomes an opaque 500 for the user.
    return answerJson({
      error: {
        http_code: 403,
        message: decided.message ?? "This sign-up is not possible. Contact support.",
      },
    });
  }

  async function welcomeAfterHook(c: AppContext, event: AuthHookEvent): Promise<Response> {
    const welcome = await orNull(
      c,
      "Welcome credit not granted",
      () => ledger.welcome(event.userId),
    );
    if (welcome) logWelcome(event.userId, welcome.state, welcome.amount);
    return answerJson({});
  }

  /** Nobody waits for this one, so it tells the truth: an outage is a 503. */
  async function receiveDatabaseWebhook(c: AppContext, body: string): Promise<Response> {
    const bearer = /^Bearer\s+(\S+)\s*$/i.exec(c.req.header("authorization") ?? "")?.[1] ??
      c.req.header("apikey") ?? "";
    if (bearer === "" || !isOneOfSecrets(bearer, deps.webhookSecrets)) {
      logWarning("Sign-up webhook rejected", { request_id: c.get("requestId") });
      return refuse(c, {
        code: "UNAUTHENTICATED",
        message: "Send a Standard Webhooks signature, or `Authorization: Bearer` with " +
          "DATABASE_WEBHOOK_SECRET or a secret key.",
      });
    }
    const event = readDatabaseWebhook(body);
    if (event === undefined) {
      return refuse(c, {
        code: "INVALID_REQUEST",
        message: "The body is not a database webhook of auth.users: " +
          'send {"type":"INSERT","schema":"auth","table":"users","record":{"id":…}}.',
      });
    }
    if (event.userId === null) return answerJson({ state: "ignored" });
    const welcome = await ledger.welcome(event.userId);
    if (isRefusal(welcome)) return refuse(c, welcome);
    logWelcome(event.userId, welcome.state, welcome.amount);
    return answerJson({ user_id: event.userId, ...welcome });
  }

  /** The ledger's answer, or null where it has none: then the sign-up goes on without. */
  async function orNull<T extends object>(
    c: AppContext,
    failure: string,
    ask: () => Promise<T | Refusal>,
  ): Promise<T | null> {
    const fields = { request_id: c.get("requestId") };
    try {
      const answer = await ask();
      if (!isRefusal(answer)) return answer;
      logError(failure, { ...fields, ...answer });
    } catch (error) {
      logError(failure, { ...fields, error });
    }
    return null;
  }
}

function logWelcome(userId: string, state: string, amount: string): void {
  logInfo("Welcome credit", { user_id: userId, state, amount });
}
