/** Runs one command on a Farebox. Loaded when it is needed: the ledger's client is a large package. */
import { errorJson } from "./error_json.ts";
import { explainError, requireSecretKey } from "./explain_error.ts";
import { readTarget, type Target, type TargetOptions } from "./target.ts";

/** Runs the command, and turns what can go wrong into a sentence, with --json a document, and an exit code. */
export async function runCommand(
  options: TargetOptions,
  command: (target: Target) => Promise<number>,
): Promise<void> {
  let target: Target | undefined;
  try {
    target = await readTarget(options);
    requireSecretKey(target);
    Deno.exitCode = await command(target);
  } catch (error) {
    const explanation = await explainError(error, target);
    if (explanation === null) throw error;
    console.error(explanation.message);
    if (options.json) {
      // People read the code at the sentence's end; here it is a field.
      const message = explanation.message.replace(` (${explanation.code})`, "");
      console.log(errorJson(explanation.code, message));
    }
    Deno.exitCode = explanation.exitCode;
  }
}
