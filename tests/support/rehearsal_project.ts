/**
 * An empty Supabase project to rehearse a deployment on: a database without a migration, Auth, the
 * Data API, the demo provider, and a stand-in of the management API that runs the functions which
 * the official CLI uploads to it.
 */
import { dirname, join } from "node:path";
import { AT_ONCE, startDemoProvider } from "../../local/demo_provider/server.ts";
import { injectedEnvironment, providerEnvironment } from "../../local/function_environment.ts";
import { type FunctionsProcess, startFunctionsProcess } from "../../local/functions_process.ts";
import { startGateway } from "../../local/gateway.ts";
import { pageOfFolder } from "../../local/page.ts";
import { keepSecrets, type StackSecrets } from "../../local/stack_secrets.ts";
import type { TestDatabase } from "./database.ts";
import { type ManagementApi, PROJECT_REF, startManagementApi } from "./management_api.ts";
import { cliProgram } from "./supabase_cli.ts";

export interface RehearsalProject {
  readonly url: string;
  readonly secrets: StackSecrets;
  /** For a shell: where the project is, its keys, and a PATH on which `supabase` and `deno` are. */
  readonly env: Readonly<Record<string, string>>;
  /** Bodies that its webhook has received. */
  readonly received: readonly string[];
  /** Lines that the functions have printed. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** Starts it on an unmigrated database, with the page of `webFolder`. The caller closes it. */
export async function startRehearsalProject(
  database: TestDatabase,
  webFolder: string,
): Promise<RehearsalProject> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "farebox-rehearsal-" }));
  const secrets = await keepSecrets(join(folder, "secrets.json"));
  const demo = startDemoProvider({ timing: AT_ONCE });
  let functions: FunctionsProcess | undefined;
  const gateway = startGateway();
  await gateway.open({
    ...secrets,
    url: database.url,
    functionsUrl: () => functions?.url ?? "http://127.0.0.1:0",
    page: pageOfFolder(webFolder),
    // As the dashboard would have it after the step that switches the hook on.
    signUpHook: { uri: "/functions/v1/init-balance", secrets: [secrets.hookSecret] },
  });
  const log: string[] = [];
  const received: string[] = [];
  const webhook = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (r) => {
    received.push(await r.text());
    return new Response("ok");
  });
  const api = await startManagementApi(async (deployed) => {
    await functions?.stop();
    if ([...deployed.uploads.values()].some(({ isActive }) => isActive)) {
      functions = await startDeployed(deployed, {
        folder: join(folder, crypto.randomUUID()),
        env: {
          ...providerEnvironment({}, demo.url).variables,
          ...injected(gateway.url, secrets),
          ...Object.fromEntries(deployed.secrets),
        },
        log: (line) => void log.push(line),
      });
    }
  });
  return {
    url: gateway.url,
    secrets,
    received,
    log,
    env: {
      ...await shellTools(join(folder, "bin"), api),
      REF: PROJECT_REF,
      HOOK_SECRET: secrets.hookSecret,
      WEBHOOK: `http://127.0.0.1:${webhook.addr.port}`,
      SUPABASE_URL: gateway.url,
      SUPABASE_PUBLISHABLE_KEY: secrets.publishableKey,
      SUPABASE_SECRET_KEY: secrets.secretKey,
      SUPABASE_DB_URL: `${database.url}?sslmode=disable`,
    },
    async close() {
      await functions?.stop();
      await gateway.close();
      await api.close();
      await demo.close();
      await webhook.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The hook's secret is a secret like others here: the operator sets it. */
function injected(url: string, secrets: StackSecrets): Record<string, string> {
  const { BEFORE_USER_CREATED_HOOK_SECRET: _, ...variables } = injectedEnvironment(url, secrets);
  return variables;
}

/** Unpacks what the CLI has uploaded, and nothing else, and serves it. */
async function startDeployed(
  { uploads }: Pick<ManagementApi, "uploads">,
  options: Parameters<typeof startFunctionsProcess>[0],
): Promise<FunctionsProcess> {
  for (const { files } of uploads.values()) {
    for (const [path, bytes] of files) {
      const file = join(options.folder, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeFile(file, bytes);
    }
  }
  return await startFunctionsProcess({
    ...options,
    folder: join(options.folder, "supabase", "functions"),
  });
}

/** Commands by the names that people type: the CLI as if logged in here, and this Deno. */
async function shellTools(folder: string, api: ManagementApi): Promise<Record<string, string>> {
  await Deno.mkdir(folder, { recursive: true });
  const [profile] = api.cliArgs;
  const commands = {
    // A home of its own, so that no login or linked project of this machine plays a part.
    supabase: `env HOME="${folder}" "${await cliProgram()}" "$@" "${profile}" --agent=no`,
    deno: `"${Deno.execPath()}" "$@"`,
  };
  for (const [name, command] of Object.entries(commands)) {
    const file = join(folder, name);
    await Deno.writeTextFile(file, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  }
  return {
    ...api.cliEnv,
    PATH: `${folder}:${Deno.env.get("PATH") ?? ""}`,
    NO_COLOR: "1",
    CI: "1",
    SUPABASE_TELEMETRY_DISABLED: "1",
  };
}
