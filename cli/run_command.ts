/** Runs one command on a Farebox. Loaded when it is needed: the ledger's client is a large package. */
import { LedgerUnavailable } from "../shared/credit/ledger.ts";
import { isRefusal } from "../shared/edge/refusal.ts";
import { BadArgument } from "./ledger_commands.ts";
import { readTarget, type Target, TargetMissing, type TargetOptions } from "./target.ts";

/** Runs the command, and turns what can go wrong into a sentence and an exit code. */
export async function runCommand(
  options: TargetOptions,
  command: (target: Target) => Promise<number>,
): Promise<void> {
  try {
    Deno.exitCode = await command(await readTarget(options));
  } catch (error) {
    if (isRefusal(error)) console.error(`${error.message} (${error.code})`);
    else if (
      error instanceof TargetMissing || error instanceof BadArgument ||
      error instanceof LedgerUnavailable
    ) {
      console.error(error.message);
    } else throw error;
    Deno.exitCode = 1;
  }
}
