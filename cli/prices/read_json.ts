import { BadArgument } from "../arguments.ts";

/** Price lists are a few megabytes; a server that does not answer shall not hang a cron job. */
const TIMEOUT_MS = 30_000;

/** JSON from a file or an http(s) URL; what goes wrong is a `BadArgument` that names the place. */
export async function readJson(what: string, place: string): Promise<unknown> {
  try {
    return JSON.parse(/^https?:\/\//.test(place) ? await download(place) : await readFile(place));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadArgument(`The ${what} ${place} cannot be read, so nothing was done: ${reason}`);
  }
}

function readFile(path: string): Promise<string> {
  return Deno.readTextFile(path);
}

async function download(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return text;
}
