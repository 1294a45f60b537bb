/** How much CPU a PostgreSQL has used, by what Linux says of its processes. */

/** `USER_HZ`, which is 100 on every Linux that Deno runs on. */
const TICKS_A_SECOND = 100;
/** Of proc_pid_stat(5), counted after the program's name, which may have spaces in it. */
const PARENT = 1;
const TIMES = [11, 12];
const TIMES_WITH_ENDED_CHILDREN = [11, 12, 13, 14];

/**
 * CPU seconds of the postmaster, of its processes, and of those that have ended; null where there is
 * no /proc.
 */
export async function serverCpuSeconds(postmaster: number): Promise<number | null> {
  const own = await statOf(postmaster);
  if (own === null) return null;
  let ticks = sum(own, TIMES_WITH_ENDED_CHILDREN);
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await statOf(Number(name));
    if (stat !== null && Number(stat[PARENT]) === postmaster) ticks += sum(stat, TIMES);
  }
  return ticks / TICKS_A_SECOND;
}

function sum(stat: readonly string[], fields: readonly number[]): number {
  return fields.reduce((total, field) => total + Number(stat[field]), 0);
}

async function statOf(pid: number): Promise<string[] | null> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    // It has ended meanwhile, or this is no Linux.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return null;
    }
    throw error;
  }
}
