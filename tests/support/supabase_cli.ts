/**
 * The real Supabase CLI, from npm. It is a native program in one package a platform; Deno downloads
 * it like any other package, and it is run from there.
 */
import { npmPackageFolder } from "./npm_package.ts";

const VERSION = "3.1.0";

/** The package of each platform. Alpine's musl builds are not looked for. */
const PLATFORMS: Record<string, string> = {
  "darwin-aarch64": "darwin-arm64",
  "darwin-x86_64": "darwin-x64",
  "linux-aarch64": "linux-arm64",
  "linux-x86_64": "linux-x64",
};

/** What the CLI did. */
export interface CliRun {
  success: boolean;
  stdout: string;
  /** Both streams, for a message. */
  transcript: string;
}

/** Why the CLI cannot run here, or null: for the name of a test that is left out. */
export const CLI_MISSING: string | null = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`]
  ? null
  : `no Supabase CLI for ${Deno.build.os}-${Deno.build.arch}`;

/** The path of the CLI's program, downloaded at the first use. */
export async function cliProgram(): Promise<string> {
  const platform = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`];
  if (platform === undefined) throw new Error(`Cannot run the Supabase CLI: ${CLI_MISSING}`);
  return `${await npmPackageFolder(`@supabase/cli-${platform}`, VERSION)}/bin/supabase`;
}

/**
 * Runs `supabase <args>` with the project folder `workdir` and a home of its own, so that no login
 * or linked project of this machine plays a part. Never throws for a failing command.
 */
export async function supabaseCli(
  args: string[],
  options: { workdir: string; env?: Record<string, string> },
): Promise<CliRun> {
  const program = await cliProgram();
  const home = await Deno.makeTempDir({ prefix: "farebox-cli-" });
  try {
    const output = await new Deno.Command(program, {
      args: [...args, `--workdir=${options.workdir}`, "--agent=no"],
      cwd: options.workdir,
      clearEnv: true,
      env: {
        HOME: home,
        PATH: Deno.env.get("PATH") ?? "",
        NO_COLOR: "1",
        CI: "1",
        SUPABASE_TELEMETRY_DISABLED: "1",
        DO_NOT_TRACK: "1",
        ...options.env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const stdout = new TextDecoder().decode(output.stdout);
    const stderr = new TextDecoder().decode(output.stderr);
    return { success: output.success, stdout, transcript: stdout + stderr };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** Like `supabaseCli`, for a command that must succeed: throws with what the CLI printed. */
export async function runSupabaseCli(
  args: string[],
  options: { workdir: string; env?: Record<string, string> },
): Promise<CliRun> {
  const run = await supabaseCli(args, options);
  if (!run.success) {
    throw new Error(`\`supabase ${args.join(" ")}\` failed:\n${run.transcript}`);
  }
  return run;
}

/**
 * The argument that points the CLI at the database of `url`. The embedded Postgres has no
 * certificate; unless told, the CLI would remark on that in the midst of its answer.
 */
export function remoteDatabase(url: string): string {
  const plain = new URL(url);
  plain.searchParams.set("sslmode", "disable");
  return `--remote=${plain.href}`;
}
