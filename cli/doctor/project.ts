/** The project as its clients see it: plain HTTP with one credential or another. */

/** Whose credential a request carries; a string is a user's access token. */
export type As = "secret" | "publishable" | "nobody" | { readonly token: string };

export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
}

export interface Project {
  readonly url: string;
  readonly hasPublishableKey: boolean;
  /** Asks `<url><path>`, or another address. @throws Unanswered */
  ask(as: As, path: string, ask?: Ask): Promise<Answer>;
}

/** Nothing came back: no network, no such host, or no answer in time. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** A cold function and a slow provider included. */
const TIMEOUT_MS = 60_000;

export function openProject(
  { url, secretKey, publishableKey }: {
    url: string;
    secretKey: string;
    publishableKey: string | null;
  },
): Project {
  return {
    url,
    hasPublishableKey: publishableKey !== null,
    async ask(as, path, { method = "GET", body, headers = {} } = {}) {
      const address = /^https?:/.test(path) ? path : `${url}${path}`;
      try {
        const response = await fetch(address, {
          method,
          headers: {
            ...credentials(as),
            ...(body !== undefined && { "content-type": "application/json" }),
            ...headers,
          },
          ...(body !== undefined && {
            body: typeof body === "string" ? body : JSON.stringify(body),
          }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const text = await response.text();
        return { status: response.status, headers: response.headers, text, json: parse(text) };
      } catch (error) {
        const isLate = error instanceof DOMException && error.name === "TimeoutError";
        throw new Unanswered(
          `${new URL(address).host} gave no answer${
            isLate ? ` within ${TIMEOUT_MS / 1000} seconds` : ""
          }`,
          { cause: error },
        );
      }
    },
  };

  /** As supabase-js sends them: keys both ways, a token beside the key of the app. */
  function credentials(as: As): Record<string, string> {
    if (as === "nobody") return {};
    if (typeof as === "object") {
      return { apikey: publishableKey ?? secretKey, authorization: `Bearer ${as.token}` };
    }
    const key = as === "secret" ? secretKey : publishableKey;
    return key === null ? {} : { apikey: key, authorization: `Bearer ${key}` };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An answer in a few words, for a sentence: `404 (Requested function was not found)`. */
export function inWords({ status, json, text }: Answer): string {
  const { message, msg, error } = (json ?? {}) as Record<string, unknown>;
  const says = [message, msg, error].find((part) => typeof part === "string") ??
    (json === undefined ? text.slice(0, 2_000).replace(/<[^>]*>|\s+/g, " ").trim() : "");
  return says === "" ? String(status) : `${status} (${String(says).slice(0, 160)})`;
}

/** A field of a JSON answer; undefined where there is none. */
export function field(answer: Answer, name: string): unknown {
  const { json } = answer;
  return typeof json === "object" && json !== null && name in json
    ? (json as Record<string, unknown>)[name]
    : undefined;
}
