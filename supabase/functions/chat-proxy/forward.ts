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
import {
  FALL_BACK,
  isAboutOurAccount,
  type Next,
  nextAfter,
  retryAfterMs,
} from "./after_failure.ts";
import { withoutGzip } from "./compressed.ts";
import { rateLimitHeaders } from "./rate_limits.ts";

/** What came of it. An `answer` has a body that must be read or cancelled. */
export type Forwarded =
  | { kind: "answer"; response: Response; body: ReadableStream<Uint8Array> }
  /** The caller's own mistake, in the provider's own words. */
  | { kind: "rejected"; response: Response; next: Next }
  | { kind: "failed"; refusal: Refusal; incident: string | null; headers: Headers; next: Next };

export type ForwardOptions = {
  provider: Provider;
  endpoint: Endpoint;
  settings: ProviderEnv & { key: string };
  upstream: UpstreamRequest;
  /** Of the client's own headers, what its dialect lets through. */
  clientHeaders: Readonly<Record<string, string>>;
  stream: boolean;
  requestId: string;
  timeoutMs: number;
  fetch: typeof fetch;
  /** Aborted to end the upstream request, whenever that is. */
  abort: AbortController;
};

/** The statuses that are about what the caller sent, and whose bodies may be shown. */
const CALLERS_OWN = new Set([400, 403, 404, 405, 409, 413, 415, 422]);
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
      endpointUrl(provider, endpoint, settings.baseUrl ?? null, upstream.pathSuffix),
      {
        method: "POST",
        headers: {
          ...endpointHeaders(endpoint, settings.key),
          ...options.clientHeaders,
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
    // After a timeout the provider may still be at work, and bill: the same again would be paid twice.
    return timedOut
      ? failed({
        code: "UPSTREAM_TIMEOUT",
        message: `${provider.name} did not answer within ${
          Math.ceil(options.timeoutMs / 1000)
        } s. Nothing was charged; try again.`,
      }, FALL_BACK)
      : failed({
        code: "UPSTREAM_ERROR",
        message: `${provider.name} could not be reached. Nothing was charged; try again.`,
      }, { kind: "retry", afterMs: null });
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
  const body = withoutGzip(response);
  if (response.ok && body !== null) {
    if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
      // A login page, a proxy's greeting: whatever it is, it is no answer.
      await body.cancel().catch(() => {});
      return failed({
        code: "UPSTREAM_ERROR",
        message: `${provider.name} sent a web page. Nothing was charged; the operator should ` +
          "check the provider's address.",
      }, FALL_BACK);
    }
    return { kind: "answer", response, body };
  }
  const text = await readError(body, signal);
  const { status } = response;
  const isOurs = isAboutOurAccount(status, text);
  const next = isOurs ? FALL_BACK : nextAfter(response);
  const headers = rateLimitHeaders(response.headers);
  if (CALLERS_OWN.has(status) && !isOurs && isJson(text)) {
    headers.set("content-type", "application/json; charset=utf-8");
    return {
      kind: "rejected",
      response: new Response(redact(text, key), { status, headers }),
      next,
    };
  }
  if (status === 429 && !isOurs) {
    const seconds = Math.ceil((retryAfterMs(response.headers) ?? RETRY_AFTER_MS_DEFAULT) / 1000);
    const retry_after_seconds = Math.min(Math.max(seconds, 1), 3600);
    return failed(
      {
        code: "TOO_MANY_REQUESTS",
        message: `${provider.name} is taking no more requests just now. Nothing was charged; ` +
          `try again in ${retry_after_seconds} s.`,
        retry_after_seconds,
      },
      next,
      { headers },
    );
  }
  if (isOurs) {
    // Our key, our quota, our account: nothing of it is the caller's business.
    return failed(
      {
        code: "UPSTREAM_ERROR",
        message: `${provider.name} is not available here just now. Nothing was charged; ` +
          "the operator has been told.",
      },
      next,
      { incident: "provider_refused_credentials" },
    );
  }
  return failed(
    {
      code: "UPSTREAM_ERROR",
      message: `${provider.name} failed (status ${status}). Nothing was charged; try again.`,
    },
    next,
    { headers },
  );
}

/**
 * The beginning of an error body, as long as it comes: what the status means stands without it. The
 * rest is not read, as it may have no end.
 */
async function readError(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
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

/** Where a 429 does not say. */
const RETRY_AFTER_MS_DEFAULT = 5_000;

function failed(
  refusal: Refusal,
  next: Next,
  more: { incident?: string; headers?: Headers } = {},
): Forwarded {
  const { incident = null, headers = new Headers() } = more;
  return { kind: "failed", refusal, incident, headers, next };
}

/**
 * Providers put names of the account, and sometimes a part of the key, into their errors. An id has a
 * digit, a capital or an asterisk in it: a word such as `user_profile_id` is none.
 */
function redact(text: string, key: string): string {
  return (key === "" ? text : text.replaceAll(key, "[redacted]"))
    .replace(
      /\b(org|proj|sk|user|acct)[-_][A-Za-z0-9*_-]{6,}/g,
      (id) => /[A-Z0-9*]/.test(id) ? "[redacted]" : id,
    );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
