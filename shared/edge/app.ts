/**
 * What all functions share around their own routes: the request's id, CORS, and an answer in the
 * house's form to whatever is not a route or goes wrong.
 */
import type { Context } from "hono";
import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import { allowOrigins, type ReadOrigins } from "./cors.ts";
import { logError } from "./log.ts";
import { drainBody } from "./read_body.ts";
import type { Refusal } from "./refusal.ts";
import { newRequestId } from "./request_id.ts";
import { respond, type RespondOptions, respondToBug } from "./respond.ts";
import { withoutTrailingSlashes } from "./trailing_slashes.ts";

/** What a route finds in its context, besides what Hono puts there. */
export type AppEnv = {
  Variables: {
    requestId: string;
    /** The error envelope of the dialect in use; OpenAI's where no route has said. */
    dialectError?: RespondOptions["dialectError"];
  };
};
export type AppContext = Context<AppEnv>;
export type Route = (c: AppContext) => Response | Promise<Response>;
export type Method = "GET" | "POST";

export type AppOptions = {
  /** The function's name in its URL, such as `chat-proxy`. */
  slug: string;
  /** See `allowOrigins`; absent for a function that no browser calls. */
  readOrigins?: ReadOrigins;
  /** Turns an error that is no bug, such as an outage, into its refusal. */
  refusalFromError: (error: unknown) => Refusal | undefined;
};

/**
 * The longest that a route has is a model's name in percent signs. A pattern such as `.+/.+:` takes
 * the square of a path's length, before anybody has said who they are.
 */
const PATH_CHARS_MAX = 2_000;
/** Four bodies of the default limit: whoever sends more than that to a refusal need not see it. */
const DRAIN_BYTES_MAX = 40 * 1024 * 1024;

/**
 * Builds the app. Paths arrive as `/<slug>/…` on the platform, and as `/functions/v1/<slug>/…` where
 * nothing is stripped on the way; routes see neither prefix.
 */
export function createApp(options: AppOptions): HonoBase<AppEnv> {
  const prefix = new RegExp(`^(/functions/v1)?/${options.slug}(?=/|$)`);
  const app = new HonoBase<AppEnv>({
    // Hono's own choice ends here for chat-proxy's paths, after it has tried a dearer router.
    router: new TrieRouter(),
    getPath: (request) => {
      const path = withoutTrailingSlashes(new URL(request.url).pathname.replace(prefix, "")) || "/";
      // No route begins with two slashes.
      return path.length <= PATH_CHARS_MAX ? path : `/${path.slice(0, PATH_CHARS_MAX)}`;
    },
  });
  app.use(async (c, next) => {
    c.set("requestId", newRequestId());
    await next();
    await drainBody(c.req.raw, DRAIN_BYTES_MAX);
    c.header("x-request-id", c.get("requestId"));
  });
  if (options.readOrigins) app.use(allowOrigins(options.readOrigins));

  app.notFound((c) =>
    refuse(c, {
      code: "NOT_FOUND",
      message: `There is nothing at ${c.req.method} ${
        c.req.path.slice(0, 200)
      } of ${options.slug}.`,
    })
  );
  app.onError((error, c) => {
    const requestId = c.get("requestId");
    const refusal = options.refusalFromError(error);
    logError(
      refusal ? `Request refused with ${refusal.code}` : "Request failed by a bug",
      {
        request_id: requestId,
        function: options.slug,
        method: c.req.method,
        path: c.req.path,
        error,
        ...(!refusal && { stack: error.stack?.split("\n").slice(1, 6) }),
      },
    );
    return refusal ? refuse(c, refusal) : respondToBug(respondOptions(c));
  });
  return app;
}

/** Adds a path with its methods; every other method on it is refused with 405 and `allow`. */
export function addRoute(
  app: HonoBase<AppEnv>,
  path: string,
  methods: Partial<Record<Method, Route>>,
): void {
  if (methods.GET) app.get(path, methods.GET);
  if (methods.POST) app.post(path, methods.POST);
  const allow = [...(methods.GET ? ["GET", "HEAD"] : []), ...(methods.POST ? ["POST"] : [])]
    .join(", ");
  app.all(path, (c) =>
    refuse(c, {
      code: "METHOD_NOT_ALLOWED",
      message: `${c.req.method} is not possible here. Use ${allow}.`,
      allow,
    }));
}

/** Answers a refusal to the request at hand. */
export function refuse(c: AppContext, refusal: Refusal): Response {
  return respond(refusal, respondOptions(c));
}

function respondOptions(c: AppContext): RespondOptions {
  const dialectError = c.get("dialectError");
  return { requestId: c.get("requestId"), ...(dialectError && { dialectError }) };
}

/** Answers JSON that no one may cache. `JSON.rawJSON` values keep their digits. */
export function answerJson(
  body: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(JSON.stringify(body), {
    status: init.status ?? 200,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      ...init.headers,
    },
  });
}
