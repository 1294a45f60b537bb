/**
 * The process that owns the stack of a test file: it starts the stack in a temporary folder, prints
 * one line of JSON (`KeptStack`) and lives until its standard input closes. So everything is gone
 * when the test is, however the test ends, and the test is a client of it like any other.
 *
 *     deno run -A tests/support/stack_keeper.ts '{"env":{"HEARTBEAT_SECONDS":"1"}}'
 *
 * Behind `controlUrl`: `GET /log`, `GET /functions-pid`, `POST /postgres/stop`, `/postgres/kill` and
 * `/postgres/start`.
 */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AT_ONCE, REALISTIC } from "../../local/demo_provider/server.ts";
import { startPostgres } from "../../local/postgres.ts";
import { type Stack, type StackDetails, startStack } from "../../local/stack.ts";
import { type Cluster, CLUSTER_VARIABLE } from "./cluster.ts";
import type { Failed } from "./keeper.ts";

/** What a test may order of its stack. */
export interface StackOrder {
  /** Variables of the functions. */
  readonly env?: Readonly<Record<string, string>>;
  /** Pace of the demo provider; at once by default, a script's own times apart. */
  readonly pace?: "at_once" | "realistic";
  /** A folder that outlives this process, so that another one can go on with it. */
  readonly folder?: string;
  /** The port to be had again then. */
  readonly port?: number;
  /** Where the functions find the platform, if not at the stack's own address. */
  readonly platformUrl?: string;
  /** Where the functions' lines go. Else they are kept in memory, behind `GET /log`. */
  readonly logFile?: string;
}

/** What the keeper prints. */
export interface KeptStack {
  readonly details: StackDetails;
  /** Everything that the stack keeps: `secrets.json`, `run.json`, the database. */
  readonly folder: string;
  readonly demoUrl: string;
  readonly hookSecret: string;
  readonly controlUrl: string;
}

const order: StackOrder = JSON.parse(Deno.args[0] ?? "{}");
const folder = order.folder ?? await Deno.makeTempDir({ prefix: "farebox-e2e-" });
const lines: string[] = [];
const keep = order.logFile === undefined
  ? (line: string) => void lines.push(line)
  : (line: string) => Deno.writeTextFileSync(order.logFile!, `${line}\n`, { append: true });
// Refusals that a test provokes are told here too, hundreds of them: with the log they can be read.
console.error = (...parts) => keep(parts.map(inLog).join(" "));
const stack = await start().catch((error) => {
  const failed: Failed = { failed: [...lines, Deno.inspect(error)].join("\n") };
  console.log(JSON.stringify(failed));
  Deno.exit(1);
});
let database = stack.postgres;

const control = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /log":
        return Response.json(lines);
      case "GET /functions-pid":
        return Response.json(stack.functionsPid);
      case "POST /postgres/stop":
        await database.stop();
        return Response.json(null);
      case "POST /postgres/kill":
        await database.kill();
        return Response.json(null);
      case "POST /postgres/start":
        database = await startPostgres({
          dataDir: join(folder, "postgres"),
          ports: [stack.postgres.port],
          durable: false,
        });
        return Response.json(null);
      default:
        return Response.json(`There is no ${pathname}`, { status: 404 });
    }
  },
);

// Ctrl-C reaches the whole process group: wait for the tests to close standard input instead.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
const kept: KeptStack = {
  details: stack.details,
  folder,
  demoUrl: stack.demoProvider.url,
  hookSecret: stack.hookSecret,
  controlUrl: `http://127.0.0.1:${control.addr.port}`,
};
console.log(JSON.stringify(kept));
for await (const _ of Deno.stdin.readable);
await control.shutdown();
await stack.stop();
await database.stop();
if (order.folder === undefined) await Deno.remove(folder, { recursive: true });
Deno.exit(0);

async function start(): Promise<Stack> {
  // PostgreSQL runs as another account when the tests run as root: it has to get in here.
  await Deno.chmod(folder, 0o755);
  await copyStackData(join(folder, "postgres"));
  return await startStack({
    dataDir: folder,
    durable: false,
    usesProviderKeys: false,
    evaluatesAlerts: false,
    pagesFolder: join(tmpdir(), `farebox-pages-${Deno.uid()}`),
    demoTiming: order.pace === "realistic" ? REALISTIC : AT_ONCE,
    log: keep,
    ...(order.port === undefined ? {} : { port: order.port }),
    ...(order.platformUrl === undefined ? {} : { platformUrl: order.platformUrl }),
    ...(order.env === undefined ? {} : { env: order.env }),
  });
}

function inLog(part: unknown): string {
  return typeof part === "string" ? part : Deno.inspect(part);
}

/** Begins with what the run has migrated; a file that is run without one migrates itself. */
async function copyStackData(dataDir: string): Promise<void> {
  const run = Deno.env.get(CLUSTER_VARIABLE);
  const stackData = run && (JSON.parse(run) as Cluster).stackData;
  if (!stackData || existsSync(dataDir)) return;
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", stackData, dataDir] })
    .output();
  if (!success) throw new Error(`Cannot copy ${stackData}: ${new TextDecoder().decode(stderr)}`);
}
