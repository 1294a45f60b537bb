/** `farebox doctor`: the examination of one project, from its keys to a receipt. */
import { BadArgument } from "../arguments.ts";
import { stdoutPaint } from "../table.ts";
import type { Target } from "../target.ts";
import { takeTheRest } from "./check_limits.ts";
import { CHECKS } from "./checks.ts";
import { examine, type Line, selectChecks } from "./examine.ts";
import type { Check, DoctorOptions, Examination } from "./finding.ts";
import { openProject } from "./project.ts";
import { countStates, lineText, reportJson, summaryText } from "./report.ts";
import { forgetUser, removeUsers } from "./test_users.ts";

export interface DoctorCommandOptions extends DoctorOptions {
  /** Ids of checks; none is all. */
  readonly only: readonly string[];
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

/** @returns 1 where a line is ✗. @throws BadArgument for a check that there is not. */
export async function doctor(target: Target, options: DoctorCommandOptions): Promise<number> {
  const { only } = options;
  const unknown = only.find((id) => !CHECKS.some((check) => check.id === id));
  if (unknown !== undefined) {
    throw new BadArgument(
      `There is no check "${unknown}". There are: ${CHECKS.map(({ id }) => id).join(", ")}.`,
    );
  }
  const checks = selectChecks(CHECKS, only);
  if (options.dryRun) return tellPlan(target, checks);
  const lines = await collect(target, options, checks);
  if (target.json) console.log(JSON.stringify(reportJson(target.url, lines)));
  else console.log(`\n${summaryText(countStates(lines))}`);
  return countStates(lines).failed === 0 ? 0 : 1;
}

/** Makes the checks, printing each line that was asked for, or that stands in the way of it. */
async function collect(
  target: Target,
  options: DoctorCommandOptions,
  checks: readonly Check[],
): Promise<Line[]> {
  const examination: Examination = {
    target,
    options,
    project: openProject(target),
    say: (line) => console.error(line),
    known: {},
  };
  const paint = stdoutPaint();
  const lines: Line[] = [];
  try {
    for await (const line of examine(checks, examination)) {
      const isAsked = options.only.length === 0 || options.only.includes(line.check.id);
      if (!isAsked && line.finding.state !== "failed") continue;
      lines.push(line);
      if (!target.json) console.log(lineText(line, paint));
    }
  } finally {
    await tidyUp(examination);
  }
  return lines;
}

/** Takes back what was granted and deletes the users; what stays behind is said. */
async function tidyUp({ target, project, known, say }: Examination): Promise<void> {
  const users = known.users ?? [];
  try {
    for (const user of users) {
      await takeTheRest(target, user.id);
      await forgetUser(target, user);
    }
    const left = await removeUsers(project, users, target);
    if (left.length > 0) {
      say(
        `Left behind: ${left.map(({ email }) => email).join(" and ")}, without credit. ` +
          "This Auth has no admin API that would delete them.",
      );
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : JSON.stringify(error);
    say(
      `Left behind: ${users.map(({ email }) => email).join(" and ")}; tidying up failed: ${why}.`,
    );
  }
}

function tellPlan(target: Target, checks: readonly Check[]): number {
  const plan = checks.map(({ id, title }) => ({ check: id, title }));
  if (target.json) console.log(JSON.stringify({ url: target.url, would_check: plan }));
  else {
    console.log(`Would check of ${target.url}, signing two users up where a check needs them:`);
    for (const { check, title } of plan) console.log(`  ${check.padEnd(22)} ${title}`);
  }
  return 0;
}
