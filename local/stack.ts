/**
 * All of Farebox on this machine: PostgreSQL with the migrations, the platform's APIs, the demo
 * provider and the functions, behind one address.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { startCron } from "./cron.ts";
import { type DataFolder, takeDataFolder } from "./data_folder.ts";
import { type DemoProvider, startDemoProvider } from "./demo_provider/server.ts";
import type { Timing } from "./demo_provider/timing.ts";
import { DEMO_USER, ensureDemoUser } from "./demo_user.ts";
import { freePort } from "./free_port.ts";
import { injectedEnvironment, providerEnvironment, readEnvFile } from "./function_environment.ts";
import { type FunctionsProcess, startFunctionsProcess } from "./functions_process.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { migrate } from "./migrate.ts";
import { localPageSettings } from "./page_settings.ts";
import { preparePlatform } from "./platform_schema.ts";
import { pageOfSources } from "./page.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { readStackConfig } from "./stack_config.ts";
import { keepSecrets } from "./stack_secrets.ts";

export interface StackOptions {
  /** Port of the stack on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** Folder for all that is kept between runs; made if missing. One stack at a time owns it. */
  readonly dataDir: string;
  /** Begin with an empty database. The keys stay. */
  readonly fresh?: boolean;
  /** False skips fsync: for tests. */
  readonly durable?: boolean;
  /** Pace of the demo provider; realistic by default. */
  readonly demoTiming?: Timing;
  /** Variables for the functions, above those of this process and of `.env`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the functions find the platform, if not at the stack's own address: for tests. */
  readonly platformUrl?: string;
  /** False leaves it to others to have the alerts evaluated: for tests. */
  readonly evaluatesAlerts?: boolean;
  /**
   * Keeps builds of the page in this folder and builds when it is asked for: for tests, of which many
   * run and few look. By default in the data folder, at start.
   */
  readonly pagesFolder?: string;
  /** False keeps provider keys of this process and of `.env` from being used: for tests. */
  readonly usesProviderKeys?: boolean;
  /** Gives the start up, after the step at hand. What was started until then is stopped. */
  readonly signal?: AbortSignal;
  /** Told what is being done, one sentence at a time. */
  readonly progress?: (step: string) => void;
  /** Told each line that the functions print. */
  readonly log?: (line: string) => void;
}

/** What `deno task start --json` prints. */
export interface StackDetails {
  readonly url: string;
  readonly functionsUrl: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  /** As role `postgres`. */
  readonly dbUrl: string;
  readonly pageUrl: string;
  readonly demoUser: { readonly email: string; readonly password: string };
}

export interface Stack {
  readonly details: StackDetails;
  /** Providers that are served by the real thing. */
  readonly realProviders: readonly string[];
  readonly postgres: Postgres;
  readonly demoProvider: DemoProvider;
  /** Changes when the functions process is restarted; null in between. */
  readonly functionsPid: number | null;
  /** Secret of the before-user-created hook, `v1,whsec_…`. */
  readonly hookSecret: string;
  /** Ends everything, the functions' background work first. Safe to call twice. */
  stop(): Promise<void>;
}

