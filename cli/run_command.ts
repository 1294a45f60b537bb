/** Runs one command on a Farebox. Loaded when it is needed: the ledger's client is a large package. */
import { LedgerUnavailable } from "../shared/credit/ledger.ts";
import { isRefusal } from "../shared/edge/refusal.ts";
import { BadArgument } from "./arguments.ts";
import { readTarget, type Target, TargetMissing, type TargetOptions } from "./target.ts";

/** Runs the command, and turns what can go wrong into a sentence and an exit code. */
export async function runCommand(
  options: TargetOptions,
  command: (target: Target) => Promise<number>,
): Promise<void> {
  let target: Target | undefined;
  try {
    target = await readTarget(options);
    Deno.exitCode = await command(target);
  } catch (error) {
    if (target !== undefined && isRefusedKey(error)) {
      console.error(
        `That key was refused by ${target.url}. Give a secret key of this project: ` +
          "--secret-key, or SUPABASE_SECRET_KEY.",
      );
    } else if (isRefusal(error)) console.error(`${error.message} (${error.code})`);
    else if (
      error instanceof TargetMissing || error instanceof BadArgument ||
      error instanceof LedgerUnavailable
    ) {
      console.error(error.message);
    } else throw error;
    Deno.exitCode = 1;
  }
}

/** Whether the gateway did not know the key, or the key is not one that may use the ledger. */
function isRefusedKey(error: unknown): boolean {
  return error instanceof LedgerUnavailable && /^http 40[13]\b/.test(error.reason);
}
