/**
 * One request to the provider, and what its refusals mean to the caller.
 */
import { type ProviderEnv } from "../../../shared/edge/env.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { UpstreamRequest } from "../../../shared/llm/dialect.ts";
import {
  type Endpoint,
  endpointHeaders,
  endpointUrl,
  type Provider,
} from "../../../shared/llm/providers.ts";

/** What came of it. An `answer` has a body that must be read or cancelled. */
export type Forwarded =
  | { kind: "answer"; response: Response; body: ReadableStream<Uint8Array> }
  /** The caller's own mistake, in the provider's own words. */
  | { kind: "rejected"; response: Response }
  | { kind: "failed"; refusal: Refusal; incident: string | null };

export type ForwardOptions = {
  provider: Provider;
  endpoint: Endpoint;
  settings: ProviderEnv & { key: string };
  upstream: UpstreamRequest;
  stream: boolean;
  requestId: string;
  timeoutMs: number;
  fetch: typeof fetch;
  /** Aborted to end the upstream request, whenever that is. */
  abort: AbortController;
};

/** The statuses that are about what the caller sent, and whose bodies may be shown. */
const CALLERS_OWN = new Set([400, 404, 405, 409, 413, 415, 422]);
/** An error body is short; more than this is not one. */
const ERROR_BYTES_MAX = 64 * 1024;

/** Sends the request and waits for the provider's headers, at most `timeoutMs`. */
export async function forward(options: ForwardOptions): Promise<Forwarded> {
  const { provider, endpoint, settings, upstream, abort } = options;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort.abort();
  }, options.timeoutMs);
  try {
    const response = await options.fetch(
      endpointUrl(provider, endpoint, settings.baseUrl ?? null),
      {
        method: "POST",
        headers: {
          ...endpointHeaders(endpoint, settings.key),
          "content-type": "application/json",
          accept: options.stream ? "text/event-stream" : "application/json",
          // A compressed body would be other bytes than the provider's, and heartbeats could not
          // stand between its events.
          "accept-encoding": "identity",
          "user-agent": "farebox",
          "x-client-request-id": options.requestId,
        },
        body: JSON.stringify(upstream.body),
        signal: abort.signal,
        redirect: "error",
      },
    );
    return await understand(response, provider, settings.key, abort.signal);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return timedOut
      ? failed({
        code: "UPSTREAM_TIMEOUT",
        message: `${provider.name} did not answer within ${
          options.timeoutMs / 1000
        } s. Nothing was charged; try again.`,
      })
      : failed({
        code: "UPSTREAM_ERROR",
        message: `${provider.name} could not be reached. Nothing was charged; try again.`,
      });
  } finally {
    clearTimeout(timer);
  }
}

async function understand(
  response: Response,
  provider: Provider,
  key: string,
  signal: AbortSignal,
): Promise<Forwarded> {
  if (response.ok && response.body !== null) {
    if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
      // A login page, a proxy's greeting: whatever it is, it is no answer.
      await response.body.cancel().catch(() => {});
      return failed({
        code: "UPSTREAM_ERROR",
        message: `${provider.name} sent a web page. Nothing was charged; the operator should ` +
          "check the provider's address.",
      });
    }
    return { kind: "answer", response, body: response.body };
  }
  const text = await readError(response, signal);
  const status = response.status;
  if (CALLERS_OWN.has(status) && isJson(text)) {
    return {
      kind: "rejected",
      response: new Response(redact(text, key), {
        status,
        headers: { "content-type": "application/json; charset=utf-8" },
      }),
    };
  }
  if (status === 429 && !text.includes("insufficient_quota")) {
    const seconds = retryAfterSeconds(response.headers);
    return failed({
      code: "TOO_MANY_REQUESTS",
      message: `${provider.name} is taking no more requests just now. Nothing was charged; ` +
        `try again in ${seconds} s.`,
      retry_after_seconds: seconds,
    });
  }
  if (status === 401 || status === 402 || status === 403 || status === 429) {
    // Our key, our quota, our account: nothing of it is the caller's business.
    return failed({
      code: "UPSTREAM_ERROR",
      message: `${provider.name} is not available here just now. Nothing was charged; ` +
        "the operator has been told.",
    }, "provider_refused_credentials");
  }
  return failed({
    code: "UPSTREAM_ERROR",
    message: `${provider.name} failed (status ${status}). Nothing was charged; try again.`,
  });
}

/**
 * The beginning of an error body, as long as it comes: what the status means stands without it. The
 * rest is not read, as it may have no end.
 */
async function readError(response: Response, signal: AbortSignal): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  // The abort itself may go unheard once the headers are there.
  signal.addEventListener("abort", leave);
  const decoder = new TextDecoder();
  let text = "";
  let sizeBytes = 0;
  try {
    while (sizeBytes < ERROR_BYTES_MAX) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      const part = value.subarray(0, ERROR_BYTES_MAX - sizeBytes);
      text += decoder.decode(part, { stream: true });
      sizeBytes += part.length;
    }
  } catch {
    // It broke off.
  } finally {
    signal.removeEventListener("abort", leave);
  }
  leave();
  return text;
}

function failed(refusal: Refusal, incident: string | null = null): Forwarded {
  return { kind: "failed", refusal, incident };
}

function retryAfterSeconds(headers: Headers): number {
  const value = headers.get("retry-after") ?? "";
  const seconds = /^\d{1,6}(\.\d+)?$/.test(value)
    ? Math.ceil(Number(value))
    : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 3600) : 5;
}

/** Providers put names of the account, and sometimes a part of the key, into their errors. */
function redact(text: string, key: string): string {
  return text
    .replaceAll(key, "[redacted]")
    .replace(/\b(org|proj|sk|user|acct)[-_][A-Za-z0-9*_-]{6,}/g, "[redacted]");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
