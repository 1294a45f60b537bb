/**
 * Sends a message to the operator's or the app's webhook, signed by Standard Webhooks where there is
 * a secret.
 *
 * A webhook's URL is a secret too (Slack's is all that it takes to post), so nothing here tells it:
 * neither a reason nor a log line.
 */
import { Webhook } from "standardwebhooks";
import type { WebhookEnv } from "../../../shared/edge/env.ts";

/** A body that Slack's incoming webhooks take, and of which a program reads `metadata`. */
export type Message = {
  /** Stays the same when a message is sent again. */
  id: string;
  text: string;
  metadata: { event_type: string; event_payload: Record<string, unknown> };
};

/** Null: it arrived. Else why it did not, in words that may be shown. */
export type Failure = string | null;
export type Send = (message: Message) => Promise<Failure>;

/** A receiver that has not answered by then is taken to be down. */
const TIMEOUT_MS = 5_000;
/** Three attempts; together they end well within the 50 s for which a message is claimed. */
const RETRY_AFTER_MS = [500, 2_000] as const;

/** Builds the sender for one webhook. */
export function createSend(
  webhook: WebhookEnv,
  options: { retryAfterMs?: readonly number[]; timeoutMs?: number } = {},
): Send {
  const { retryAfterMs = RETRY_AFTER_MS, timeoutMs = TIMEOUT_MS } = options;
  const signers = webhook.secrets.map((secret) => new Webhook(secret));

  return async ({ id, ...content }) => {
    const body = JSON.stringify(content);
    for (let attempt = 0;; attempt++) {
      const { failure, mayRetry } = await post(id, body);
      const pauseMs = retryAfterMs[attempt];
      if (failure === null || !mayRetry || pauseMs === undefined) return failure;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };

  async function post(
    id: string,
    body: string,
  ): Promise<{ failure: Failure; mayRetry: boolean }> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(webhook.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...signed(id, body) },
        body,
        signal,
        // To follow would be to send the message to somebody else.
        redirect: "manual",
      });
      await response.body?.cancel();
      const { status } = response;
      if (response.ok) return { failure: null, mayRetry: false };
      return {
        failure: `the webhook answered ${status}`,
        mayRetry: status >= 500 || status === 429 || status === 408,
      };
    } catch {
      // The error's text holds the URL.
      const failure = signal.aborted
        ? `the webhook did not answer within ${timeoutMs / 1000} s`
        : "the webhook cannot be reached";
      return { failure, mayRetry: true };
    }
  }

  /** One signature a secret: a receiver that knows one of them is content. */
  function signed(id: string, body: string): Record<string, string> {
    if (signers.length === 0) return {};
    const at = new Date();
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": signers.map((signer) => signer.sign(id, at, body)).join(" "),
    };
  }
}