/** The port is taken; the message says what to do. */
export class PortTaken extends Error {
  override readonly name = "PortTaken";
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PORT_MAX = 65_535;

/**
 * Starts everything and waits until it answers.
 * @throws PortTaken, DataFolderInUse, MigrationFailed: nothing of this call is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  // Before the folder's lock, so that a second start on everything the same names the port.
  const gateway = takePort(options.port || undefined);
  const stops: (() => Promise<unknown>)[] = [() => gateway.close()];
  const stop = async () => {
    // The latest first; one that fails must not leave the others running.
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) {
      await next().catch((error) => console.error("While stopping:", error));
    }
  };
  try {
    const folder = await takeDataFolder(options.dataDir);
    stops.push(() => folder.release());
    return await startIn(folder, gateway, options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function takePort(port: number | undefined): Gateway {
  try {
    return startGateway(port);
  } catch (error) {
    if (port === undefined || !(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new PortTaken(
      `Cannot start on port ${port}: something else listens there already, perhaps another ` +
        `stack. Stop it, or choose another port with --port ${port + 10}.`,
    );
  }
}

async function startIn(
  folder: DataFolder,
  gateway: Gateway,
  options: StackOptions,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const progress = (step: string) => {
    options.signal?.throwIfAborted();
    options.progress?.(step);
  };
  const log = options.log ?? (() => {});
  const { url } = gateway;
  const secrets = await keepSecrets(join(folder.path, "secrets.json"));
  const config = await readStackConfig(join(ROOT, "supabase", "config.toml"));

  const database = await startPostgres({
    dataDir: join(folder.path, "postgres"),
    ports: [Math.min(Number(new URL(url).port) + 1, PORT_MAX), freePort(), freePort()],
    fresh: options.fresh ?? false,
    durable: options.durable ?? true,
    progress,
  });
  stops.push(() => database.stop());
  progress("preparing the database");
  await preparePlatform(database.adminUrl);
  const applied = await migrate(database.url, join(ROOT, "supabase", "migrations"));
  if (applied.length > 0) progress(`applied ${applied.length} migrations`);

  const demoProvider = startDemoProvider({
    models: await pricedModels(database.url),
    ...(options.demoTiming === undefined ? {} : { timing: options.demoTiming }),
  });
  stops.push(() => demoProvider.close());

  const page = pageOfSources({
    cacheFolder: options.pagesFolder ?? join(folder.path, "pages"),
    log: options.progress ?? log,
  });
  if (options.pagesFolder === undefined) {
    progress("building the page");
    await page.prepare();
  }

  // Theirs while they are up.
  let functionsUrl = "http://127.0.0.1:0";
  progress("starting the platform's APIs");
  await gateway.open({
    ...secrets,
    url: database.url,
    functionsUrl: () => functionsUrl,
    page,
    pageSettings: (origin) => localPageSettings(origin, secrets.publishableKey, folder.path),
    ...(config.signUpHookPath === null
      ? {}
      : { signUpHook: { uri: config.signUpHookPath, secrets: [secrets.hookSecret] } }),
  });
  stops.push(() => gateway.close());

  const ours = options.usesProviderKeys === false
    ? {}
    : { ...await readEnvFile(join(ROOT, ".env")), ...Deno.env.toObject() };
  const environment = { ...ours, ...options.env };
  const providers = providerEnvironment(environment, demoProvider.url);
  progress("starting the functions (the first time they download their libraries)");
  const note = (functions: Pick<FunctionsProcess, "pid" | "url">) => {
    functionsUrl = functions.url;
    return folder.note({
      url,
      supervisorPid: Deno.pid,
      postgresPid: database.pid,
      functionsPid: functions.pid,
      functionsUrl,
      demoProviderUrl: demoProvider.url,
      dbUrl: database.url,
    });
  };
  const functions = await startFunctionsProcess({
    folder: join(ROOT, "supabase", "functions"),
    env: {
      ...environment,
      ...providers.variables,
      ...injectedEnvironment(options.platformUrl ?? url, secrets),
    },
    log,
    onChange: (functions) => void note(functions).catch(() => {}),
  });
  // Pushed last, so stopped first: what is being settled still finds the database.
  stops.push(() => functions.stop());
  await note(functions);

  await ensureDemoUser(url, secrets.publishableKey).catch((error) => log(error.message));
  stops.push(startCron({
    url,
    secretKey: secrets.secretKey,
    evaluatesAlerts: options.evaluatesAlerts ?? true,
    log,
  }));

  return {
    details: {
      url,
      functionsUrl: `${url}/functions/v1`,
      publishableKey: secrets.publishableKey,
      secretKey: secrets.secretKey,
      dbUrl: database.url,
      pageUrl: `${url}/`,
      demoUser: DEMO_USER,
    },
    realProviders: providers.real,
    postgres: database,
    demoProvider,
    get functionsPid() {
      return functions.pid;
    },
    hookSecret: secrets.hookSecret,
    stop,
  };
}

/** Every model that has a price can be asked of the demo provider. */
async function pricedModels(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql<{ model_id: string }[]>`select model_id from public.model_pricing`;
    return rows.map((row) => row.model_id);
  } finally {
    await sql.end();
  }
}
