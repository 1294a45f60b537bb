/** A new user's first minute: the sign-up, the credit, the balance that they see. */
import { isRefusal } from "../../shared/edge/refusal.ts";
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import * as z from "zod/mini";
import {
  type Check,
  type Examination,
  failed,
  type Finding,
  found,
  ok,
  warning,
} from "./finding.ts";
import { field, inWords } from "./project.ts";
import { signUp, SignUpFailed, type TestUser } from "./test_users.ts";

async function examineSignUp(examination: Examination): Promise<Finding> {
  const { project, known } = examination;
  try {
    known.users = [await signUp(project), await signUp(project)];
  } catch (error) {
    if (!(error instanceof SignUpFailed)) throw error;
    return failed(
      error.message,
      "Look at Auth's log in the dashboard (Logs > Auth), and whether sign-ups and the " +
        "before-user-created hook are set up.",
    );
  }
  return ok(known.users[0].email);
}

const Decision = z.object({ amount: z.string(), reason: z.string() });

/** Read from the table: the functions would grant, late, what a sign-up missed. */
async function balanceOf(examination: Examination, user: TestUser): Promise<string | null> {
  const answer = await examination.project.ask(
    "secret",
    `/rest/v1/user_balances?select=balance::text&user_id=eq.${user.id}`,
  );
  const [row] = Array.isArray(answer.json) ? answer.json : [];
  return row === undefined ? null : formatUsd(parseUsd(String(row.balance)));
}

async function examineWelcome(examination: Examination): Promise<Finding> {
  const [user] = found(examination, "users");
  const credit = found(examination, "facts").settings.welcome_credit ?? "0";
  const due = formatUsd(parseUsd(credit));
  const balance = await balanceOf(examination, user);
  if (balance === due) {
    return due === "0"
      ? warning("the welcome credit is 0", "Set it: `farebox settings set welcome_credit 10`.")
      : ok(`$${due}`);
  }
  // Asked again, the hook's decision is repeated.
  const decided = await examination.target.call("decide_sign_up", {
    p_user_id: user.id,
    p_email: user.email,
    p_address_hash: null,
    p_is_anonymous: false,
  }, Decision);
  if (balance === decided.amount || balance === null && decided.amount === "0") {
    await lend(examination, user);
    return warning(
      `$${decided.amount}, as the hook decided (${decided.reason}); $${STAKE} lent for the chat`,
      "Nothing is broken. Tomorrow, or from another address, a sign-up earns its credit again.",
    );
  }
  return failed(
    balance === null
      ? `the new user has no account, where $${due} were due`
      : `the new user has $${balance}, where $${due} were due`,
    "See `farebox incidents --kind welcome_failed`. Users who are missed get their credit with " +
      "their first request.",
  );
}

/** What a user without credit needs to ask one question of any model, and gives back at the end. */
const STAKE = "1";

async function lend({ target }: Examination, user: TestUser): Promise<void> {
  const result = await target.ledger.grantCredit({
    userId: user.id,
    amount: STAKE,
    kind: "adjustment",
    key: `doctor-stake:${user.id}`,
    note: "farebox doctor: lent",
  });
  if (isRefusal(result)) throw result;
}

async function examineBalance(examination: Examination): Promise<Finding> {
  const [user] = found(examination, "users");
  const account = await examination.target.ledger.accountBalance(user.id);
  if (isRefusal(account)) throw account;
  const answer = await examination.project.ask(user, "/functions/v1/balance");
  // As text: JSON's own number would hide a lost digit.
  const shown = /"balance":\s*(-?[\d.]+)/.exec(answer.text)?.[1];
  const isExact = shown !== undefined && parseUsd(shown) === parseUsd(account.balance);
  if (answer.status === 200 && isExact && field(answer, "currency") === "USD") {
    return ok(`{"balance": ${shown}, "currency": "USD"}`);
  }
  return failed(
    `GET balance answers ${answer.status} ${answer.text.slice(0, 160)}, where ` +
      `{"balance": ${account.balance}, "currency": "USD"} is right`,
    answer.status === 401
      ? "The function does not accept this project's access tokens: see its log."
      : `Deploy it again: \`supabase functions deploy balance\`; its log says more (${
        inWords(answer)
      }).`,
  );
}

export const SIGN_UP_CHECKS: readonly Check[] = [
  {
    id: "sign_up",
    title: "a new user can sign up",
    needs: ["migrations"],
    after: ["tables", "service_role", "hook_signature"],
    examine: examineSignUp,
  },
  {
    id: "welcome",
    title: "a sign-up gets its credit",
    needs: ["sign_up"],
    after: ["sign_up_triggers", "ledger_functions"],
    examine: examineWelcome,
  },
  {
    id: "balance",
    title: "the balance endpoint answers",
    needs: ["sign_up"],
    after: ["functions"],
    examine: examineBalance,
  },
];
