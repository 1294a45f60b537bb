/** Serves the files of one folder, and nothing outside of it. */
import { extname, join, normalize } from "node:path";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/**
 * The file that a GET means, `index.html` for a folder; 404 when there is none.
 * @param extra headers beside the file's own.
 */
export async function serveStatic(
  folder: string,
  request: Request,
  extra: Readonly<Record<string, string>> = {},
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Method not allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const path = safePath(new URL(request.url).pathname);
  if (path === null) return notFound();
  for (const candidate of [path, join(path, "index.html")]) {
    try {
      const file = join(folder, candidate);
      if (!(await Deno.stat(file)).isFile) continue;
      const headers = {
        ...extra,
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
      };
      const body = request.method === "HEAD" ? null : await Deno.readFile(file);
      return new Response(body, { headers });
    } catch (error) {
      const isAbsent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!isAbsent) throw error;
    }
  }
  return notFound();
}

/** Null for a path that is malformed, hidden, or climbs out of the folder. */
function safePath(pathname: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  const path = normalize(decoded);
  return /(^|[/\\])\.|\0/.test(path) ? null : path;
}

function notFound(): Response {
  return new Response("Not found\n", { status: 404 });
}
