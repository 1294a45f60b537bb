/** People who sign up for the length of an examination. */
import postgres from "postgres";
import * as z from "zod/mini";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import type { Target } from "../target.ts";
import { field, inWords, type Project } from "./project.ts";

export interface TestUser {
  readonly id: string;
  readonly email: string;
  /** Access token. */
  readonly token: string;
}

/** Nobody new could be signed up; the message says what Auth answered. */
export class SignUpFailed extends Error {
  override readonly name = "SignUpFailed";
}

/**
 * Signs somebody new up: through Auth's admin API where there is one (hosted: no mail goes out), as
 * anybody would elsewhere. `example.com` has no mail.
 * @throws SignUpFailed, Unanswered
 */
export async function signUp(project: Project): Promise<TestUser> {
  // No "+": to the sign-up hook, what stands before it is one and the same person each time.
  const email = `doctor-${crypto.randomUUID()}@example.com`;
  const password = crypto.randomUUID();
  const made = await project.ask("secret", "/auth/v1/admin/users", {
    method: "POST",
    body: { email, password, email_confirm: true, user_metadata: { made_by: "farebox doctor" } },
  });
  if (made.status >= 200 && made.status < 300) return await signIn(project, email, password);
  const as = project.hasPublishableKey ? "publishable" : "secret";
  const answer = await project.ask(as, "/auth/v1/signup", {
    method: "POST",
    body: { email, password },
  });
  const { id } = (field(answer, "user") ?? {}) as { id?: unknown };
  const token = field(answer, "access_token");
  if (typeof id === "string" && typeof token === "string") return { id, email, token };
  throw new SignUpFailed(
    answer.status < 300
      ? "Auth wants the e-mail address confirmed first, and refuses the admin API " +
        `(${inWords(made)})`
      : `Auth answers ${inWords(answer)}`,
  );
}

async function signIn(project: Project, email: string, password: string): Promise<TestUser> {
  const as = project.hasPublishableKey ? "publishable" : "secret";
  const answer = await project.ask(as, "/auth/v1/token?grant_type=password", {
    method: "POST",
    body: { email, password },
  });
  const { id } = (field(answer, "user") ?? {}) as { id?: unknown };
  const token = field(answer, "access_token");
  if (typeof id === "string" && typeof token === "string") return { id, email, token };
  throw new SignUpFailed(`the user was made, but can't sign in: ${inWords(answer)}`);
}

/**
 * What their sign-up counts against, this address's welcome credits of the day, is given back, and
 * nobody is told of their balance. An older ledger cannot.
 */
export async function forgetUser(target: Pick<Target, "call">, user: TestUser): Promise<void> {
  try {
    await target.call("forget_doctor_user", { p_user_id: user.id }, z.unknown());
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
  }
}

/**
 * Deletes them: by Auth's admin API, or on the local stack, whose Auth has none, in its database.
 * @returns those who are left.
 */
export async function removeUsers(
  project: Project,
  users: readonly TestUser[],
  { isLocal, dbUrl }: Pick<Target, "isLocal" | "dbUrl">,
): Promise<TestUser[]> {
  const left: TestUser[] = [];
  for (const user of users) {
    const { status } = await project.ask("secret", `/auth/v1/admin/users/${user.id}`, {
      method: "DELETE",
    });
    if (status >= 300) left.push(user);
  }
  if (left.length === 0 || !isLocal || dbUrl === null) return left;
  return await deleteRows(dbUrl, left);
}

async function deleteRows(dbUrl: string, users: readonly TestUser[]): Promise<TestUser[]> {
  const sql = postgres(dbUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const gone = await sql<{ id: string }[]>`
      delete from auth.users
      where id = any (${users.map(({ id }) => id)}) and email like 'doctor-%@example.com'
      returning id`;
    return users.filter((user) => !gone.some(({ id }) => id === user.id));
  } catch {
    // They stay, and that is said.
    return [...users];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
