/** What the local stack takes from `supabase/config.toml`, so that both ways to run agree. */
import { parse } from "@std/toml";
import * as z from "zod/mini";

const Config = z.looseObject({
  auth: z.optional(z.looseObject({
    hook: z.optional(z.looseObject({
      before_user_created: z.optional(z.looseObject({
        uri: z.string(),
      })),
    })),
  })),
});

export interface StackConfig {
  /**
   * Path below the stack's address of the before-user-created hook; null when there is none. It
   * may be off in the file, for the CLI's sake: the stack has a secret for it, and dispatches it.
   */
  readonly signUpHookPath: string | null;
}

/** @throws Error when the file is missing or not understood. */
export async function readStackConfig(file: string): Promise<StackConfig> {
  const { auth } = Config.parse(parse(await Deno.readTextFile(file)));
  const hook = auth?.hook?.before_user_created;
  // The file's host is Docker's name for this machine: the path is what counts here.
  return { signUpHookPath: hook ? new URL(hook.uri).pathname : null };
}
