/** Requests to the functions, as the user who is signed in or as a guest. */
import type { Session } from "@supabase/supabase-js";
import {
  aborted,
  badAnswer,
  type Json,
  networkError,
  parseJson,
  refusalOf,
  sessionExpired,
} from "./failures.ts";
import type { FareboxOptions } from "./farebox.ts";
import { createGuestToken } from "./guest_token.ts";

export interface Call {
  /** Sent by POST where it is given. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  /** Always OK: all others are thrown. */
  readonly response: Response;
  /** Whose request it was. */
  readonly owner: Owner;
}

/** A user's id; null for a guest without a session. */
export type Owner = string | null;

export interface Http {
  /** @throws FareboxError, or `AbortError`. The body of the answer is the caller's to read. */
  send(path: string, call?: Call): Promise<Answer>;
  /** The JSON of an answer, with the balance as a string. */
  json(path: string, call?: Call): Promise<{ readonly json: Json; readonly owner: Owner }>;
}

export function createHttp(options: FareboxOptions): Http {
  const { auth } = options.supabase;
  const base = options.functionsUrl ?? `${options.url.replace(/\/+$/, "")}/functions/v1`;
  const guestToken = createGuestToken(options.storage);

  /** @throws NetworkError or SessionExpired where there was a session that cannot be had any more. */
  async function session(refresh: boolean): Promise<Session | null> {
    const { data, error } = await (refresh ? auth.refreshSession() : auth.getSession());
    if (data.session !== null || (error === null && !refresh)) return data.session;
    throw error?.name === "AuthRetryableFetchError"
      ? networkError(error)
      : sessionExpired({ cause: error });
  }

  async function once(path: string, call: Call, session: Session | null): Promise<Response> {
    const guest = session === null ? guestToken.read() : null;
    const hasBody = call.body !== undefined;
    const init = {
      method: hasBody ? "POST" : "GET",
      headers: {
        apikey: options.publishableKey,
        authorization: `Bearer ${session?.access_token ?? options.publishableKey}`,
        ...(guest !== null && { "x-guest-token": guest }),
        ...(hasBody && { "content-type": "application/json" }),
        ...call.headers,
      },
      ...(hasBody && { body: JSON.stringify(call.body) }),
      ...(call.signal && { signal: call.signal }),
    };
    let response;
    try {
      response = await fetch(base + path, init);
    } catch (error) {
      throw call.signal?.aborted ? aborted(call.signal) : networkError(error);
    }
    guestToken.keep(response.headers.get("x-guest-token"));
    return response;
  }

  async function send(path: string, call: Call = {}): Promise<Answer> {
    let who = await session(false);
    if (call.signal?.aborted) throw aborted(call.signal);
    let response = await once(path, call, who);
    if (response.status === 401 && who !== null) {
      // Refused before anything was asked of a provider: it can be repeated.
      await response.body?.cancel();
      who = await session(true);
      response = await once(path, call, who);
    }
    if (!response.ok) throw await refusalOf(response, who !== null);
    return { response, owner: who?.user.id ?? null };
  }

  return {
    send,
    async json(path, call = {}) {
      const { response, owner } = await send(path, call);
      let text;
      try {
        text = await response.text();
      } catch (error) {
        throw call.signal?.aborted ? aborted(call.signal) : networkError(error);
      }
      const json = parseJson(text);
      if (json === undefined) throw badAnswer(response);
      return { json, owner };
    },
  };
}
