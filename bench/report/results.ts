/** What was measured, when and where: `bench/results/latest.json` and `before.json`. */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Section } from "../section.ts";

/** One part as it was last measured. */
export interface Measured {
  /** ISO 8601. */
  readonly date: string;
  /** The commit, with `-dirty` where files were changed after it. */
  readonly commit: string;
  readonly machine: Machine;
  readonly section: Section;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly deno: string;
}

export type Results = readonly Measured[];

export const RESULTS_FOLDER = new URL("../results/", import.meta.url);
const LATEST = new URL("latest.json", RESULTS_FOLDER);
const BEFORE = new URL("before.json", RESULTS_FOLDER);

/** In the order of the report. */
const ORDER: readonly Section["name"][] = [
  "relay",
  "first-token",
  "ledger",
  "cold-start",
  "profile",
];

export const readLatest = (): Promise<Results> => read(LATEST);
/** Measured before anything was made faster. */
export const readBefore = (): Promise<Results> => read(BEFORE);

/** Puts these parts in the place of what was measured of them earlier. */
export async function saveLatest(measured: Results): Promise<Results> {
  const names = new Set(measured.map(({ section }) => section.name));
  const kept = (await readLatest()).filter(({ section }) => !names.has(section.name));
  const all = [...kept, ...measured].sort((a, b) =>
    ORDER.indexOf(a.section.name) - ORDER.indexOf(b.section.name)
  );
  await Deno.writeTextFile(LATEST, `${JSON.stringify(all, null, 2)}\n`);
  return all;
}

export async function stamp(section: Section): Promise<Measured> {
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: navigator.hardwareConcurrency,
      os: `${Deno.build.os} ${Deno.build.arch}`,
      deno: Deno.version.deno,
    },
    section,
  };
}

async function read(file: URL): Promise<Results> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function commit(): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["describe", "--always", "--dirty", "--abbrev=9"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stderr: "null",
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : "unknown";
}
