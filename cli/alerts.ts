/** `farebox`: the commands of this room. */
import type { Command } from "commander";
import type { Run } from "./run.ts";

/** Registers the commands with the program. */
export function addAlertCommands(_program: Command, _run: Run): void {}
