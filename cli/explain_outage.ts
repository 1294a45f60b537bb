/** Why the ledger gave no answer, found out by asking once more. */
import type { LedgerUnavailable } from "../shared/credit/ledger_unavailable.ts";
import type { Target } from "./target.ts";

type Place = Pick<Target, "url" | "secretKey" | "isLocal">;

const ASK_TIMEOUT_MS = 5_000;

/** SQLSTATEs and PostgREST codes of what is not there: a function, a table, a column, a schema. */
const LACKING = /\b(PGRST202|PGRST205|42883|42P01|42703|3F000)$/;
/** PostgREST has no database, or no schema of it yet. */
const NO_DATABASE = /\bPGRST00[0-3]$/;
/** numeric(20,10) holds less than 10,000,000,000 USD. */
const TOO_LARGE = /\b22003$/;
const CANCELLED = /\b57014$/;

/** A sentence that says what to do. Never throws. */
export async function explainOutage(error: LedgerUnavailable, target: Place): Promise<string> {
  const { reason, operation } = error;
  if (LACKING.test(reason) || reason.startsWith("malformed")) {
    return await explainLack(error, target);
  }
  if (/^http 40[13]\b/.test(reason)) {
    return `That key was refused by ${target.url}. Give a secret key of this project: ` +
      "--secret-key, or SUPABASE_SECRET_KEY.";
  }
  if (TOO_LARGE.test(reason)) {
    return `An amount is too large: the ledger of ${target.url} cannot hold what ${operation} would make ` +
      "of it. Nothing was done.";
  }
  if (CANCELLED.test(reason)) {
    return `${operation} took longer than the database allows, and was cancelled: nothing was done. Try ` +
      "again when there is less to do.";
  }
  if (NO_DATABASE.test(reason)) {
    return `${target.url} answers, but its database does not (${reason}). Retry in a minute; a ` +
      "paused project has to be restored in the dashboard.";
  }
  return await askAgain(target) ?? `${error.message}. Retry: what was done is not done twice.`;
}

async function explainLack(
  { operation, reason }: LedgerUnavailable,
  target: Place,
): Promise<string> {
  const isOther = reason.startsWith("malformed");
  const lack = isOther
    ? `The database answers ${operation} in another form than this tool reads (${reason})`
    : `The database of ${target.url} lacks what ${operation} needs (${reason})`;
  const file = isOther ? null : await migrationOf(operation);
  const which = file === null ? "" : `: ${file} is not applied, or only in part`;
  const how = target.isLocal
    ? "Stop the stack and start it again: `deno task start` applies the migrations."
    : "Apply the migrations: `supabase db push --remote=<connection string>`, or `supabase db push` " +
      "in a linked folder.";
  return `${lack}${which}. ${how}`;
}

/** The first migration that creates the function; null where it is not known. */
async function migrationOf(name: string): Promise<string | null> {
  const folder = new URL("../supabase/migrations/", import.meta.url);
  try {
    const files = (await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name)).toSorted();
    for (const file of files) {
      const sql = await Deno.readTextFile(new URL(file, folder));
      if (sql.includes(`create function public.${name}(`)) return file;
    }
  } catch {
    // The tool was taken elsewhere, without its repository.
  }
  return null;
}

/** What an ordinary request to the Data API comes to; null where it finds nothing wrong. */
async function askAgain({ url, secretKey, isLocal }: Place): Promise<string | null> {
  const { host } = new URL(url);
  const check = isLocal ? "Does the stack still run?" : "Check the URL, --url or SUPABASE_URL.";
  try {
    const response = await fetch(`${url}/rest/v1/`, {
      headers: { apikey: secretKey },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    const type = response.headers.get("content-type") ?? "no content type";
    await response.body?.cancel();
    if (response.status === 540) {
      return `${host} is paused. Restore the project in the dashboard, then run this again.`;
    }
    if (/json/.test(type)) return null;
    return `${url} is no Supabase project: it answers /rest/v1/ with ${response.status} and ${type}. ` +
      "The URL of a project is like https://<ref>.supabase.co.";
  } catch (error) {
    const text = `${error} ${error instanceof Error ? error.cause : ""}`;
    if (error instanceof DOMException) {
      return `${host} did not answer within ${ASK_TIMEOUT_MS / 1000} s. ${check}`;
    }
    if (/dns|lookup/i.test(text)) {
      return `There is no host ${host}, or no network. ${check} A project that was deleted, or ` +
        "paused for long, has none.";
    }
    if (/refused/i.test(text)) return `Nothing listens at ${host}: connection refused. ${check}`;
    if (/InvalidContentType/.test(text)) return `${host} does not speak https. ${check}`;
    if (/certificate|tls/i.test(text)) return `The certificate of ${host} is not trusted. ${check}`;
    return `${host} cannot be reached. ${check}`;
  }
}
