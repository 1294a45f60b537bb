/** What every room of commands gets: a way to run one on the target, with its errors told. */
import type { Target } from "./target.ts";

export type Run = (command: (target: Target) => Promise<number>) => Promise<void>;
