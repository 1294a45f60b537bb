/** The ledger's part of the benchmark: pairs of reserve and settle, bytes a record, and reads. */
import { type Figure, figure, type Section } from "../section.ts";
import { type LedgerCluster, startLedgerCluster } from "./cluster.ts";
import { fillRecords, fillUsers, USERS } from "./fill.ts";
import { Callers, type Load } from "./pairs.ts";
import { timeReads } from "./reads.ts";
import {
  bestOf,
  type ByConnections,
  figuresOf,
  marksOf,
  nameOf,
  plotByConnections,
  plotBySize,
  type Runs,
  type Size,
  slowdownOf,
  whose,
} from "./report.ts";
import { bytesARecord } from "./sizes.ts";

export interface LedgerOptions {
  /** Fewer records and runs: minutes become seconds, and figures rougher. */
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

interface Plan {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
}

const CONNECTIONS = [1, 4, 16, 64];
const CONNECTIONS_MAX = 64;
const QUICK: Plan = { sizes: [0, 100_000], rounds: 1, seconds: 1 };
const WHOLE: Plan = { sizes: [0, 1_000_000, 10_000_000], rounds: 5, seconds: 3 };

/** A ledger with so many records, and those who call it. */
interface House extends Size {
  readonly url: string;
  readonly callers: Callers;
}

/** Measures on an embedded PostgreSQL of its own, whose commits wait for the disk. */
export async function runLedger({ quick, progress }: LedgerOptions): Promise<Section> {
  const plan = quick ? QUICK : WHOLE;
  progress("ledger: starting PostgreSQL");
  const cluster = await startLedgerCluster();
  const houses: House[] = [];
  try {
    const figures: Figure[] = [];
    for (const records of plan.sizes) {
      const built = await buildHouse(cluster, records, progress);
      houses.push(built.house);
      figures.push(...built.figures);
    }
    progress(`ledger: ${JSON.stringify(await cluster.durability())}`);
    const byConnections = await runByConnections(cluster, houses[0]!, plan, progress);
    const many = bestOf(byConnections.many);
    const hot = bestOf(byConnections.hot);
    const bySize = await runBySize(cluster, houses, many.connections, plan, progress);
    const runs = [
      ...byConnections.many.values(),
      ...byConnections.hot.values(),
      ...bySize.values(),
    ];
    figures.push(...runs.flatMap(figuresOf));
    const slowdown = slowdownOf(bySize, houses);
    figures.push(slowdown);
    return {
      name: "ledger",
      title: "Ledger: reserve and settle",
      figures,
      marks: marksOf(many, hot, slowdown, figures),
      plots: [plotByConnections(byConnections), plotBySize(bySize, houses)],
    };
  } finally {
    await Promise.all(houses.map(({ callers }) => callers.close()));
    await cluster.stop();
  }
}

async function buildHouse(
  cluster: LedgerCluster,
  records: number,
  progress: LedgerOptions["progress"],
): Promise<{ house: House; figures: Figure[] }> {
  const name = `${nameOf(records)} records`;
  progress(`ledger: writing ${name}`);
  const { url, admin } = await cluster.create(`ledger_${records}`);
  await fillUsers(admin);
  const figures: Figure[] = [];
  if (records > 0) {
    await fillRecords(admin, records, (text) => progress(`ledger: ${text}`));
    for (const [part, bytes] of await bytesARecord(admin)) {
      figures.push(figure(`a record, ${part}, of ${name}`, "bytes", [bytes]));
    }
    progress(`ledger: reading ${name}`);
    for (const [read, tookMs] of await timeReads(url)) {
      figures.push(figure(`${read}, ${name}`, "ms", tookMs));
    }
  }
  const callers = await Callers.open(url, CONNECTIONS_MAX);
  return { house: { records, name, url, callers }, figures };
}

/** Each number of connections in each round, so that what else the machine does meets all alike. */
async function runByConnections(
  cluster: LedgerCluster,
  house: House,
  plan: Plan,
  progress: LedgerOptions["progress"],
): Promise<ByConnections> {
  const by: ByConnections = { many: new Map(), hot: new Map() };
  for (let round = 1; round <= plan.rounds; round++) {
    for (const [kind, users] of [["many", USERS], ["hot", 1]] as const) {
      for (const connections of CONNECTIONS) {
        progress(`ledger: ${connections} connections, ${whose(users)}, round ${round}`);
        const name = `pairs on ${whose(users)}, ${connections} connections`;
        const runs = by[kind].get(connections) ?? { name, measured: [], cpuMsAPair: [] };
        by[kind].set(connections, runs);
        await run(cluster, house, { connections, users, seconds: plan.seconds }, runs);
      }
    }
  }
  return by;
}

/** All sizes in each round, one after the other: their ratio is of the same minute. */
async function runBySize(
  cluster: LedgerCluster,
  houses: readonly House[],
  connections: number,
  plan: Plan,
  progress: LedgerOptions["progress"],
): Promise<Map<number, Runs>> {
  const by = new Map<number, Runs>();
  for (let round = 1; round <= plan.rounds; round++) {
    // To and fro, for who comes later meets a warmer machine, or a busier disk.
    for (const house of round % 2 === 1 ? houses : houses.toReversed()) {
      progress(`ledger: ${house.name}, round ${round}`);
      const name = `pairs on ${whose(USERS)}, ${connections} connections, ${house.name}`;
      const runs = by.get(house.records) ?? { name, measured: [], cpuMsAPair: [] };
      by.set(house.records, runs);
      await run(cluster, house, { connections, users: USERS, seconds: plan.seconds }, runs);
    }
  }
  return by;
}

async function run(cluster: LedgerCluster, house: House, load: Load, runs: Runs): Promise<void> {
  const before = await cluster.cpuSeconds();
  const measured = await house.callers.run(load);
  const after = await cluster.cpuSeconds();
  runs.measured.push(measured);
  if (before !== null && after !== null) {
    runs.cpuMsAPair.push((after - before) * 1000 / measured.pairs);
  }
}
