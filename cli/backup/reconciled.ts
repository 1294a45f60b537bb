/** The proof of a restored ledger, before it counts. */
import * as z from "zod/mini";
import type { Transaction } from "./database.ts";
import { BackupProblem, type Footer } from "./format.ts";

const Violation = z.object({
  check: z.string(),
  user_id: z.nullable(z.string()),
  expected: z.nullable(z.string()),
  actual: z.nullable(z.string()),
});
const Report = z.object({ violations: z.array(Violation) });

/** How many are listed. */
const LISTED_MAX = 20;

/** @throws BackupProblem that lists what does not reconcile, which rolls the restore back. */
export async function requireReconciled(transaction: Transaction, footer: Footer): Promise<void> {
  const [row] = await transaction`select public.reconcile() as report`;
  const { violations } = Report.parse(row?.["report"]);
  if (violations.length === 0) return;
  const lines = violations.slice(0, LISTED_MAX).map(({ check, user_id: user, expected, actual }) =>
    `  ${check}: ${user ?? "a guest"} has ${actual}, expected ${expected}`
  );
  if (violations.length > LISTED_MAX) lines.push(`  and ${violations.length - LISTED_MAX} more`);
  const advice = footer.moved === false
    ? "They were in the ledger when it was backed up: restore a backup from before them."
    : "The ledger moved while this backup was read through the Data API: take a backup with " +
      "--db-url, which is of one moment.";
  throw new BackupProblem(
    `The ledger of this backup does not reconcile (${violations.length} violations): nothing was ` +
      `restored, and the rows are as they were.\n${lines.join("\n")}\n${advice}`,
  );
}
