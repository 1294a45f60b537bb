/**
 * `deno task test [paths, parts of file names, or deno test flags]`: starts the one Postgres that the tests share, runs
 * them, and ends with `N passed, N failed` (and `, N skipped`) alone on the last line.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CLUSTER_VARIABLE, startCluster } from "../tests/support/cluster.ts";
import { readReport, type TestReport } from "./test_report.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Three files at a time: on the two cores of a small CI machine one's waiting overlaps with the
 * others' work. No test measures time, so being slowed down by its neighbours does it no harm.
 */
const JOBS = "3";

/** A test that hangs must not hang CI: the whole run takes a few minutes. */
const RUN_MS_MAX = 30 * 60_000;

async function main(words: string[]): Promise<number> {
  const args = await selectFiles(words);
  if (args === null) return 1;
  const folder = await Deno.makeTempDir({ prefix: "farebox-report-" });
  const cluster = await startCluster();
  if (cluster.templateError) {
    console.error(`Tests that need the database will fail. ${cluster.templateError}\n`);
  }
  // Ctrl-C reaches the tests too; we stay to stop the cluster behind them.
  Deno.addSignalListener("SIGINT", () => {});
  try {
    const { stop: _, ...shared } = cluster;
    const reportPath = `${folder}/report.xml`;
    const { code } = await new Deno.Command(Deno.execPath(), {
      // Types are checked by `deno task check`, once, and not again here.
      args: [
        "test",
        "-A",
        "--no-check",
        "--parallel",
        `--junit-path=${reportPath}`,
        ...args,
      ],
      cwd: ROOT,
      signal: AbortSignal.timeout(RUN_MS_MAX),
      env: {
        [CLUSTER_VARIABLE]: JSON.stringify(shared),
        DENO_JOBS: Deno.env.get("DENO_JOBS") ?? JOBS,
      },
    }).spawn().status;
    const report = await readReport(reportPath);
    if (code !== 0 && report.failed.length === 0) {
      const name = "the run itself: a file could not be loaded, or a test hung: see above";
      report.failed.push({ name, why: "" });
    }
    print(report);
    return report.failed.length > 0 ? 1 : 0;
  } finally {
    await cluster.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Paths as they are; any other word as the test files whose path has it; `tests/` for no word. */
async function selectFiles(words: string[]): Promise<string[] | null> {
  const flags = words.filter((word) => word.startsWith("-"));
  const files: string[] = [];
  for (const word of words.filter((word) => !word.startsWith("-"))) {
    const found = existsSync(`${ROOT}/${word}`)
      ? [word]
      : (await testFiles("tests")).filter((file) => file.includes(word));
    if (found.length === 0) {
      console.error(`No test file has "${word}" in its path. Give a path, or a part of a name.`);
      return null;
    }
    files.push(...found);
  }
  return [...flags, ...(files.length > 0 ? files : ["tests/"])];
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await testFiles(path));
    else if (entry.name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}

function print(report: TestReport): void {
  // Of a red run only what is wrong: CI may keep no more than its last lines.
  if (report.failed.length === 0) {
    console.log("\nSeconds a file:");
    for (const { file, seconds } of report.files) {
      console.log(`${seconds.toFixed(1).padStart(7)}  ${file}`);
    }
  }
  if (report.skipped.length > 0) {
    console.log("\nSkipped, with the reason in brackets:");
    for (const name of report.skipped) console.log(`  ${name}`);
  }
  if (report.failed.length > 0) {
    console.log("\nFailed:");
    for (const { name, why } of report.failed) {
      console.log(`  ${name}`);
      for (const line of why.split("\n").filter((line) => line.trim() !== "")) {
        console.log(`    | ${line}`);
      }
    }
  }
  const browserless = report.skipped.filter((name) => name.includes("[no Chromium: "));
  if (browserless.length > 0) {
    const why = browserless[0]!.match(/\[no Chromium: (.*)\]/)?.[1];
    console.log(`\nNothing was tested in a browser (${browserless.length} tests): ${why}.`);
  }
  const skipped = report.skipped.length > 0 ? `, ${report.skipped.length} skipped` : "";
  console.log(`\n${report.passed} passed, ${report.failed.length} failed${skipped}`);
}

Deno.exit(await main(Deno.args.filter((arg) => arg !== "--")));
