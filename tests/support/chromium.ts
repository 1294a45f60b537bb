/**
 * Which Chromium the browser tests drive: `FAREBOX_CHROMIUM`, else one on the PATH, else one from
 * npm. Each is asked for its version first: a wrapper that only tells how to install it is none.
 */
import { join } from "node:path";
import { npmChromium } from "./npm_chromium.ts";

export interface FoundChromium {
  readonly path: string;
  /** Variables that it needs besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

export interface MissingChromium {
  /** Why there is none, in one sentence. */
  readonly missing: string;
}

const NAMES = [
  // The same engine without a window's parts: it takes two thirds of the time.
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "headless_shell",
];

export async function findChromium(): Promise<FoundChromium | MissingChromium> {
  const named = Deno.env.get("FAREBOX_CHROMIUM");
  if (named !== undefined && named !== "") {
    return await answers(named)
      ? { path: named, env: {} }
      : { missing: `FAREBOX_CHROMIUM=${named} does not run` };
  }
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (await isFile(path) && await answers(path)) return { path, env: {} };
    }
  }
  try {
    return await npmChromium(answers);
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    return { missing: `none on the PATH, and the one from npm does not run: ${why}` };
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

async function answers(path: string, env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  try {
    const { success, stdout } = await new Deno.Command(path, {
      args: ["--version", "--no-sandbox"],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(20_000),
    }).output();
    return success && /\d+\.\d+/.test(new TextDecoder().decode(stdout));
  } catch {
    return false;
  }
}
