/** Makes the checks, one after the other: each once, and only where it can tell something new. */
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import { isRefusal } from "../../shared/edge/refusal.ts";
import { type Check, type Examination, failed, type Finding, skipped } from "./finding.ts";
import { Unanswered } from "./project.ts";

export interface Line {
  readonly check: Check;
  readonly finding: Finding;
}

/**
 * The checks of these names with all that they need, in order.
 * @param only none: all of them.
 */
export function selectChecks(checks: readonly Check[], only: readonly string[]): Check[] {
  if (only.length === 0) return [...checks];
  const wanted = new Set(only);
  // What is needed stands before what needs it, so one way back finds all.
  for (const { id, needs = [] } of checks.toReversed()) {
    if (wanted.has(id)) needs.forEach((need) => wanted.add(need));
  }
  return checks.filter(({ id }) => wanted.has(id));
}

/** Each line as soon as it is known. A check that throws has failed; the others go on. */
export async function* examine(
  checks: readonly Check[],
  examination: Examination,
): AsyncGenerator<Line> {
  const states = new Map<string, Finding["state"]>();
  // Of what was left out, the line that says why.
  const causes = new Map<string, Check>();
  for (const check of checks) {
    const obstacle = obstacleOf(check, checks, states);
    const cause = obstacle && (causes.get(obstacle.id) ?? obstacle);
    if (cause !== null) causes.set(check.id, cause);
    const finding = cause === null
      ? await findingOf(check, examination)
      : skipped(`because of the line "${cause.title}"`);
    states.set(check.id, finding.state);
    yield { check, finding };
  }
}

/** The check whose result leaves this one nothing to tell; null: none. */
function obstacleOf(
  { needs = [], after = [] }: Check,
  checks: readonly Check[],
  states: ReadonlyMap<string, Finding["state"]>,
): Check | null {
  const isInTheWay = (state: Finding["state"] | undefined) =>
    state === "failed" || state === "skipped";
  const id = needs.find((id) => isInTheWay(states.get(id))) ??
    after.find((id) => states.get(id) === "failed");
  return checks.find((check) => check.id === id) ?? null;
}

async function findingOf(check: Check, examination: Examination): Promise<Finding> {
  try {
    return await check.examine(examination);
  } catch (error) {
    if (error instanceof Unanswered) {
      return failed(
        error.message,
        "Check the URL and this machine's network, then try again.",
      );
    }
    if (error instanceof LedgerUnavailable) {
      return failed(
        `the ledger does not answer as it should (${error.operation}: ${error.reason})`,
        "Look at the lines above, and at the logs of Postgres in the dashboard.",
      );
    }
    if (isRefusal(error)) {
      return failed(`${error.message} (${error.code})`, "Do what it says, then try again.");
    }
    // Something answered in a form that nobody thought of: that is a line too, and no stack trace.
    return failed(
      `it could not be made: ${error instanceof Error ? error.message : error}`,
      "Tell who maintains Farebox, with what the project answered.",
    );
  }
}
