/** Reads the page's settings.json. What is wrong with it is said to whoever runs the page. */
import type { PageSettings } from "./types.ts";

const SETTINGS_ADDRESS = "./settings.json";

/** The page cannot start; the message says why, `advice` what to do. */
export class CannotStart extends Error {
  override readonly name = "CannotStart";

  constructor(message: string, readonly advice: string) {
    super(message);
  }
}

/** @throws CannotStart */
export async function loadSettings(): Promise<PageSettings> {
  let response: Response;
  try {
    response = await fetch(SETTINGS_ADDRESS, { cache: "no-cache" });
  } catch {
    throw new CannotStart(
      "The page's settings could not be loaded.",
      "Check your connection, then load the page again.",
    );
  }
  if (!response.ok) {
    throw new CannotStart(
      `There is no settings.json beside this page (status ${response.status}).`,
      'Put a file settings.json beside index.html: {"url": "https://….supabase.co", "publishableKey": "sb_publishable_…", "realtime": true}',
    );
  }
  return settingsOf(await response.json().catch(() => null));
}

/**
 * @param value the parsed settings.json
 * @throws CannotStart that names the first field that is wrong.
 */
export function settingsOf(value: unknown): PageSettings {
  if (!isRecord(value)) throw wrong("is not a JSON object");
  const url = text(value.url);
  if (url === undefined || !/^https?:\/\/[^/]+/.test(url)) {
    throw wrong("has no `url`: the project's address, such as https://….supabase.co");
  }
  const publishableKey = text(value.publishableKey);
  if (publishableKey === undefined) {
    throw wrong("has no `publishableKey`: sb_publishable_…, or the legacy anon key");
  }
  const name = text(value.name);
  const demoUser = demoUserOf(value.demoUser);
  const addCredits = addCreditsOf(value.addCredits);
  return {
    url: url.replace(/\/+$/, ""),
    publishableKey,
    realtime: value.realtime === true,
    ...(name === undefined ? {} : { name }),
    ...(demoUser === undefined ? {} : { demoUser }),
    ...(addCredits === undefined ? {} : { addCredits }),
  };
}

function demoUserOf(value: unknown): PageSettings["demoUser"] {
  if (!isRecord(value)) return undefined;
  const email = text(value.email);
  const password = text(value.password);
  return email === undefined || password === undefined ? undefined : { email, password };
}

function addCreditsOf(value: unknown): PageSettings["addCredits"] {
  if (!isRecord(value)) return undefined;
  const url = text(value.url);
  const words = text(value.text);
  const command = text(value.command);
  if (url !== undefined && !/^(https?:|mailto:)/.test(url)) {
    throw wrong("has an `addCredits.url` that is neither https:, http: nor mailto:");
  }
  return {
    ...(url === undefined ? {} : { url }),
    ...(words === undefined ? {} : { text: words }),
    ...(command === undefined ? {} : { command }),
  };
}

function wrong(what: string): CannotStart {
  return new CannotStart(
    `The page's settings.json ${what}.`,
    "Mend the file beside index.html, then load the page again.",
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
