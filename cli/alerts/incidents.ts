/** `farebox incidents`: what happened, newest first. */
import * as z from "zod/mini";
import { BadArgument, requireCount } from "../arguments.ts";
import { print } from "../ledger_answers.ts";
import { stdoutPaint, table } from "../table.ts";
import type { Target } from "../target.ts";

const Incidents = z.array(z.object({
  id: z.string(),
  kind: z.string(),
  user_id: z.nullable(z.string()),
  request_id: z.nullable(z.string()),
  details: z.record(z.string(), z.unknown()),
  created_at: z.string(),
}));

export type IncidentsOptions = { kind?: string; since?: string; limit: string };

/** More than that of details are for --json. */
const DETAILS_CHARS_MAX = 100;

/** Lists incidents. That there are some is no error. */
export async function incidents(target: Target, options: IncidentsOptions): Promise<number> {
  const limit = requireCount("--limit", options.limit, 1, 1000);
  const found = await target.call("incidents_list", {
    p_kind: options.kind ?? null,
    p_since: options.since === undefined ? null : readSince(options.since, new Date()),
    p_limit: limit,
  }, Incidents);
  print(target, found, () => {
    if (found.length === 0) return "No incidents.";
    const lines = table(
      [{ title: "WHEN (UTC)" }, { title: "KIND" }, { title: "USER" }, { title: "REQUEST" }, {
        title: "DETAILS",
      }],
      found.map((incident) => [
        new Date(incident.created_at).toISOString().slice(0, 19).replace("T", " "),
        incident.kind,
        incident.user_id ?? "",
        incident.request_id ?? "",
        shown(incident.details),
      ]),
      stdoutPaint(),
    );
    const more = found.length < limit ? [] : ["", `There may be more: --limit, up to 1000.`];
    return [...lines, ...more].join("\n");
  });
  return 0;
}

function shown(details: Record<string, unknown>): string {
  const text = Object.entries(details).map(([name, value]) =>
    `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`
  ).join(", ");
  return text.length <= DETAILS_CHARS_MAX ? text : `${text.slice(0, DETAILS_CHARS_MAX - 1)}…`;
}

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h` before `now`, or a time; as ISO 8601. Throws {@link BadArgument} for anything else. */
export function readSince(text: string, now: Date): string {
  const span = /^(\d{1,5})([mhd])$/.exec(text);
  const atMs = span
    ? now.getTime() - Number(span[1]) * UNIT_MS[span[2]!]!
    : /^\d{4}-\d{2}-\d{2}(T|$)/.test(text)
    ? Date.parse(text)
    : NaN;
  if (Number.isFinite(atMs)) return new Date(atMs).toISOString();
  throw new BadArgument(
    `--since ${text} is no time: give 30m, 24h or 7d, or a time such as 2026-11-22T06:00:00Z.`,
  );
}
