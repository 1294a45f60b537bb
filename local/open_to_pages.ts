/**
 * Lets the pages of any origin ask, as hosted Supabase does for the Data API and Auth: whoever asks is
 * known by keys and tokens, not by cookies.
 */

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/** What supabase-js reads besides the headers that every page may. */
const EXPOSED = "content-range, content-location, location, x-total-count, x-supabase-api-version";

/** Answers a browser's question whether it may ask; passes on all else. */
export async function openToPages(
  request: Request,
  ask: (request: Request) => Promise<Response>,
): Promise<Response> {
  const { headers } = request;
  if (request.method === "OPTIONS" && headers.has("access-control-request-method")) {
    return new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": headers.get("access-control-request-headers") ?? "*",
        "access-control-max-age": "3600",
      },
    });
  }
  const answer = await ask(request);
  const opened = new Response(answer.body, answer);
  opened.headers.set("access-control-allow-origin", "*");
  opened.headers.set("access-control-expose-headers", EXPOSED);
  return opened;
}
