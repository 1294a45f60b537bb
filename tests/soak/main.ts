/** `deno task soak`: hours of faults instead of the seconds that the gate has for them. */
import { Command, InvalidArgumentError } from "commander";
import { join } from "node:path";
import { type Round, soak } from "./rounds.ts";

const number = (text: string) => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("Give a number.");
  return value;
};

const command = new Command("deno task soak")
  .description(
    "Load on a stack of its own, while provider, network, Postgres and processes fail at random.\n" +
      "After each round the ledger is held against what was delivered. See docs/soak.md.",
  )
  .option("--minutes <number>", "how long", number, 60)
  .option("--seed <number>", "repeats the faults and the load of that seed", number)
  .option("--people <number>", "how many ask at the same time", number, 24)
  .option("--out <folder>", "where log and report go", ".farebox/soak")
  .option("--json", "a line of JSON a round", false)
  .parse(["deno", "soak", ...Deno.args]);
const options = command.opts<
  { minutes: number; seed?: number; people: number; out: string; json: boolean }
>();

const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
await Deno.mkdir(options.out, { recursive: true });
const out = await Deno.realPath(options.out);
const folder = await Deno.makeTempDir({ prefix: "farebox-soak-" });
await Deno.chmod(folder, 0o755);
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort());
const timer = setTimeout(() => stopping.abort(), options.minutes * 60_000);
console.error(`Seed ${seed}; ${options.minutes} minutes; the report goes to ${out}.`);

let told = 0;
const report = (round: Round) => {
  Deno.writeTextFileSync(join(out, "report.json"), JSON.stringify({ seed, ...round }, null, 2));
  if (options.json) console.log(JSON.stringify({ seed, ...round }));
  else console.log(line(round));
  for (const violation of round.violations.slice(told)) console.error(`  ✗ ${violation}`);
  told = round.violations.length;
};
const last = await soak({
  seed,
  rounds: Infinity,
  roundMs: 35_000,
  people: options.people,
  victims: ["functions", "backend", "supervisor", "functions", "postmaster"],
  faults: 5,
  folder,
  signal: stopping.signal,
  report,
});
clearTimeout(timer);
await Deno.copyFile(join(folder, "functions.log.last"), join(out, "functions.log"));
await Deno.remove(folder, { recursive: true });
Deno.exit(last.violations.length > 0 ? 1 : 0);

function line(round: Round): string {
  const kills = Object.values(round.kills).reduce((sum, count) => sum + count, 0);
  return `round ${round.round}  ${round.seconds} s  ${round.requests} requests  ${kills} kills  ` +
    `${round.exactCharges} exact  ${round.checkpoints} checkpoints  ${round.backfilled} backfilled  loss $${round.houseLoss} of at ` +
    `most $${round.houseLossMax}, early starts $${round.earlyStartLoss}  ${round.functionsMiB} MiB  ${
      round.phasesSeconds.join("+")
    } s  ${round.violations.length} violations`;
}
