/** Whether the database has all that a migrated one has: the guide's "Verify Database Setup". */
import { type Check, type Examination, failed, type Finding, found, ok } from "./finding.ts";
import { EXPECTED, type Facts } from "./facts.ts";
import { fileThatMakes, readMigrationFiles } from "./migrations.ts";

/** Each thing that is missing or other than it should be. A relation that is missing has been told. */
interface Differences {
  readonly missing: readonly string[];
  readonly changed: readonly string[];
}

function differences(
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
  isOurs: (name: string) => boolean = () => true,
): Differences {
  const names = Object.keys(expected).filter(isOurs);
  return {
    missing: names.filter((name) => !(name in actual)),
    changed: names.filter((name) => name in actual && actual[name] !== expected[name]),
  };
}

/** The line about one kind of thing. */
async function judge(
  what: string,
  count: number,
  { missing, changed }: Differences,
): Promise<Finding> {
  if (missing.length + changed.length === 0) return ok(`all ${count} ${what}`);
  const files = await readMigrationFiles();
  const where = (name: string) => {
    const file = fileThatMakes(files, name);
    return file === null ? "" : ` (made by ${file})`;
  };
  return failed(
    [
      ...(missing.length > 0 ? [`${missing.length} of ${count} ${what} missing`] : []),
      ...(changed.length > 0 ? [`${changed.length} of ${count} ${what} changed`] : []),
    ].join(", "),
    "Somebody changed the database by hand. Run what makes them again, from the file named " +
      "beside each, in the SQL editor.",
    [
      ...missing.map((name) => `${name} is missing${where(name)}`),
      ...changed.map((name) => `${name} is another than it should be${where(name)}`),
    ],
  );
}

/** A check that compares one kind of definition. */
function compares(
  id: string,
  title: string,
  what: string,
  kind: "policies" | "indexes" | "constraints" | "triggers",
  isOurs: (name: string) => boolean = () => true,
): Check {
  return {
    id,
    title,
    needs: ["migrations"],
    after: ["tables"],
    async examine(examination) {
      const facts = found(examination, "facts");
      const expected = Object.keys(EXPECTED[kind]).filter(isOurs);
      return await judge(
        what,
        expected.length,
        differences(EXPECTED[kind], facts[kind], isOurs),
      );
    },
  };
}

const isOfAuth = (name: string) => name.startsWith("auth.");

async function examineTables(examination: Examination): Promise<Finding> {
  const { relations } = found(examination, "facts");
  const columns = (of: Facts["relations"]) =>
    Object.fromEntries(
      Object.entries(of).flatMap(([table, relation]) =>
        Object.entries(relation.columns).map(([name, type]) => [`${table}.${name}`, type])
      ),
    );
  const names = Object.keys(EXPECTED.relations);
  const missing = names.filter((name) => !(name in relations));
  const { missing: lost, changed } = differences(
    columns(EXPECTED.relations),
    columns(relations),
    (column) => !missing.some((table) => column.startsWith(`${table}.`)),
  );
  return await judge("tables, views and their columns", names.length, {
    missing: [...missing, ...lost],
    changed,
  });
}

function examineModels(examination: Examination): Promise<Finding> {
  const { models } = found(examination, "facts");
  const missing = EXPECTED.models.filter((model) => !models.includes(model));
  const more = models.length - EXPECTED.models.length + missing.length;
  return Promise.resolve(
    missing.length === 0
      ? ok(`all ${EXPECTED.models.length}${more > 0 ? `, and ${more} more` : ""}`)
      : failed(
        `${missing.length} of the ${EXPECTED.models.length} have no price`,
        "Run 20251018000002_seed_model_pricing.sql again (it leaves the others alone), or " +
          "`farebox prices set <model>`.",
        missing,
      ),
  );
}

function examineRowSecurity(examination: Examination): Promise<Finding> {
  const tables = Object.entries(found(examination, "facts").relations)
    .filter(([name, { is_table: isTable }]) => isTable && name in EXPECTED.relations);
  const open = tables.filter(([, table]) => !table.row_security).map(([name]) => name);
  return Promise.resolve(
    open.length === 0 ? ok(`on all ${tables.length} tables`) : failed(
      `off on ${open.length} of ${tables.length} tables`,
      "Switch it on at once, in the SQL editor.",
      open.map((name) => `alter table ${name} enable row level security;`),
    ),
  );
}

/** One policy more may let anybody in, so more is wrong too. */
async function examinePolicies(examination: Examination): Promise<Finding> {
  const { policies } = found(examination, "facts");
  const extra = Object.entries(policies)
    .filter(([name, text]) => !(name in EXPECTED.policies) && text.startsWith("permissive"));
  if (extra.length > 0) {
    return failed(
      `${extra.length} that Farebox does not have`,
      "Drop what you did not mean: each lets somebody do more with these tables.",
      extra.map(([name, text]) => `${name}: ${text}`),
    );
  }
  const expected = Object.keys(EXPECTED.policies).length;
  return await judge("policies", expected, differences(EXPECTED.policies, policies));
}

async function examineFunctions(examination: Examination): Promise<Finding> {
  const bodies = (functions: Facts["functions"]) =>
    Object.fromEntries(
      Object.entries(functions).map(([name, f]) => [name, `${f.body_md5} ${f.is_definer}`]),
    );
  const { functions } = found(examination, "facts");
  const expected = Object.keys(EXPECTED.functions).length;
  return await judge(
    "functions",
    expected,
    differences(bodies(EXPECTED.functions), bodies(functions)),
  );
}

export const CATALOGUE_CHECKS: readonly Check[] = [
  { id: "tables", title: "the tables exist", needs: ["migrations"], examine: examineTables },
  {
    id: "models",
    title: "the 23 seeded models have a price",
    needs: ["migrations"],
    after: ["tables"],
    examine: examineModels,
  },
  {
    id: "row_security",
    title: "row level security is on",
    needs: ["migrations"],
    after: ["tables"],
    examine: examineRowSecurity,
  },
  {
    id: "policies",
    title: "the policies are active",
    needs: ["migrations"],
    after: ["tables"],
    examine: examinePolicies,
  },
  compares("indexes", "the indexes exist", "indexes", "indexes"),
  // An index that is missing may be a constraint's.
  {
    ...compares("constraints", "the constraints hold", "constraints", "constraints"),
    after: ["tables", "indexes"],
  },
  {
    id: "ledger_functions",
    title: "the ledger's functions are the repo's",
    needs: ["migrations"],
    after: ["tables"],
    examine: examineFunctions,
  },
  compares(
    "ledger_triggers",
    "the ledger's triggers are there",
    "triggers",
    "triggers",
    (name) => !isOfAuth(name),
  ),
  compares(
    "sign_up_triggers",
    "the triggers on auth.users are there",
    "triggers",
    "triggers",
    isOfAuth,
  ),
];
