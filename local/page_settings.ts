/** What the chat page of a local stack is told. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageSettings } from "../web/page/state/types.ts";
import { DEMO_USER } from "./demo_user.ts";

const DATA_DIR_DEFAULT = join(fileURLToPath(new URL("..", import.meta.url)), ".farebox");

/**
 * @param origin the address that the browser has the stack by.
 * @param dataDir the stack's data folder.
 */
export function localPageSettings(
  origin: string,
  publishableKey: string,
  dataDir: string,
): PageSettings {
  return {
    url: origin,
    publishableKey,
    // The platform's stand-in has none.
    realtime: false,
    demoUser: DEMO_USER,
    addCredits: {
      text: "This page runs on your own machine. In the project's folder, this gives you $5:",
      command: grantCommand(dataDir),
    },
  };
}

/**
 * What "Add credits" tells on a machine without a shop. The page puts the id of whoever reads it in
 * the place of `{user}`.
 */
function grantCommand(dataDir: string): string {
  const data = dataDir === DATA_DIR_DEFAULT ? "" : ` --data ${dataDir}`;
  return `deno task -q farebox grant {user} 5 --key "$(date +%s)"${data}`;
}
