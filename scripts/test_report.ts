/** Reads the JUnit report that `deno test` writes. */

export interface TestReport {
  passed: number;
  /** Names with their file, as `file: name`. */
  failed: string[];
  skipped: string[];
  /** The sum of each file's tests, slowest first. */
  files: { file: string; seconds: number }[];
}

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
      if (test !== null && name.startsWith(`${test} > `)) continue;
      test = name;
      seconds += Number(time);
      if (outcome.includes("<skipped")) report.skipped.push(`${file}: ${name}`);
      // <error> is a test that was cancelled by another one's dangling promise.
      else if (/<(failure|error)\b/.test(outcome)) report.failed.push(`${file}: ${name}`);
      else report.passed += 1;
    }
    report.files.push({ file, seconds });
  }
  report.files.sort((a, b) => b.seconds - a.seconds);
  return report;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
