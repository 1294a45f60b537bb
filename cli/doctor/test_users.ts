/** People who sign up for the length of an examination. */
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

/** Deletes them where Auth has an admin API. @returns those who are left. */
export async function removeUsers(
  project: Project,
  users: readonly TestUser[],
): Promise<TestUser[]> {
  const left: TestUser[] = [];
  for (const user of users) {
    const { status } = await project.ask("secret", `/auth/v1/admin/users/${user.id}`, {
      method: "DELETE",
    });
    if (status >= 300) left.push(user);
  }
  return left;
}
