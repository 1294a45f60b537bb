/** The folder that one running stack owns: its lock, and the note of what runs. */
import { join } from "node:path";

/** Another stack runs on this folder. */
export class DataFolderInUse extends Error {
  override readonly name = "DataFolderInUse";
}

/** What `<data>/run.json` says, for tests and for people with a `kill` in mind. */
export interface RunNote {
  readonly url: string;
  readonly supervisorPid: number;
  readonly postgresPid: number;
  /** Changes when the functions process is restarted. */
  readonly functionsPid: number | null;
  readonly functionsUrl: string;
  readonly demoProviderUrl: string;
  /** As role `postgres`, on this machine alone. */
  readonly dbUrl: string;
}

export interface DataFolder {
  readonly path: string;
  note(run: RunNote): Promise<void>;
  /** Gives the folder back. */
  release(): Promise<void>;
}

/**
 * Takes the folder, making it if need be. The lock is the operating system's: it ends with this
 * process, however that ends.
 * @throws DataFolderInUse
 */
export async function takeDataFolder(path: string): Promise<DataFolder> {
  await Deno.mkdir(path, { recursive: true });
  const folder = await Deno.realPath(path);
  const noteFile = join(folder, "run.json");
  const lock = await Deno.open(join(folder, "lock"), { create: true, write: true });
  if (!await lock.tryLock(true)) {
    lock.close();
    const run = await readNote(noteFile);
    const where = run === null ? "" : ` at ${run.url} (process ${run.supervisorPid})`;
    throw new DataFolderInUse(
      `Cannot start on ${path}: another stack runs on this folder${where}. ` +
        `Stop it with Ctrl-C, or choose another folder with --data DIR.`,
    );
  }
  return {
    path: folder,
    note: async (run) => {
      const partial = `${noteFile}.${crypto.randomUUID()}`;
      await Deno.writeTextFile(partial, JSON.stringify(run, null, 2), { mode: 0o600 });
      await Deno.rename(partial, noteFile);
    },
    release: async () => {
      await Deno.remove(noteFile).catch(() => {});
      lock.close();
    },
  };
}

async function readNote(file: string): Promise<RunNote | null> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch {
    return null;
  }
}
