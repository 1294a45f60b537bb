/** Whether the database is what this repo's migrations make. */
import { recordCommand } from "../../local/migrate.ts";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import { type Check, type Examination, failed, type Finding, ok } from "./finding.ts";
import { EXPECTED, type Facts, readFacts } from "./facts.ts";
import {
  compareMigrations,
  type MigrationFile,
  type MigrationState,
  probeMissing,
  readMigrationFiles,
  readRecorded,
} from "./migrations.ts";

export const MIGRATION_CHECK: Check = {
  id: "migrations",
  title: "the migrations are applied",
  needs: ["secret_key"],
  async examine(examination) {
    const files = await readMigrationFiles();
    let facts: Facts;
    try {
      facts = await readFacts(examination.target);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      return await withoutFacts(examination, files, error);
    }
    examination.known.facts = facts;
    if (facts.migrations === null) {
      return ok("nothing records which: the lines below compare what they make");
    }
    return judge(examination, files, compareMigrations(files, facts.migrations), facts);
  },
};

function judge(
  { target }: Examination,
  files: readonly MigrationFile[],
  state: MigrationState,
  facts: Facts,
): Finding {
  const { changed, unknown } = state;
  const unrecorded = files.filter(({ file }) =>
    state.holes.includes(file) || state.missing.includes(file)
  );
  // The catalogue shows nothing of a file that only writes rows.
  if (unrecorded.some(makesObjects) && isWhole(facts)) return notRecorded(unrecorded);
  const incomplete = judgeIncomplete(state, target.isLocal);
  if (incomplete !== null) return incomplete;
  if (changed.length > 0) {
    return failed(
      `${count(changed, "migration")} applied with another text than this repo's`,
      "Use the repo that this project was migrated with, or put these files back as they were " +
        "and write a new migration for what changed.",
      changed,
    );
  }
  const extra = Object.keys(facts.functions).filter((name) =>
    name.startsWith("billing.") && !(name in EXPECTED.functions)
  );
  if (unknown.length > 0 && extra.length > 0) {
    return failed(
      `all ${files.length}, and newer ones that this repo does not have: ${unknown.join(", ")}`,
      "Update this repo: the project runs a newer Farebox than this doctor knows.",
    );
  }
  return ok(
    unknown.length === 0
      ? `all ${files.length}, in order`
      : `all ${files.length}, in order; the ${unknown.length} newer ones are the app's own`,
  );
}

/** Whether the catalogue has every table, view and function that the migrations make, as they make it. */
function isWhole({ relations, functions }: Facts): boolean {
  return Object.keys(EXPECTED.relations).every((name) => name in relations) &&
    Object.entries(EXPECTED.functions)
      .every(([name, { body_md5: body }]) => functions[name]?.body_md5 === body);
}

function makesObjects({ text }: MigrationFile): boolean {
  return /^(create|alter|drop) /m.test(text);
}

/** Applied by psql or in the SQL editor, which keep no record: the lines below look at all of it. */
function notRecorded(files: readonly MigrationFile[]): Finding {
  const rows = files.filter((file) => !makesObjects(file)).map(({ file }) => file);
  return {
    state: "warning",
    says: `what they make is there, but ${count(files, "migration")} not recorded as applied`,
    todo:
      "Record them, in this repo's folder, or the next `supabase db push` or `deno task start` " +
      `runs them again and fails: \`${recordCommand(files.map(({ version }) => version))}\`.`,
    ...(rows.length > 0 && {
      items: rows.map((file) => `${file} makes no object that shows it: was it applied too?`),
    }),
  };
}

/** Left out or not yet applied; null: neither. */
function judgeIncomplete({ holes, missing }: MigrationState, isLocal: boolean): Finding | null {
  if (holes.length > 0) {
    return failed(
      `half-applied: ${count(holes, "migration")} left out although later ones are applied`,
      "Apply them: `supabase db push --include-all`. If their objects are there, record them: " +
        "`supabase migration repair --status applied <version> --remote=<connection string>`.",
      [...holes, ...missing],
    );
  }
  return missing.length > 0 ? notApplied(missing, isLocal) : null;
}

/** The project can't be asked for its facts: old, half-applied, or without grants. */
async function withoutFacts(
  { project, target }: Examination,
  files: readonly MigrationFile[],
  error: LedgerUnavailable,
): Promise<Finding> {
  if (!error.reason.startsWith("http 404")) {
    return failed(
      `the database can't be asked what it has (doctor_facts: ${error.reason})`,
      "Run `select billing.only_for_service_role(array['doctor_facts'])` in the SQL editor; if " +
        "that fails too, look at the logs of Postgres in the dashboard.",
    );
  }
  const recorded = target.dbUrl === null ? null : await readRecorded(target.dbUrl);
  const incomplete = recorded &&
    judgeIncomplete(compareMigrations(files, recorded), target.isLocal);
  if (incomplete !== null) return incomplete;
  const { missing, unseen } = await probeMissing(project, files);
  return notApplied(missing, target.isLocal, unseen);
}

/** `unseen`: what may be missing too. */
function notApplied(
  missing: readonly string[],
  isLocal: boolean,
  unseen: readonly string[] = [],
): Finding {
  return failed(
    `${count(missing, "migration")} missing, from ${missing[0]} on` +
      (unseen.length > 0
        ? `; perhaps ${unseen.length} before it too, which can't be seen from here`
        : ""),
    isLocal
      ? "Stop the stack and start it again: `deno task start` applies them."
      : "Apply them: `supabase db push`, or the files one by one in the SQL editor.",
    [...unseen.map((file) => `${file} (perhaps)`), ...missing],
  );
}

function count(list: readonly unknown[], what: string): string {
  return `${list.length} ${what}${list.length === 1 ? "" : "s"}`;
}
