/** What the functions have logged, where the ledger could not be told. */
import { fileURLToPath } from "node:url";
import type { SoakStack } from "./stack.ts";

/** What a backfill did; each line that the ledger refused is a violation. */
export interface Backfilled {
  readonly charged: number;
  readonly violations: readonly string[];
}

interface Report {
  readonly result: {
    readonly charged: { readonly requests: number };
    readonly corrected: { readonly requests: number };
    readonly refused: readonly object[];
    /** False: it stopped before its last line. */
    readonly is_complete: boolean;
  } | null;
}

/** Again where the ledger did not answer: what was done is not done twice. */
const TRIES = 4;

/** Charges what the log alone knows. */
export async function backfill(stack: SoakStack): Promise<Backfilled> {
  let charged = 0;
  for (let tries = 1;; tries++) {
    const { result } = await runBackfill(stack);
    if (result !== null) charged += result.charged.requests + result.corrected.requests;
    if (result?.is_complete === false) {
      if (tries === TRIES) throw new Error(`backfill: ${JSON.stringify(result)}`);
      await stack.heal();
      continue;
    }
    // What it has read is charged, once and for all: the next round begins a new log.
    await Deno.rename(stack.logFile, `${stack.logFile}.last`);
    const refused = result?.refused ?? [];
    return { charged, violations: refused.map((line) => `backfill: ${JSON.stringify(line)}`) };
  }
}

async function runBackfill(stack: SoakStack): Promise<Report> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
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
  return parsed(new TextDecoder().decode(stdout), new TextDecoder().decode(stderr));
}

function parsed(stdout: string, stderr: string): Report {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`backfill: ${stdout} ${stderr}`);
  }
}

/** Requests that were at their provider, and then not granted. */
export async function earlyStartsIn(logFile: string): Promise<Set<string>> {
  const lines = (await Deno.readTextFile(logFile)).split("\n");
  const ids = lines.filter((line) => line.includes("An early start was for nothing"))
    .map((line) => line.match(/"request_id":"([^"]+)"/)?.[1]);
  return new Set(ids.filter((id) => id !== undefined));
}
