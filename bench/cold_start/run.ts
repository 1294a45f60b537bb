/** How long a fresh process takes until a function is imported, against one that does nothing. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npmPackageFolder } from "../../tests/support/npm_package.ts";
import { type Figure, figure, type Mark, type Plot, type Section } from "../section.ts";
import { chatProxyEnvironment } from "../stack.ts";
import { bundle } from "./bundle.ts";

interface Options {
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EMPTY: Program = {
  name: "empty",
  file: join(ROOT, "bench/cold_start/empty.ts"),
  config: join(ROOT, "deno.json"),
};
const FUNCTIONS = ["chat-proxy", "balance", "init-balance", "pricing-health"].map((name) => ({
  name,
  file: join(ROOT, `supabase/functions/${name}/index.ts`),
  config: join(ROOT, `supabase/functions/${name}/deno.json`),
}));
/** How much later than an empty function each may be there. */
const LATER_MS_MAX = 60;
/** What the edge runtime of today embeds; its only builds in the registry that run here. */
const EDGE_VERSION = "2.1.4";

interface Program {
  readonly name: string;
  readonly file: string;
  readonly config: string;
}

interface Runtime {
  readonly name: string;
  readonly program: string;
}

interface Boot {
  readonly wallMs: number;
  /** Null where the runtime cannot tell. */
  readonly cpuMs: number | null;
}

export async function runColdStart({ quick, progress }: Options): Promise<Section> {
  const figures: Figure[] = [];
  const marks: Mark[] = [];
  const bars: Bars[] = [];
  const rounds = quick ? 3 : 11;
  const folder = await Deno.makeTempDir({ prefix: "farebox-bundles-" });
  try {
    const bundles: Program[] = [];
    for (const { name, file, config } of FUNCTIONS) {
      progress(`cold-start: bundling ${name}`);
      const target = join(folder, `${name}.js`);
      await bundle(file, config, target);
      bundles.push({ name: `${name}, bundled`, file: target, config });
      const { size } = await Deno.stat(target);
      figures.push(figure(`${name}: bundled and minified`, "bytes", [size]));
    }
    for (const runtime of await runtimes()) {
      const programs = [EMPTY, ...FUNCTIONS, ...bundles];
      const boots = await bootInRounds(runtime, programs, rounds, progress);
      const compared = compare(runtime, boots);
      figures.push(...compared.figures);
      marks.push(...compared.marks);
      bars.push(compared.bars);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return {
    name: "cold-start",
    title: "Cold start of the functions",
    figures,
    marks,
    plots: [plotOf(bars)],
  };
}

/** Boots of each program, a round each. */
async function bootInRounds(
  runtime: Runtime,
  programs: readonly Program[],
  rounds: number,
  progress: (text: string) => void,
): Promise<Map<string, Boot[]>> {
  progress(`cold-start: ${runtime.name}, filling the cache`);
  for (const program of programs) await boot(runtime, program);
  const boots = new Map<string, Boot[]>(programs.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    progress(`cold-start: ${runtime.name}, round ${round} of ${rounds}`);
    for (const program of programs.toSorted(() => Math.random() - 0.5)) {
      boots.get(program.name)!.push(await boot(runtime, program));
    }
  }
  return boots;
}

interface Bars {
  readonly runtime: string;
  /** Milliseconds, by the function's name. */
  readonly later: ReadonlyMap<string, number>;
}

function compare(runtime: Runtime, boots: ReadonlyMap<string, readonly Boot[]>) {
  const empty = boots.get(EMPTY.name)!;
  const figures = [
    figure(`empty, ${runtime.name}: start to end`, "ms", empty.map(({ wallMs }) => wallMs)),
  ];
  const marks: Mark[] = [];
  const later = new Map<string, number>();
  for (const [name, own] of boots) {
    if (name === EMPTY.name) continue;
    const wall = figure(
      `${name}, ${runtime.name}: imported later than empty`,
      "ms",
      own.map(({ wallMs }, round) => wallMs - empty[round]!.wallMs),
    );
    figures.push(wall);
    const cpu = own.flatMap(({ cpuMs }, round) => {
      const none = empty[round]!.cpuMs;
      return cpuMs === null || none === null ? [] : [cpuMs - none];
    });
    if (cpu.length > 0) {
      figures.push(figure(`${name}, ${runtime.name}: CPU more than empty`, "ms", cpu));
    }
    later.set(name, wall.median);
    if (FUNCTIONS.some((one) => one.name === name)) {
      marks.push({
        name: wall.name,
        unit: "ms",
        value: wall.median,
        is: "at_most",
        limit: LATER_MS_MAX,
      });
    }
  }
  return { figures, marks, bars: { runtime: runtime.name, later } };
}

async function runtimes(): Promise<Runtime[]> {
  const today = { name: `Deno ${Deno.version.deno}`, program: Deno.execPath() };
  const platforms: Record<string, string> = {
    "darwin-aarch64": "darwin-arm64",
    "darwin-x86_64": "darwin-x64",
    "linux-aarch64": "linux-arm64-glibc",
    "linux-x86_64": "linux-x64-glibc",
  };
  const platform = platforms[`${Deno.build.os}-${Deno.build.arch}`];
  if (platform === undefined) return [today];
  const folder = await npmPackageFolder(`@deno/${platform}`, EDGE_VERSION);
  return [today, { name: `Deno ${EDGE_VERSION}`, program: `${folder}/deno` }];
}

const ENVIRONMENT = chatProxyEnvironment(
  {
    url: "http://127.0.0.1:9",
    publishableKey: "sb_publishable_bench",
    secretKey: "sb_secret_bench",
  },
  "http://127.0.0.1:9",
);

async function boot({ program }: Runtime, { file, config }: Program): Promise<Boot> {
  const startedMs = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [
      ...["run", "--allow-all", "--no-check", "--no-lock", "--quiet"],
      // The edge keeps no compiled code between two isolates.
      "--no-code-cache",
      `--config=${config}`,
      ...[join(ROOT, "bench/cold_start/boot.ts"), file],
    ],
    cwd: ROOT,
    env: { DENO_TLS_CA_STORE: "mozilla,system", NO_COLOR: "1", ...ENVIRONMENT },
  }).output();
  const wallMs = performance.now() - startedMs;
  if (!success) throw new Error(`${file} does not start: ${new TextDecoder().decode(stderr)}`);
  const cpuUs = Number(new TextDecoder().decode(stdout));
  return { wallMs, cpuMs: cpuUs === 0 ? null : cpuUs / 1000 };
}

function plotOf(bars: readonly Bars[]): Plot {
  return {
    name: "cold-start",
    title: "Imported later than an empty function, in a fresh process",
    x: { title: "function", scale: "category" },
    y: { title: "time (ms)", scale: "linear" },
    series: bars.flatMap(({ runtime, later }) =>
      ["", ", bundled"].map((form) => ({
        name: `${runtime}${form}`,
        points: FUNCTIONS.map(({ name }) => ({ x: name, y: later.get(name + form) ?? 0 })),
      }))
    ),
  };
}
