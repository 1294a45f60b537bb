/**
 * Starts a keeper: a program that makes something, prints one line of JSON that says where it is, and
 * keeps it until its standard input closes. So it is gone when a test is, however that ends.
 */
import { fileURLToPath } from "node:url";

export interface Keeper<T> {
  readonly process: Deno.ChildProcess;
  /** What it printed. */
  readonly kept: T;
}

/** What a keeper prints in place of it when it cannot; it ends then. */
export interface Failed {
  readonly failed: string;
}

/**
 * @param program below `tests/support`.
 * @throws Error with what the keeper said.
 */
export async function startKeeper<T extends object>(
  program: string,
  ...args: string[]
): Promise<Keeper<T>> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `tests/support/${program}`, ...args],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const line = await firstLine(process.stdout);
  if (line === null) {
    const { code, signal } = await process.status;
    throw new Error(`${program} ended without a word (${signal ?? `code ${code}`})`);
  }
  const kept: T | Failed = JSON.parse(line);
  if ("failed" in kept) throw new Error(`${program}: ${kept.failed}`);
  return { process, kept };
}

async function firstLine(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string | null> {
  let text = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream()).values()) {
    text += chunk;
    if (text.includes("\n")) return text;
  }
  return null;
}
