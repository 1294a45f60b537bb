/**
 * Imports one function, as the edge does before its first request, and ends.
 *
 *     deno run -A bench/cold_start/boot.ts supabase/functions/balance/index.ts
 *
 * Prints the CPU of the whole process, in microseconds; 0 where the runtime cannot tell.
 */
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const module = await import(pathToFileURL(resolve(Deno.args[0] ?? "")).href);
if (typeof module.default?.fetch !== "function") throw new Error("That is no function");
const { user, system } = process.cpuUsage();
console.log(user + system);
Deno.exit(0);
