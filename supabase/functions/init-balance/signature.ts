/**
 * Whether a webhook was sent by someone who holds our secret: the Standard Webhooks signature of
 * Supabase Auth.
 */
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { Refusal } from "../../../shared/edge/refusal.ts";

/** Checks the signature over a body. Undefined: it is ours, and at most 5 minutes old. */
export type CheckSignature = (body: string, headers: Headers) => Refusal | undefined;

const HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;

/** Whether a request claims to be signed, by whomever. */
export function isSigned(headers: Headers): boolean {
  return headers.has("webhook-signature");
}

/**
 * Builds the check. Any of the secrets will do, so that one can be changed without a gap.
 *
 * @param secrets in the form `v1,whsec_<base64>`.
 */
export function createCheckSignature(secrets: readonly string[]): CheckSignature {
  const webhooks = secrets.map((secret) => new Webhook(secret.replace(/^v1,/, "")));

  return (body, headers) => {
    const given: Record<string, string> = {};
    for (const name of HEADERS) given[name] = headers.get(name) ?? "";
    let reason = "no hook secret is set in this project";
    for (const webhook of webhooks) {
      try {
        webhook.verify(body, given, { jsonParse: false });
        return undefined;
      } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error;
        // "No matching signature" of an older secret must not hide that the message is too old.
        if (reason !== OLD) reason = /too (old|new)/.test(error.message) ? OLD : WRONG;
      }
    }
    return {
      code: "UNAUTHENTICATED",
      message: `The webhook's signature was not accepted: ${reason}. ` +
        "Sign with BEFORE_USER_CREATED_HOOK_SECRET by Standard Webhooks.",
    };
  };
}

const OLD = "its timestamp is more than 5 minutes off";
const WRONG = "it does not match";
