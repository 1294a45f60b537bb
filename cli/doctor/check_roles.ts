/** Who may do what: by the catalogue, and really tried through the Data API. */
import {
  type Check,
  type Examination,
  failed,
  type Finding,
  found,
  ok,
  skipped,
} from "./finding.ts";
import { EXPECTED, type Facts, type Role } from "./facts.ts";
import { type As, field, inWords } from "./project.ts";

/** What the roles may do beyond what they should, and what they may not that they should. */
export function grantDifferences(
  expected: Pick<Facts, "relations" | "functions">,
  actual: Pick<Facts, "relations" | "functions">,
): { readonly more: string[]; readonly less: string[] } {
  const wanted = grantsOf(expected);
  // Of schema public only what is ours: another function of the same name counts as ours.
  const given = grantsOf(actual);
  return {
    more: [...given].filter((grant) => !wanted.has(grant)),
    less: [...wanted].filter((grant) => !given.has(grant)),
  };
}

/** Each as a sentence: `anon may select public.model_pricing`. */
function grantsOf({ relations, functions }: Pick<Facts, "relations" | "functions">): Set<string> {
  return new Set([
    ...Object.entries(relations).flatMap(([name, { privileges }]) =>
      Object.entries(privileges).flatMap(([role, verbs]) =>
        verbs.map((verb) => `${role} may ${verb} ${name}`)
      )
    ),
    ...Object.entries(functions).flatMap(([name, { execute }]) =>
      execute.map((role: Role) => `${role} may execute ${name}`)
    ),
  ]);
}

function examineCatalogue(examination: Examination): Promise<Finding> {
  const { more } = grantDifferences(EXPECTED, found(examination, "facts"));
  if (more.length === 0) {
    return Promise.resolve(
      ok("anon and authenticated may execute no function of the ledger and change no books"),
    );
  }
  return Promise.resolve(failed(
    `${more.length} things are allowed that must be refused`,
    "Take them away in the SQL editor, with `revoke execute on function … from public, anon, " +
      "authenticated` or `revoke all on … from anon, authenticated`.",
    more,
  ));
}

function examineServiceRole(examination: Examination): Promise<Finding> {
  const facts = found(examination, "facts");
  const there = (grant: string) => {
    const name = grant.slice(grant.lastIndexOf(" ") + 1);
    return name in facts.relations || name in facts.functions;
  };
  const less = grantDifferences(EXPECTED, facts).less.filter(there);
  return Promise.resolve(
    less.length === 0 ? ok("what the functions call, and what users read") : failed(
      `${less.length} things are refused that must be allowed`,
      "Grant them in the SQL editor: `grant execute on function … to service_role` or " +
        "`grant select on … to …`.",
      less.map((grant) => grant.replace(" may ", " may not ")),
    ),
  );
}

/** Attempts at the same time. */
const AT_ONCE = 8;

type Attempt = { readonly what: string; readonly method: string; readonly path: string } & {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};

/**
 * Every function with nulls for its arguments, and each write to each table of schema public, but what
 * the role may do.
 */
function attempts(facts: Facts, role: Role): Attempt[] {
  const functions = Object.values(facts.functions)
    .filter((f) => f.schema === "public" && !f.is_trigger)
    .map((f) => ({
      what: `call ${f.name}`,
      method: "POST",
      path: `/rest/v1/rpc/${f.name}`,
      body: Object.fromEntries(f.arguments.map((name) => [name, null])),
    }));
  const tables = Object.entries(facts.relations)
    .filter(([name, { is_table: isTable }]) =>
      isTable && name.startsWith("public.") && name in EXPECTED.relations
    )
    .flatMap(([name, { columns }]) => {
      const writes = writesTo(name.slice("public.".length), columns);
      const allowed = EXPECTED.relations[name]!.privileges[role];
      return writes.filter(({ verb }) => !allowed.includes(verb));
    });
  const internal = {
    what: "read schema billing",
    method: "GET",
    path: "/rest/v1/settings",
    headers: { "accept-profile": "billing" },
  };
  return [...functions, ...tables, internal];
}

/** What would change nothing, were it not refused: no row is meant, and no such row can be. */
function writesTo(table: string, columns: Readonly<Record<string, string>>) {
  const column = Object.keys(columns).sort().find((name) => columns[name]!.endsWith(" not null"))!;
  const path = `/rest/v1/${table}`;
  const none = `${path}?${column}=is.null`;
  const body = { [column]: null };
  return [
    { verb: "insert", what: `insert into ${table}`, method: "POST", path, body },
    { verb: "update", what: `update ${table}`, method: "PATCH", path: none, body },
    { verb: "delete", what: `delete from ${table}`, method: "DELETE", path: none },
  ];
}

