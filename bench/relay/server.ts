/**
 * The server under test, a process of its own for each variant, so that its CPU and memory are its own.
 *
 *     deno run -A bench/relay/server.ts --variant=relay --upstream=http://127.0.0.1:1234
 *
 * Prints `{"port"}`. Each line of standard input is a `ConsumptionOrder`, answered with a `Consumption`,
 * or a `ProfileOrder`, answered with nothing of note and then with a `Profile`.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { readLines } from "../lines.ts";
import { beginProfile, endProfile } from "./profiler.ts";
import { openVariant } from "./variants.ts";

export interface ConsumptionOrder {
  /** Whether to collect garbage before; only a process with `--expose-gc` can. */
  readonly collects: boolean;
}

/** Begins a profile of the JavaScript thread, or ends it: then it is answered. */
export interface ProfileOrder {
  readonly profile: "begin" | "end";
}

/** What the process has used since it began. */
export interface Consumption {
  /** User and system time of all its threads, in microseconds. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

const { values } = parseArgs({
  options: { variant: { type: "string" }, upstream: { type: "string" } },
});
const handler = await openVariant(values.variant ?? "", values.upstream ?? "");
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
console.log(JSON.stringify({ port: server.addr.port }));
// What a function logs of each answer is part of its work; where it is written to is not.
console.log =
  console.info =
  console.warn =
  console.error =
    () => {};
for await (const line of readLines(Deno.stdin.readable)) {
  const order: ConsumptionOrder | ProfileOrder = JSON.parse(line);
  if ("profile" in order) {
    const answer = order.profile === "begin" ? await beginProfile() : await endProfile();
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
    continue;
  }
  const { collects } = order;
  if (collects) (globalThis as { gc?: () => void }).gc?.();
  const { user, system } = process.cpuUsage();
  const consumption: Consumption = { cpuUs: user + system, rssBytes: Deno.memoryUsage().rss };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(consumption)}\n`));
}
Deno.exit(0);
