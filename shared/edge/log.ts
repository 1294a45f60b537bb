/**
 * One line a fact: `<message>: <JSON>`. The messages are stable, because people grep for them.
 */

/** The log lines that the deployment guide tells an operator to watch. */
export const LOG = {
  usageRecorded: "Usage recorded",
  deductionFailed: "Failed to deduct balance",
  settlingRetried: "Settling is retried",
  settlingSlow: "Settling takes long",
  pricingMissing: "No pricing found for model",
} as const;

/** The platform drops what is longer. */
const LINE_CHARS_MAX = 10_000;

/** Words that name a secret; `tokens` (a count) and `guest_token_id` are not meant. */
const SECRET_NAME =
  /(authorization|password|secret|cookie|api_?key|apikey|access_token|guest_token)$/i;

/** What a secret looks like wherever it stands: our keys, provider keys, JWTs, connection strings. */
const SECRET_VALUE = new RegExp(
  [
    "\\b(sb_secret|sb_publishable|sk|pk|whsec|gsk|xai|AIza)[_-]?[A-Za-z0-9_-]{12,}",
    "\\beyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*",
    "\\bpostgres(ql)?://\\S+",
    "\\b[Bb]earer\\s+\\S+",
  ].join("|"),
  "g",
);

/** Something that happened as it should. */
export function logInfo(message: string, fields: Record<string, unknown> = {}): void {
  console.log(formatLine(message, fields));
}

/** Something that an operator should know of, but that was dealt with. */
export function logWarning(message: string, fields: Record<string, unknown> = {}): void {
  console.warn(formatLine(message, fields));
}

/** Something that needs an operator. */
export function logError(message: string, fields: Record<string, unknown> = {}): void {
  console.error(formatLine(message, fields));
}

/**
 * The line as it is printed: one line, secrets blotted out, at most 10,000 characters. `bigint`
 * values become decimal strings and an `Error` its name and message. Never throws: a log line that
 * cannot be written must not break what it tells of.
 */
export function formatLine(message: string, fields: Record<string, unknown>): string {
  const line = `${blot(message).replace(/\s+/g, " ")}: ${toJson(fields)}`;
  return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX - 1)}…`;
}

function toJson(fields: Record<string, unknown>): string {
  try {
    return JSON.stringify(fields, printable);
  } catch (error) {
    return JSON.stringify({ not_printable: String(error).split("\n")[0] });
  }
}

function printable(name: string, value: unknown): unknown {
  if (SECRET_NAME.test(name) && value !== null && value !== undefined) return "[secret]";
  if (typeof value === "string") return blot(value);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}

/** Of no more than can be printed: what a secret looks like takes longer to find than to send. */
function blot(text: string): string {
  return text.slice(0, LINE_CHARS_MAX).replace(SECRET_VALUE, "[secret]");
}
