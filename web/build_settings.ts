/** The settings that a built page is for: checked, for a wrong key here would be public. */
import type { PageSettings } from "./page/state/types.ts";

/** What was given cannot be a page's settings. The message says what to give instead. */
export class SettingsRefused extends Error {
  override readonly name = "SettingsRefused";
}

/** As on the command line. */
export interface SettingsWords {
  readonly url?: string;
  readonly key?: string;
  readonly name?: string;
  readonly addCreditsUrl?: string;
  readonly realtime: boolean;
}

/**
 * @returns null where neither address nor key is given: `settings.json` is then the operator's to
 *   write beside the page.
 * @throws SettingsRefused
 */
export function readSettings(words: SettingsWords): PageSettings | null {
  if (words.url === undefined && words.key === undefined) {
    if (words.name === undefined && words.addCreditsUrl === undefined) {
      return null;
    }
  }
  if (words.url === undefined || words.key === undefined) {
    throw new SettingsRefused(
      "--url and --key go together: the project's address (https://<ref>.supabase.co) and its " +
        "publishable key (Project Settings > API Keys in the dashboard).",
    );
  }
  const { addCreditsUrl, name } = words;
  return {
    url: readOrigin(words.url),
    publishableKey: readPublishableKey(words.key.trim()),
    realtime: words.realtime,
    ...(name === undefined ? {} : { name }),
    ...(addCreditsUrl === undefined ? {} : { addCredits: { url: readWebAddress(addCreditsUrl) } }),
  };
}

function readOrigin(text: string): string {
  const url = URL.parse(text);
  const isWeb = url !== null && (url.protocol === "https:" || isLocal(url));
  if (
    !isWeb || url.pathname !== "/" || url.search !== "" || url.username !== ""
  ) {
    throw new SettingsRefused(
      `Cannot use ${text} as --url: give the project's address alone, like ` +
        "https://abcdefghijklmnopqrst.supabase.co (http:// only for this machine).",
    );
  }
  return url.origin;
}

function isLocal({ protocol, hostname }: URL): boolean {
  return protocol === "http:" &&
    ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function readWebAddress(text: string): string {
  const url = URL.parse(text);
  if (
    url?.protocol === "https:" || url?.protocol === "mailto:" ||
    (url && isLocal(url))
  ) {
    return url.href;
  }
  throw new SettingsRefused(
    `Cannot use ${text} as --add-credits-url: give an address that begins with https://.`,
  );
}

const WHERE = "Give the publishable key (sb_publishable_…) or the legacy anon key.";

/** The key is never repeated: it may be a secret, and this may be a log. */
function readPublishableKey(key: string): string {
  if (key.startsWith("sb_publishable_")) return key;
  if (key.startsWith("sb_secret_")) {
    throw new SettingsRefused(
      `The key given is a secret key: it would give everybody who opens the page all rights. ${WHERE}`,
    );
  }
  const role = roleOf(key);
  if (role === "anon") return key;
  if (role !== null) {
    throw new SettingsRefused(
      `The key given is of the role ${role}: everybody who opens the page would have its rights. ` +
        WHERE,
    );
  }
  throw new SettingsRefused(
    `The key given is none of Supabase's for a page. ${WHERE}`,
  );
}

/** What a legacy key, a JWT, says that it is; null for anything else. */
function roleOf(key: string): string | null {
  const [, payload, signature] = key.split(".");
  if (payload === undefined || signature === undefined) return null;
  try {
    const claims: unknown = JSON.parse(
      atob(payload.replaceAll("-", "+").replaceAll("_", "/")),
    );
    const role = typeof claims === "object" && claims !== null &&
      "role" in claims && claims.role;
    return typeof role === "string" ? role : null;
  } catch {
    return null;
  }
}
