/** What the functions have logged, where the ledger could not be told. */
import { fileURLToPath } from "node:url";
import type { SoakStack } from "./stack.ts";

/** Charges what the log alone knows. @returns how many it charged. */
export async function backfill(stack: SoakStack): Promise<number> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "cli/main.ts",
      "backfill",
      "--from",
      stack.logFile,
      "--yes",
      "--json",
      "--skip-unreadable",
    ],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: {
      SUPABASE_URL: stack.details.url,
      SUPABASE_SECRET_KEY: stack.details.secretKey,
    },
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`backfill: ${text} ${new TextDecoder().decode(stderr)}`);
  // What it has read is charged, once and for all: the next round begins a new log.
  await Deno.rename(stack.logFile, `${stack.logFile}.last`);
  const { result } = JSON.parse(text);
  return result === null ? 0 : result.charged.requests + result.corrected.requests;
}

/** Requests that were at their provider, and then not granted. */
export async function earlyStartsIn(logFile: string): Promise<Set<string>> {
  const lines = (await Deno.readTextFile(logFile)).split("\n");
  const ids = lines.filter((line) => line.includes("An early start was for nothing"))
    .map((line) => line.match(/"request_id":"([^"]+)"/)?.[1]);
  return new Set(ids.filter((id) => id !== undefined));
}
