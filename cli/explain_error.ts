/**
 * What went wrong, as a sentence that names the next step. Whatever an operator can cause is told like
 * this; only a bug of Farebox has a stack trace.
 */
import { LedgerUnavailable } from "../shared/credit/ledger_unavailable.ts";
import { isRefusal } from "../shared/edge/refusal.ts";
import { BadArgument } from "./arguments.ts";
import { explainOutage } from "./explain_outage.ts";
import { type Target, TargetMissing } from "./target.ts";

export type Explanation = {
  /** For scripts: a refusal's own code, or what kind of error it is. */
  code: string;
  message: string;
  /** 1: it was not done. 2: it was not asked for in a way that can be done. */
  exitCode: 1 | 2;
};

type Place = Pick<Target, "url" | "secretKey" | "isLocal">;

/** The sentence and the exit code; null for a bug. `target` is undefined where it could not be read. */
export async function explainError(
  error: unknown,
  target: Place | undefined,
): Promise<Explanation | null> {
  if (error instanceof BadArgument) {
    return { code: "BAD_ARGUMENT", message: error.message, exitCode: 2 };
  }
  if (error instanceof TargetMissing) {
    return { code: "TARGET_MISSING", message: error.message, exitCode: 2 };
  }
  // Before a refusal: an error of the database has a code and a message too.
  if (error instanceof LedgerUnavailable) {
    const message = target === undefined ? error.message : await explainOutage(error, target);
    return { code: "LEDGER_UNAVAILABLE", message, exitCode: 1 };
  }
  if (error instanceof Error) {
    const ofDatabase = explainDatabaseError(error);
    if (ofDatabase !== null) return { code: "DATABASE_ERROR", message: ofDatabase, exitCode: 1 };
    const ofFile = explainFileError(error);
    return ofFile === null ? null : { code: "FILE_ERROR", message: ofFile, exitCode: 1 };
  }
  if (isRefusal(error)) {
    return { code: error.code, message: `${error.message} (${error.code})`, exitCode: 1 };
  }
  return null;
}

/** Of a direct connection, --db-url: never with its password. */
function explainDatabaseError(error: Error): string | null {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (
    /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|CONNECT_TIMEOUT|CONNECTION_\w+)$/.test(code)
  ) {
    return `The database of --db-url cannot be reached (${code}). Check its host and port, and that ` +
      "this network may connect to it: hosted projects have IPv4 through the pooler alone.";
  }
  if (code === "28P01" || code === "28000") {
    return "The database of --db-url refused the password. The dashboard has the connection string " +
      "under Connect.";
  }
  if (error.name !== "PostgresError") return null;
  if (code === "22003") return "An amount is too large for the ledger. Nothing was done.";
  return `The database says: ${error.message} (${code}).`;
}

function explainFileError(error: Error): string | null {
  const isOfFiles = error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.AlreadyExists ||
    error instanceof Deno.errors.IsADirectory || error instanceof Deno.errors.NotADirectory;
  return isOfFiles ? `${error.message}.` : null;
}

/** Who was given as a secret key what is none: no request need be made to say so. */
export function requireSecretKey(target: Place): void {
  if (!target.secretKey.startsWith("sb_publishable_") && roleOf(target.secretKey) !== "anon") {
    return;
  }
  throw new BadArgument(
    "That is a publishable key, which may not use the ledger. Give a secret key of this project " +
      "(sb_secret_…): --secret-key, or SUPABASE_SECRET_KEY.",
  );
}

/** The role that a key of the old kind, a JWT, names. */
function roleOf(key: string): unknown {
  try {
    const [, claims = ""] = key.split(".");
    return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).role;
  } catch {
    return undefined;
  }
}
