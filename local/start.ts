/** `deno task start`: Farebox on this machine, until Ctrl-C. */
import { Command, InvalidArgumentError } from "commander";
import { DataFolderInUse } from "./data_folder.ts";
import { MigrationFailed } from "./migrate.ts";
import { PortTaken, type Stack, startStack } from "./stack.ts";

// @supabase/lite phones home unless told otherwise.
Deno.env.set("LITE_TELEMETRY", "0");

const command = new Command("deno task start")
  .description(
    "Runs Farebox on this machine: database, Auth, Data API, the functions and a demo provider.\n" +
      "Provider keys (OPENAI_API_KEY …) and <PROVIDER>_BASE_URL come from the environment or .env;\n" +
      "a provider without a key is served by the demo provider. Ctrl-C stops everything.",
  )
  .option("--port <number>", "port on 127.0.0.1", readPort, 54321)
  .option("--data <folder>", "where data and keys are kept between runs", ".farebox")
  .option("--fresh", "begin with an empty database", false)
  .option("--json", "print one line of JSON on stdout when everything answers", false)
  .allowExcessArguments(false)
  .parse(["deno", "start", ...Deno.args]);
const options = command.opts<{ port: number; data: string; fresh: boolean; json: boolean }>();

/** What a shell reports of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => stopping.abort());
}
Deno.exit(await main());

async function main(): Promise<number> {
  try {
    await Deno.mkdir(options.data, { recursive: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    say(`Cannot use ${options.data} as data folder: ${why}. Choose another with --data DIR.`);
    return 1;
  }
  const starting = startStack({
    port: options.port,
    dataDir: options.data,
    fresh: options.fresh,
    signal: stopping.signal,
    progress: (step) => say(`… ${step}`),
    log: (line) => say(`[functions] ${line}`),
  });
  let stack: Stack;
  try {
    stack = await starting;
  } catch (error) {
    if (stopping.signal.aborted) return INTERRUPTED;
    const isExpected = error instanceof PortTaken || error instanceof DataFolderInUse ||
      error instanceof MigrationFailed;
    say(isExpected ? error.message : error instanceof Error ? error.stack! : String(error));
    return 1;
  }
  if (options.json) console.log(JSON.stringify(stack.details));
  else say(welcome(stack));

  const died = stack.postgres.exited.then(() => "postgres" as const);
  const cause = await Promise.race([aborted(stopping.signal), died]);
  if (cause === "postgres") {
    say("PostgreSQL ended by itself: stopping. See its log in the data folder.");
  }
  say("… stopping");
  await stack.stop();
  return cause === "postgres" ? 1 : 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Everything for people goes to stderr: stdout is the JSON line's. */
function say(text: string): void {
  console.error(text);
}

function readPort(text: string): number {
  const port = Number(text);
  // The database takes the next one, and runs without the right to lower ports.
  if (!Number.isInteger(port) || port < 1024 || port > 65_534) {
    throw new InvalidArgumentError("It must be a whole number from 1024 to 65534.");
  }
  return port;
}

function welcome({ details, realProviders }: Stack): string {
  const { url, functionsUrl, publishableKey, secretKey, dbUrl, pageUrl, demoUser } = details;
  const real = realProviders.length === 0
    ? "none: every provider is the demo provider (set OPENAI_API_KEY in .env, start again)"
    : realProviders.join(", ");
  return `
Farebox is running.

  page             ${pageUrl}
  url              ${url}
  functions        ${functionsUrl}
  publishable key  ${publishableKey}
  secret key       ${secretKey}
  database         ${dbUrl}
  demo user        ${demoUser.email}  password ${demoUser.password}
  real providers   ${real}

A metered answer, with its cost in the last comment:

  TOKEN=$(curl -s '${url}/auth/v1/token?grant_type=password' -H 'apikey: ${publishableKey}' \\
    -H 'content-type: application/json' \\
    -d '{"email":"${demoUser.email}","password":"${demoUser.password}"}' \\
    | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -N '${functionsUrl}/chat-proxy/v1/chat/completions' -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' \\
    -d '{"model":"openai:gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

Ctrl-C stops everything.
`;
}
