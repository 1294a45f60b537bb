/** `deno task bench`: measures, and says how it stands to its marks. README.md tells the method. */
import { Argument, Command } from "commander";
import { stdoutPaint } from "../cli/table.ts";
import { plotSvg } from "./report/plots.ts";
import { README, withResults } from "./report/readme.ts";
import {
  type Measured,
  readBefore,
  readLatest,
  RESULTS_FOLDER,
  saveLatest,
  stamp,
} from "./report/results.ts";
import { sectionLines } from "./report/terminal.ts";
import type { Section } from "./section.ts";

type Options = { quick: boolean; progress: (text: string) => void };
type Run = (options: Options) => Promise<Section>;

/** Loaded when they run: each brings what only it needs. */
const PARTS: ReadonlyMap<string, () => Promise<Run>> = new Map([
  ["relay", async () => (await import("./relay/run.ts")).runRelay],
  ["first-token", async () => (await import("./first_token/run.ts")).runFirstToken],
  ["ledger", async () => (await import("./ledger/run.ts")).runLedger],
  ["cold-start", async () => (await import("./cold_start/run.ts")).runColdStart],
  ["profile", async () => (await import("./relay/profile.ts")).runProfile],
]);

const HELP = `
Without a name every part runs, some ten minutes. A run that is not quick is kept in
bench/results, with its plots, and written into bench/README.md.`;

const program = new Command("bench")
  .description("Measures Farebox on this machine.")
  .addArgument(new Argument("[parts...]", "which").choices([...PARTS.keys()]))
  .option("--quick", "fewer and shorter runs, a rough look; nothing is kept", false)
  .option("--json", "print JSON", false)
  .option("--write-docs", "measure nothing, write the README anew", false)
  .addHelpText("after", HELP)
  .action(run);
await program.parseAsync(["deno", "bench", ...Deno.args]);
// Whatever a library has left open.
Deno.exit();

async function run(
  parts: string[],
  { quick, json, writeDocs }: { quick: boolean; json: boolean; writeDocs: boolean },
): Promise<void> {
  if (writeDocs) return await writeReadme();
  const startedMs = performance.now();
  const progress = (text: string) =>
    console.error(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
  const measured: Measured[] = [];
  for (const name of parts.length > 0 ? parts : PARTS.keys()) {
    const part = await PARTS.get(name)!();
    measured.push(await stamp(await part({ quick, progress })));
  }
  if (json) console.log(JSON.stringify(measured, null, 2));
  else {
    const paint = stdoutPaint();
    for (const { section } of measured) console.log(sectionLines(section, paint).join("\n"));
  }
  if (quick) return;
  await saveLatest(measured);
  for (const plot of measured.flatMap(({ section }) => section.plots)) {
    await Deno.writeTextFile(new URL(`${plot.name}.svg`, RESULTS_FOLDER), plotSvg(plot));
  }
  await writeReadme();
}

async function writeReadme(): Promise<void> {
  const readme = await Deno.readTextFile(README);
  await Deno.writeTextFile(README, withResults(readme, await readLatest(), await readBefore()));
}
