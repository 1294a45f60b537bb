/**
 * The demo provider: an HTTP server that speaks LLM providers' wire formats, a few files a dialect,
 * with realistic timing and token counts, and fails in the ways that a script orders (script.ts).
 *
 * Tests that run in another process read `GET /_demo/requests`: what was asked and how it ended.
 */
import { PROVIDERS } from "../../shared/llm/providers.ts";
import { Answerer } from "./answerer.ts";
import { type DemoRequest, RequestLog } from "./request_log.ts";
import { DemoModels } from "./models.ts";
import { dialectOf, OTHER } from "./routes.ts";
import { REALISTIC, type Timing } from "./timing.ts";
import { errorResponse, listModels } from "./whole_response.ts";

export { AT_ONCE, REALISTIC } from "./timing.ts";
export type { DemoRequest } from "./request_log.ts";

export interface DemoProviderOptions {
  /** TCP port on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** `REALISTIC` by default; `AT_ONCE` for tests. */
  readonly timing?: Timing;
  /** More model names to answer to. */
  readonly models?: readonly string[];
}

export interface DemoProvider {
  /**
   * `http://127.0.0.1:<port>`. What comes before a dialect's path is free: `<url>/v1` is an OpenAI
   * base URL, and so is `<url>/groq/openai/v1`, by which requests say whom they mean. `<url>` itself
   * is a base URL for Anthropic's and Google's SDKs.
   */
  readonly url: string;
  /** The latest requests, oldest first. */
  readonly requests: readonly DemoRequest[];
  close(): Promise<void>;
}

/** A page of any origin may ask, as it may ask most providers. */
const CORS = { "access-control-allow-origin": "*", "access-control-expose-headers": "*" };

export function startDemoProvider(options: DemoProviderOptions = {}): DemoProvider {
  const log = new RequestLog();
  const models = new DemoModels(options.models);
  const answerer = new Answerer(log, options.timing ?? REALISTIC);
  const closing = new AbortController();

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    onListen: () => {},
    signal: closing.signal,
  }, async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/_demo/requests") {
      if (request.method === "DELETE") log.clear();
      return Response.json(log.requests);
    }
    if (request.method === "OPTIONS") return preflight(request);
    const startedAt = Date.now();
    const dialect = request.method === "POST" ? dialectOf(url.pathname) : null;
    const named = url.pathname.split("/")[1] ?? "";
    const visit = {
      provider: PROVIDERS.has(named) ? named : (dialect ?? OTHER).provider,
      requestId: `req_${crypto.randomUUID().replaceAll("-", "")}`,
      url,
      headers: request.headers,
      models,
    };
    const { requestIdHeader, keyOf } = dialect ?? OTHER;
    const key = keyOf(visit);
    const response = key === undefined
      ? errorResponse((dialect ?? OTHER).missingKey(visit))
      // So that a test can see what a revoked key looks like to the user.
      : key.includes("invalid")
      ? errorResponse((dialect ?? OTHER).wrongKey(key, visit))
      : dialect !== null
      ? await answerer.answer(request, dialect, visit)
      : listModels(request.method, visit) ??
        errorResponse(OTHER.unknownPath(request.method, visit));
    if (requestIdHeader !== null) response.headers.set(requestIdHeader, visit.requestId);
    if (visit.provider === "openai") {
      response.headers.set("openai-version", "2020-10-01");
      response.headers.set("openai-processing-ms", String(Date.now() - startedAt));
    }
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    return response;
  });

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests: log.requests,
    close: async () => {
      closing.abort();
      await server.finished;
    },
  };
}

function preflight(request: Request): Response {
  const asked = request.headers.get("access-control-request-headers") ?? "*";
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": asked,
      "access-control-max-age": "600",
    },
  });
}
