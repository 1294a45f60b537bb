/**
 * The operating system account that PostgreSQL runs as. PostgreSQL refuses to run as root, so root
 * borrows an account that exists (`postgres`, else `nobody`) rather than adding one to the system.
 */
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";

/** Options for `Deno.Command` that switch to the account: empty when no switch is needed. */
export type RunAs = { readonly uid: number; readonly gid: number } | Record<string, never>;

export class PostgresAccount {
  private constructor(readonly runAs: RunAs) {}

  /** @throws Error when run as root and the system has neither `postgres` nor `nobody`. */
  static async find(): Promise<PostgresAccount> {
    if (Deno.uid() !== 0) return new PostgresAccount({});
    for (const name of ["postgres", "nobody"]) {
      const uid = await numericId("-u", name);
      const gid = await numericId("-g", name);
      if (uid !== null && gid !== null && uid > 0) return new PostgresAccount({ uid, gid });
    }
    throw new Error(
      "Cannot start PostgreSQL as root: it needs an account named 'postgres' or 'nobody', and this " +
        "system has neither. Start as another user, or add one with 'useradd postgres'.",
    );
  }

  get isBorrowed(): boolean {
    return "uid" in this.runAs;
  }

  /** True when the account can execute this program, with every library that it loads. */
  async canRun(program: string): Promise<boolean> {
    return await this.succeeds(program, ["--version"]);
  }

  /** True when the account can enter this folder. */
  async canEnter(folder: string): Promise<boolean> {
    if (!this.isBorrowed) return true;
    return await this.succeeds("/bin/sh", ["-c", 'cd -- "$0"', folder]);
  }

  /** Makes the folder belong to the account. */
  async own(folder: string): Promise<void> {
    if ("uid" in this.runAs) await Deno.chown(folder, this.runAs.uid!, this.runAs.gid!);
  }

  /** A folder of ours that the account can enter, made if it is missing. */
  async reachableFolder(name: string): Promise<string> {
    const candidates = this.isBorrowed ? ["/var/lib/farebox", join(tmpdir(), "farebox")] : [
      join(tmpdir(), `farebox-${Deno.uid() ?? "user"}`),
    ];
    for (const parent of candidates) {
      const folder = join(parent, name);
      try {
        await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
      } catch {
        continue;
      }
      // A shared temporary folder: what somebody else put there is not ours to run.
      if (await isOurs(parent) && await isOurs(folder) && await this.canEnter(folder)) {
        return folder;
      }
    }
    throw new Error(
      `Cannot find a folder for PostgreSQL that its account can enter: tried ${
        candidates.join(", ")
      }.`,
    );
  }

  private async succeeds(program: string, args: string[]): Promise<boolean> {
    try {
      // From "/", because the account may not be able to enter the folder we are in.
      const { success } = await new Deno.Command(program, {
        args,
        cwd: dirname("/"),
        stdin: "null",
        stdout: "null",
        stderr: "null",
        ...this.runAs,
      }).output();
      return success;
    } catch {
      return false;
    }
  }
}

async function isOurs(folder: string): Promise<boolean> {
  const { uid } = await Deno.lstat(folder);
  return uid === null || uid === Deno.uid();
}

async function numericId(flag: "-u" | "-g", name: string): Promise<number | null> {
  const { success, stdout } = await new Deno.Command("id", {
    args: [flag, name],
    stderr: "null",
  }).output();
  return success ? Number(new TextDecoder().decode(stdout).trim()) : null;
}
