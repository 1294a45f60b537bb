/** Reads the JUnit report that `deno test` writes. */

export interface TestReport {
  passed: number;
  failed: Failure[];
  /** Names with their file, as `file: name`. */
  skipped: string[];
  /** The sum of each file's tests, slowest first. */
  files: { file: string; seconds: number }[];
}

export interface Failure {
  /** `file: name` */
  readonly name: string;
  /** The beginning of what the test threw, or its steps; empty where the report has none. */
  why: string;
}

/** Enough for a message and the first difference; the whole of it is in the run's own output. */
const WHY_LENGTH_MAX = 600;

const SUITE = /<testsuite name="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g;
const CASE = /<testcase name="([^"]*)"[^>]* time="([\d.]+)"[^>]*>([\s\S]*?)<\/testcase>/g;

/** The report at `path`, or an empty one when the run ended before writing it. */
export async function readReport(path: string): Promise<TestReport> {
  try {
    return parseReport(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return parseReport("");
    throw error;
  }
}

/** Counts tests, not their steps: a test fails when one of its steps does. */
export function parseReport(xml: string): TestReport {
  const report: TestReport = { passed: 0, failed: [], skipped: [], files: [] };
  for (const [, suite = "", body = ""] of xml.matchAll(SUITE)) {
    const file = unescape(suite).replace(/^\.\//, "");
    let seconds = 0;
    let test: string | null = null;
    for (const [, escaped = "", time, outcome = ""] of body.matchAll(CASE)) {
      const name = unescape(escaped);
      if (test !== null && name.startsWith(`${test} > `)) {
        if (outcome.includes("<failure")) addWhy(report.failed.at(-1), outcome);
        continue;
      }
      test = name;
      seconds += Number(time);
      if (outcome.includes("<skipped")) report.skipped.push(`${file}: ${name}`);
      // <error> is a test that was cancelled by another one's dangling promise.
      else if (/<(failure|error)\b/.test(outcome)) {
        report.failed.push({ name: `${file}: ${name}`, why: "" });
        addWhy(report.failed.at(-1), outcome);
      } else report.passed += 1;
    }
    report.files.push({ file, seconds });
  }
  report.files.sort((a, b) => b.seconds - a.seconds);
  return report;
}

function addWhy(failure: Failure | undefined, outcome: string): void {
  const [, text = ""] = /<failure[^>]*>([\s\S]*?)<\/failure>/.exec(outcome) ?? [];
  if (failure === undefined || text === "") return;
  const why = [failure.why, unescape(text).trim()].filter((one) => one !== "").join("\n");
  failure.why = why.slice(0, WHY_LENGTH_MAX);
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
