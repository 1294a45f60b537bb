/**
 * The process that serves the Edge Functions of a folder, each `export default { fetch }`, at
 * `/<slug>/…`, as hosted Supabase does. It is a program of its own so that a crash of it (or a
 * `kill -9`) is what a crash is in production: the database and the gateway go on.
 *
 *     deno run -A local/functions_host.ts --port=8001 --folder=supabase/functions
 *
 * The supervisor gives it its environment. It prints `ready <port>` on stdout when it listens, on
 * another port than it was told where that one is taken.
 */
import { parseArgs } from "node:util";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { listenOnFreePort } from "./free_port.ts";

type Handler = (request: Request) => Response | Promise<Response>;

/** A function that loaded, or why it did not. */
type Loaded = { readonly kind: "ready"; readonly handler: Handler } | {
  readonly kind: "broken";
  readonly reason: string;
};

/** In production a request may take this long after the order to end; here people wait for Ctrl-C. */
const REQUESTS_GRACE_MS = 3_000;
const BACKGROUND_GRACE_MS = 10_000;

/** Work handed to `EdgeRuntime.waitUntil` that has not settled. */
const background = new Set<Promise<unknown>>();

Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(promise: Promise<unknown>) {
      const tracked = Promise.resolve(promise).catch((error) => {
        console.error("EdgeRuntime.waitUntil:", error);
      }).finally(() => background.delete(tracked));
      background.add(tracked);
      return promise;
    },
  },
});

let isShuttingDown = false;

const { values } = parseArgs({
  options: { port: { type: "string" }, folder: { type: "string" } },
});
const functions = await loadFunctions(resolve(values.folder ?? "supabase/functions"));
const server = listenOnFreePort(
  (port) =>
    Deno.serve({
      hostname: "127.0.0.1",
      port,
      onListen: () => console.log(`ready ${port}`),
    }, serve),
  Number(values.port ?? 0),
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.addSignalListener(signal, () => void shutDown());
}
// The supervisor holds the other end and never writes: the end of input is its death.
Deno.stdin.readable.pipeTo(new WritableStream()).finally(shutDown);

// One bad promise must not take the other requests with it: hosted isolates are reported and live on
// only until their requests end, but a local restart would hide the report.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  console.error("Unhandled rejection in a function:", event.reason);
});

async function loadFunctions(folder: string): Promise<Map<string, Loaded>> {
  const slugs: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory && /^[A-Za-z][\w-]*$/.test(entry.name)) slugs.push(entry.name);
  }
  const loaded = await Promise.all(slugs.sort().map((slug) => load(folder, slug)));
  return new Map(slugs.map((slug, i) => [slug, loaded[i]!]));
}

async function load(folder: string, slug: string): Promise<Loaded> {
  try {
    const module = await import(pathToFileURL(join(folder, slug, "index.ts")).href);
    const handler = module.default?.fetch;
    if (typeof handler !== "function") {
      throw new TypeError("index.ts has no `export default { fetch }`");
    }
    return { kind: "ready", handler: (request) => handler.call(module.default, request) };
  } catch (error) {
    console.error(`function ${slug} does not start:`, error);
    return { kind: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
}

async function serve(request: Request): Promise<Response> {
  const slug = new URL(request.url).pathname.split("/")[1] ?? "";
  const loaded = functions.get(slug);
  if (loaded === undefined) {
    return failure(404, "NOT_FOUND", "Requested function was not found");
  }
  if (loaded.kind === "broken") {
    return failure(503, "BOOT_ERROR", "Function failed to start (please check logs)");
  }
  try {
    return await loaded.handler(request);
  } catch (error) {
    console.error(`function ${slug}:`, error);
    return failure(500, "EDGE_FUNCTION_ERROR", "Internal Server Error");
  }
}

function failure(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, {
    status,
    headers: {
      "sb-error-code": code,
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "sb-error-code",
    },
  });
}

async function shutDown(): Promise<void> {
  if (isShuttingDown) return;
  isShuttingDown = true;
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason: "termination" } }));
  await within(REQUESTS_GRACE_MS, server.shutdown());
  // A request may have registered more work while we waited.
  await within(BACKGROUND_GRACE_MS, settleAll());
  Deno.exit(0);
}

async function settleAll(): Promise<void> {
  while (background.size > 0) await Promise.all(background);
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, ms);
  await Promise.race([work, timer.promise]);
  clearTimeout(id);
}
