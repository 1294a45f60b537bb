/** Forwards `/functions/v1/<slug>/…` to the functions process, as `/<slug>/…`, untouched both ways. */

/** Headers that say where a request came from. The platform's edge sets them; a client may not. */
const ADDRESS_HEADERS = [
  "cf-connecting-ip",
  "client-ip",
  "fly-client-ip",
  "forwarded",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];

/** Headers of one connection, not of the message. */
const HOP_HEADERS = [
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

export const FUNCTIONS_PATH = "/functions/v1";

/**
 * Forwards one request. When the client leaves, the function's request is cancelled; when the
 * function's stream breaks, so does the client's.
 * @param functionsUrl where the functions process listens.
 * @returns the function's response, or 503 with `sb-error-code: BOOT_ERROR` when nobody listens.
 */
export async function forwardToFunctions(
  request: Request,
  functionsUrl: string,
  peerAddress: string,
): Promise<Response> {
  const url = new URL(request.url);
  const target = new URL(url.pathname.slice(FUNCTIONS_PATH.length) + url.search, functionsUrl);
  const headers = new Headers(request.headers);
  for (const name of [...ADDRESS_HEADERS, ...HOP_HEADERS]) headers.delete(name);
  headers.set("x-forwarded-for", peerAddress);
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", url.protocol.slice(0, -1));
  // Deno's fetch would decode a compressed answer: ask for none, the bytes must stay as they are.
  headers.set("accept-encoding", "identity");
  try {
    const response = await fetch(target, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
      signal: request.signal,
    });
    const answerHeaders = new Headers(response.headers);
    for (const name of HOP_HEADERS) {
      if (name !== "content-length" || response.body !== null) answerHeaders.delete(name);
    }
    return new Response(response.body, { status: response.status, headers: answerHeaders });
  } catch {
    return notThere("The functions process does not answer. It is restarted by itself: try again.");
  }
}

/** As hosted Supabase says that a function does not start. */
export function notThere(message: string): Response {
  return Response.json({ code: "BOOT_ERROR", message }, {
    status: 503,
    headers: {
      "sb-error-code": "BOOT_ERROR",
      "retry-after": "1",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "sb-error-code, retry-after",
    },
  });
}
