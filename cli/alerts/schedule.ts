/** `farebox alerts schedule`: lets the database call pricing-health every minute. */
import postgres from "postgres";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { onDatabase, type Transaction } from "../backup/database.ts";
import { print } from "../ledger_answers.ts";
import { requireDbUrl, type Target } from "../target.ts";

export type ScheduleOptions = { secretName: string; off: boolean; dryRun: boolean };

/** Makes the one job, or with `off` removes it. SQL says what is missing, and how to get it. */
export async function schedule(target: Target, options: ScheduleOptions): Promise<number> {
  if (target.isLocal) {
    const said = "The local stack's own timer evaluates and delivers every minute: nothing to do.";
    print(target, { said, dry_run: options.dryRun }, () => said);
    return 0;
  }
  const dbUrl = requireDbUrl(target, "Scheduling");
  const said = await onDatabase(dbUrl, async (sql) => {
    try {
      return await sql.begin(async (transaction) => {
        const answer = await change(transaction, target, options);
        if (options.dryRun) throw new Undone(answer);
        return answer;
      });
    } catch (error) {
      if (error instanceof Undone) return `Would be done: ${error.message}`;
      throw refusalOf(error) ?? error;
    }
  });
  print(target, { said, dry_run: options.dryRun }, () => options.dryRun ? said : `✓ ${said}`);
  return 0;
}

/** Ends a dry run's transaction, which PostgreSQL then rolls back. */
class Undone extends Error {}

async function change(
  sql: Transaction,
  target: Target,
  { off, secretName }: ScheduleOptions,
): Promise<string> {
  const [row] = off
    ? await sql`select billing.unschedule_alerts() as said`
    : await sql`select billing.schedule_alerts(${target.url}, ${secretName}) as said`;
  return String(row?.["said"]);
}

function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof postgres.PostgresError) || !/^PT\d{3}$/.test(error.code)) return null;
  return { code: "INVALID_REQUEST", message: `${error.message} ${error.hint ?? ""}`.trim() };
}