/** What a role was not refused. Refused is: not permitted, or a schema that is not exposed at all. */
async function tryAll(
  { project }: Examination,
  as: As,
  list: readonly Attempt[],
): Promise<string[]> {
  const allowed: string[] = [];
  const queue = [...list];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { what, ...ask } = next;
      const answer = await project.ask(as, ask.path, ask);
      const code = field(answer, "code");
      const isRefused = code === "42501" || code === "PGRST106";
      if (!isRefused) allowed.push(`${what}: ${inWords(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return allowed.sort();
}

async function judgeAttempts(examination: Examination, as: As, role: Role): Promise<Finding> {
  const list = attempts(found(examination, "facts"), role);
  const allowed = await tryAll(examination, as, list);
  if (allowed.length === 0) return ok(`${list.length} attempts, all refused`);
  return failed(
    `${allowed.length} of ${list.length} attempts were not refused`,
    `Nothing may stand between the Data API and its roles: ${role} got what the catalogue ` +
      "refuses. Look for a proxy that adds a secret key.",
    allowed,
  );
}

/** Each table and view of which a user sees their own rows. */
const OWN = Object.entries(EXPECTED.relations)
  .filter(([name, { columns, privileges }]) =>
    name.startsWith("public.") && "user_id" in columns &&
    privileges.authenticated.includes("select")
  )
  .map(([name]) => name.slice("public.".length));

async function examineOwnRows(examination: Examination): Promise<Finding> {
  const [one, other] = found(examination, "users");
  const leaks: string[] = [];
  // So that each has an account to see, whatever became of their sign-up's credit.
  for (const { id } of [one, other]) await examination.target.ledger.accountBalance(id);
  for (const table of OWN) {
    for (const [user, stranger] of [[one, other], [other, one]] as const) {
      const path = `/rest/v1/${table}?select=user_id`;
      const all = await examination.project.ask(user, path);
      const theirs = await examination.project.ask(user, `${path}&user_id=eq.${stranger.id}`);
      if (!Array.isArray(all.json) || !Array.isArray(theirs.json)) {
        return failed(
          `a user can't read their own ${table}: ${inWords(all)}`,
          "Look at the lines about row level security, policies and roles.",
        );
      }
      const rows = [...all.json, ...theirs.json] as { user_id: string }[];
      const strange = rows.filter((row) => row.user_id !== user.id).length;
      if (strange > 0) leaks.push(`${table}: ${strange} rows of others`);
      if (table === "user_balances" && all.json.length !== 1) {
        leaks.push(`${table}: ${all.json.length} rows where one is theirs`);
      }
    }
  }
  if (leaks.length === 0) return ok(`two users, ${OWN.length} tables and views`);
  return failed(
    "users see more or less than their own rows",
    "Take the project offline until this is right. Look for a policy, a view or a proxy that " +
      "lets them.",
    [...new Set(leaks)],
  );
}

export const CATALOGUE_ROLE_CHECKS: readonly Check[] = [
  {
    id: "roles",
    title: "the roles that must be refused are (by the catalogue)",
    needs: ["migrations"],
    after: ["tables", "publishable_key"],
    examine: examineCatalogue,
  },
  {
    id: "service_role",
    title: "the roles that must be allowed are",
    needs: ["migrations"],
    after: ["tables"],
    examine: examineServiceRole,
  },
  {
    id: "anon_refused",
    title: "anon is refused (tried)",
    needs: ["migrations"],
    // What the catalogue allows must not be tried: it would be done.
    after: ["roles", "publishable_key"],
    async examine(examination) {
      if (!examination.project.hasPublishableKey) {
        return skipped("no publishable key was given", "Give it with --publishable-key.");
      }
      return await judgeAttempts(examination, "publishable", "anon");
    },
  },
];

export const USER_ROLE_CHECKS: readonly Check[] = [
  {
    id: "authenticated_refused",
    title: "authenticated is refused (tried)",
    needs: ["sign_up"],
    after: ["roles"],
    async examine(examination) {
      const [user] = found(examination, "users");
      return await judgeAttempts(examination, user, "authenticated");
    },
  },
  {
    id: "own_rows",
    title: "users see only their own rows",
    needs: ["sign_up"],
    after: ["row_security", "policies", "service_role"],
    examine: examineOwnRows,
  },
];
