/** What the page is made of outside of itself: its settings, Supabase and the Farebox client. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Farebox } from "../../client/farebox.ts";
import { createFarebox } from "../../client/mod.ts";
import { browserStorage } from "./browser_storage.ts";
import { loadSettings } from "./settings.ts";
import type { PageSettings } from "./types.ts";

export interface Services {
  readonly settings: PageSettings;
  readonly farebox: Farebox;
  readonly supabase: SupabaseClient;
}

let started: Services | null = null;

/**
 * Once, before anything else.
 * @throws CannotStart where settings.json is missing or has another shape.
 */
export async function startServices(): Promise<Services> {
  const settings = await loadSettings();
  const { url, publishableKey, realtime } = settings;
  const supabase = createClient(url, publishableKey, {
    // Nothing comes back by the address: the page has no sign-in by link.
    auth: { detectSessionInUrl: false, storage: browserStorage },
  });
  const farebox = createFarebox({
    supabase,
    url,
    publishableKey,
    realtime,
    storage: browserStorage,
  });
  started = { settings, farebox, supabase };
  return started;
}

/** @throws Error before `startServices` has ended. */
export function services(): Services {
  if (started === null) throw new Error("Cannot use the services before they have started");
  return started;
}
