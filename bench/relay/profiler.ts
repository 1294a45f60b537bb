/** Where the JavaScript thread of this process spends its time, by V8's sampling profiler. */
import { Session } from "node:inspector";

/** Microseconds by room: one of our files, or a part of Deno. What waits is not in it. */
export type Profile = Readonly<Record<string, number>>;

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
}

interface CpuProfile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SAMPLE_US = 200;
let session: Session | undefined;

export async function beginProfile(): Promise<null> {
  session = new Session();
  session.connect();
  await post("Profiler.enable");
  await post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
  await post("Profiler.start");
  return null;
}

export async function endProfile(): Promise<Profile> {
  const { profile } = await post("Profiler.stop") as { profile: CpuProfile };
  session?.disconnect();
  const rooms = new Map(profile.nodes.map((node) => [node.id, roomOf(node)]));
  const spent: Record<string, number> = {};
  for (const [index, id] of profile.samples.entries()) {
    const room = rooms.get(id);
    if (room === undefined || room === null) continue;
    spent[room] = (spent[room] ?? 0) + (profile.timeDeltas[index] ?? 0);
  }
  return spent;
}

function post(method: string, params: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session?.post(method, params, (error: Error | null, result: unknown) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** Null: nothing was done. */
function roomOf({ callFrame: { functionName, url } }: Node): string | null {
  if (functionName === "(idle)" || functionName === "(root)") return null;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)") return "V8 and Deno's native code";
  const own = url.match(/\/(?:supabase\/functions|shared)\/(.*)$/)?.[1];
  if (own !== undefined) return own;
  if (url.includes("/bench/")) return "the server of the benchmark";
  return "Deno's own JavaScript (HTTP, fetch, streams)";
}
