/** Whether a command that writes may write. */
import type { Target } from "./target.ts";

/**
 * Asks on a terminal. Elsewhere, and with --json, nobody can answer, and the answer is no unless
 * --yes was given.
 */
export function isConfirmed(
  target: Pick<Target, "json">,
  options: { yes: boolean },
  question: string,
): boolean {
  if (options.yes) return true;
  if (target.json || !Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) {
    console.error(`${question} Nobody is here to ask: say so with --yes.`);
    return false;
  }
  return confirm(question);
}
