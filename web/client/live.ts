/** Charges and credits as Realtime tells them: from other devices, and from the operator. */
import type { RealtimeChannel } from "@supabase/supabase-js";
import type { FareboxOptions } from "./farebox.ts";
import { isObject } from "./failures.ts";
import type { Owner } from "./http.ts";

export interface Live {
  /** Listens to this user's rows from now on; to nobody's for a guest. */
  follow(owner: Owner): void;
  stop(): void;
}

const TABLES = ["usage_records", "balance_transactions"];

/**
 * @param onLive true when Realtime has begun to tell, false when it has ceased: then poll.
 * @param onChange a row of the user is there.
 */
export function createLive(
  { supabase, realtime }: FareboxOptions,
  onLive: (isLive: boolean) => void,
  onChange: () => void,
): Live {
  let channel: RealtimeChannel | null = null;
  let owner: Owner = null;
  let isLive = false;

  function set(next: boolean): void {
    if (next === isLive) return;
    isLive = next;
    onLive(next);
  }

  function leave(): void {
    const left = channel;
    channel = null;
    isLive = false;
    if (left !== null) void supabase.removeChannel(left).catch(() => {});
  }

  function join(userId: string): void {
    // A name of its own: another watch of this page must not be given the same channel.
    const made = supabase.channel(`farebox-balance:${userId}:${crypto.randomUUID()}`);
    channel = made;
    for (const table of TABLES) {
      made.on("postgres_changes", {
        event: "INSERT",
        schema: "public",
        table,
        filter: `user_id=eq.${userId}`,
      }, () => channel === made && onChange());
    }
    // Joined is not yet subscribed: a project that does not publish the tables says so only here.
    made.on("system", {}, (message: unknown) => {
      if (channel !== made || !isObject(message)) return;
      if (message.extension === "postgres_changes") set(message.status === "ok");
    });
    made.subscribe((status) => {
      if (channel === made && status !== "SUBSCRIBED") set(false);
    });
  }

  return {
    follow(next) {
      if (next === owner) return;
      leave();
      owner = next;
      if (next !== null && realtime !== false) join(next);
    },
    stop() {
      leave();
      owner = null;
    },
  };
}
