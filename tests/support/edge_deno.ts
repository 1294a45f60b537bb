/**
 * Runs an uploaded function as hosted Supabase would as far as modules go: alone in a folder, with
 * its own deno.json, under the Deno that the edge runtime embeds.
 */
import { dirname, join } from "node:path";
import { freePort } from "../../local/free_port.ts";
import type { Upload } from "./management_api.ts";
import { npmPackageFolder } from "./npm_package.ts";

/** What supabase/edge-runtime 1.74 is compatible with. */
const EDGE_VERSION = "2.1.4";

const PLATFORMS: Record<string, string> = {
  "darwin-aarch64": "darwin-arm64",
  "darwin-x86_64": "darwin-x64",
  "linux-aarch64": "linux-arm64-glibc",
  "linux-x86_64": "linux-x64-glibc",
};

export interface RunningFunction {
  /** Its origin; the function sees whatever path is asked for below it. */
  url: string;
  /** What it printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Writes the files of an upload below `folder`, and nothing else. */
export async function unpack(upload: Upload, folder: string): Promise<void> {
  for (const [path, bytes] of upload.files) {
    const target = join(folder, path);
    if (!target.startsWith(folder)) throw new Error(`Cannot unpack ${path}: outside the project`);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
}

/** The first start may download the function's packages. */
const START_TIMEOUT_MS = 60_000;

/**
 * Starts the entrypoint of an unpacked upload with exactly `env` and waits until it listens.
 * @throws Error with what it printed when it ends before.
 */
export async function startUploaded(
  upload: Upload,
  folder: string,
  env: Record<string, string>,
): Promise<RunningFunction> {
  const platform = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`];
  const program = `${await npmPackageFolder(`@deno/${platform}`, EDGE_VERSION)}/deno`;
  const port = freePort();
  const child = new Deno.Command(program, {
    args: [
      "serve",
      "--allow-all",
      "--no-lock",
      "--host=127.0.0.1",
      `--port=${port}`,
      `--config=${join(folder, upload.metadata.import_map_path ?? "deno.json")}`,
      join(folder, upload.metadata.entrypoint_path),
    ],
    cwd: folder,
    clearEnv: true,
    env: { HOME: Deno.env.get("HOME") ?? "", PATH: "", NO_COLOR: "1", ...denoSettings(), ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  let printed = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream()).values()) printed += text;
  };
  const done = Promise.all([collect(child.stdout), collect(child.stderr), child.status]);
  const running: RunningFunction = {
    url: `http://127.0.0.1:${port}`,
    output: () => printed,
    async stop() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It ended before us.
      }
      await done;
    },
  };
  let ended = false;
  child.status.then(() => ended = true);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!await accepts(port)) {
    if (ended || Date.now() > deadline) {
      await running.stop();
      throw new Error(`Cannot start ${upload.slug} under Deno ${EDGE_VERSION}:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return running;
}

/** Where Deno keeps packages and finds the registry: the one thing shared with this machine. */
function denoSettings(): Record<string, string> {
  // Today's Deno trusts what the system does, the one of then only a list of its own.
  const settings: Record<string, string> = { DENO_TLS_CA_STORE: "mozilla,system" };
  const names = [
    ...["DENO_DIR", "NPM_CONFIG_REGISTRY", "HTTPS_PROXY", "NO_PROXY"],
    ...["DENO_CERT", "DENO_TLS_CA_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ];
  for (const name of names) {
    const value = Deno.env.get(name);
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
