/** Who uses the page: signing up, in and out, and what becomes of a guest's chats. */
import type { AuthChangeEvent, Session } from "@supabase/supabase-js";
import { batch, effect, signal } from "@preact/signals";
import { browserStorage } from "./browser_storage.ts";
import { adoptChats, showChatsOf } from "./chats.ts";
import { dialog } from "./dialogs.ts";
import { go } from "./route.ts";
import { services } from "./services.ts";
import { CannotStart } from "./settings.ts";
import { problemOfAuth } from "./session_problems.ts";
import type { Problem, Visitor } from "./types.ts";

export const visitor = signal<Visitor>({ kind: "loading" });

/** Why the last sign-up or sign-in did not work; null while it runs and where it did. */
export const problemOfSession = signal<Problem | null>(null);

/** Set when the project awaits a click in an e-mail: to whom it was sent. */
export const confirmationSentTo = signal<string | null>(null);

/** Set while a session that ended is shown on: whose it was. */
export const endedSessionOf = signal<string | null>(null);

/**
 * Who was here last, for the next load and for other tabs: `user`, `guest`, or nothing. A session
 * that ends while this still says `user` has expired; nobody signed out.
 */
const VISITOR_KEY = "farebox-visitor";
let changing: Promise<void> = Promise.resolve();

/** Of the session that is shown: what supabase-js tells of it again is no news. */
let knownToken: string | null = null;

const STORAGE_LAG_MS = 250;
/** supabase-js tries for half a minute to renew a session that has expired. */
const RENEWAL_MS_MAX = 8_000;

/** Restores whoever was here; follows what other tabs do. */
export async function startSession(): Promise<void> {
  const { auth } = services().supabase;
  const { promise: isLate, resolve: giveUp } = Promise.withResolvers<null>();
  const timer = setTimeout(giveUp, RENEWAL_MS_MAX, null);
  const known = await Promise.race([auth.getSession(), isLate]);
  clearTimeout(timer);
  if (known === null) throw noAnswer();
  const { data, error } = known;
  if (error !== null && (error.status === undefined || error.status === 0 || error.status >= 500)) {
    throw noAnswer();
  }
  await become(data.session);
  // Nothing may be awaited in the callback: supabase-js holds its lock meanwhile.
  auth.onAuthStateChange((event, session) => void follow(event, session));
}

function noAnswer(): CannotStart {
  return new CannotStart(
    `The project ${services().settings.url} does not answer.`,
    "Check your connection, then load the page again. Your session and your chats are kept.",
  );
}

/** `problemOfSession` says why where it did not work. */
export async function signUp(email: string, password: string): Promise<void> {
  problemOfSession.value = null;
  const { session, error } = await attempt(() =>
    services().supabase.auth.signUp({ email, password })
  );
  if (error !== null) problemOfSession.value = problemOfAuth(error);
  else if (session !== null) await become(session);
  // Projects that confirm addresses say the same to new ones and to those that have an account.
  else confirmationSentTo.value = email;
}

/** `problemOfSession` says why where it did not work. */
export async function signIn(email: string, password: string): Promise<void> {
  problemOfSession.value = null;
  const { session, error } = await attempt(() =>
    services().supabase.auth.signInWithPassword({ email, password })
  );
  if (error !== null) problemOfSession.value = problemOfAuth(error);
  else if (session !== null) await become(session);
}

/** Forgets the session on this device. The user's chats stay stored for the next sign-in. */
export async function signOut(): Promise<void> {
  remember(null);
  endedSessionOf.value = null;
  // Only here: other devices stay signed in. It forgets the session even where the project is away.
  await services().supabase.auth.signOut({ scope: "local" }).catch(() => {});
  await become(null);
}

export async function continueAsGuest(): Promise<void> {
  remember("guest");
  await become(null);
}

/**
 * The project refused the session: everything stays as it is, and a sign-in form is shown over it.
 * @returns whether the same user has signed in again; false where the form was closed instead.
 */
export async function sessionEnded(): Promise<boolean> {
  const before = visitor.value;
  if (before.kind !== "user") return false;
  endedSessionOf.value = before.email;
  problemOfSession.value = null;
  dialog.value = { kind: "sign-in" };
  await until(() => dialog.value === null);
  const now = visitor.value;
  return endedSessionOf.value === null && now.kind === "user" && now.id === before.id;
}

/**
 * Where a session has ended there is no token, and a request would go out as a guest's: asks to sign
 * in again instead.
 * @returns whether nothing may be sent.
 */
export function mustSignInAgain(): boolean {
  if (endedSessionOf.peek() === null) return false;
  void sessionEnded();
  return true;
}

async function follow(event: AuthChangeEvent, session: Session | null): Promise<void> {
  // It says SIGNED_IN whenever the tab is looked at again, of a session that was refused as well.
  if (session !== null && session.access_token === knownToken) return;
  if (event === "TOKEN_REFRESHED") knownToken = session?.access_token ?? null;
  if (event === "SIGNED_OUT" && await isStillUser()) void sessionEnded();
  else if (event === "SIGNED_IN" || event === "SIGNED_OUT") await become(session);
}

/** Whether nobody signed out. What another tab has stored can arrive after its message. */
async function isStillUser(): Promise<boolean> {
  const isUser = () => browserStorage.getItem(VISITOR_KEY) === "user";
  if (!isUser()) return false;
  await new Promise((resolve) => setTimeout(resolve, STORAGE_LAG_MS));
  return isUser();
}

/** One after another: supabase-js tells of a sign-in that `signIn` is about to tell of as well. */
function become(session: Session | null): Promise<void> {
  changing = changing.then(() => session === null ? becomeNobody() : becomeUser(session));
  return changing;
}

async function becomeUser({ user, access_token }: Session): Promise<void> {
  const before = visitor.value;
  knownToken = access_token;
  remember("user");
  if (before.kind === "guest") await adoptChats(user.id);
  else if (before.kind !== "user" || before.id !== user.id) {
    if (before.kind === "user") {
      go("#/");
      // For a moment nobody is here, so that all that is kept of one user goes.
      visitor.value = { kind: "none" };
      visitor.value = { kind: "loading" };
    }
    await showChatsOf(user.id);
  }
  batch(() => {
    visitor.value = { kind: "user", id: user.id, email: user.email ?? "" };
    confirmationSentTo.value = null;
    endedSessionOf.value = null;
    if (dialog.value?.kind === "sign-in" || dialog.value?.kind === "sign-up") dialog.value = null;
  });
}

async function becomeNobody(): Promise<void> {
  const isGuest = browserStorage.getItem(VISITOR_KEY) === "guest";
  knownToken = null;
  if (visitor.value.kind === "user") go("#/");
  dialog.value = null;
  await showChatsOf(isGuest ? "guest" : null);
  visitor.value = { kind: isGuest ? "guest" : "none" };
}

/** Resolves when `holds` does; `holds` reads signals. */
function until(holds: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = effect(() => {
    if (holds()) resolve();
  });
  return promise.finally(stop);
}

function remember(who: "user" | "guest" | null): void {
  if (who === null) browserStorage.removeItem(VISITOR_KEY);
  else browserStorage.setItem(VISITOR_KEY, who);
}

/** supabase-js both answers with errors and throws some. */
async function attempt(
  ask: () => Promise<{ data: { session: Session | null }; error: unknown }>,
): Promise<{ session: Session | null; error: unknown }> {
  try {
    const { data, error } = await ask();
    return { session: data.session, error };
  } catch (error) {
    return { session: null, error };
  }
}
