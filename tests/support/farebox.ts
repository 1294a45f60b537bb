/** Runs the operator's tool as a person would. */
import type { TestStack } from "./stack.ts";

/** What it did. */
export interface FareboxRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Where it works: a stack, or whatever these variables say. */
export type FareboxTarget = Pick<TestStack, "details"> | Readonly<Record<string, string>>;

/** Runs `farebox <args>` on this input; nothing of this process's environment points it elsewhere. */
export async function runFarebox(
  target: FareboxTarget,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<FareboxRun> {
  const child = fareboxCommand(target, args, input === undefined ? "null" : "piped").spawn();
  const output = child.output();
  if (input !== undefined) {
    // What it does not want it need not read to the end.
    await new Blob([input as BlobPart]).stream().pipeTo(child.stdin).catch(() => {});
  }
  const { code, stdout, stderr } = await output;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** The same, not yet started: for a test that kills it. */
export function fareboxCommand(
  target: FareboxTarget,
  args: readonly string[],
  stdin: "null" | "piped" = "null",
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "cli/main.ts", ...args],
    env: { NO_COLOR: "1", ...NOWHERE, ...variablesOf(target) },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

const NOWHERE = {
  SUPABASE_URL: "",
  SUPABASE_SECRET_KEY: "",
  SUPABASE_PUBLISHABLE_KEY: "",
  SUPABASE_DB_URL: "",
};

function variablesOf(target: FareboxTarget): Readonly<Record<string, string>> {
  if (!isStack(target)) return target;
  const { url, secretKey, publishableKey, dbUrl } = target.details;
  return {
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEY: secretKey,
    SUPABASE_PUBLISHABLE_KEY: publishableKey,
    SUPABASE_DB_URL: dbUrl,
  };
}

function isStack(target: FareboxTarget): target is Pick<TestStack, "details"> {
  return typeof target["details"] === "object";
}
