/** Where service ends: a guest's free exchanges, and a user's balance. */
import { isRefusal } from "../../shared/edge/refusal.ts";
import { parseUsd } from "../../shared/pricing/money.ts";
import { SKIPPED } from "./check_chat.ts";
import {
  type Check,
  type Examination,
  failed,
  type Finding,
  found,
  ok,
  skipped,
} from "./finding.ts";
import { field, inWords } from "./project.ts";
import { askQuestion, cheapestModels } from "./spending.ts";

async function examineGuest(examination: Examination): Promise<Finding> {
  const { project, options } = examination;
  if (options.skipChat) return skipped(SKIPPED);
  if (!project.hasPublishableKey) {
    return skipped("no publishable key was given", "Give it with --publishable-key.");
  }
  const left = async (token?: string) => {
    const answer = await project.ask("publishable", "/functions/v1/balance", {
      ...(token && { headers: { "x-guest-token": token } }),
    });
    const exchanges = field(answer, "exchanges") as { limit: number; left: number } | undefined;
    return exchanges ?? null;
  };
  const before = await left();
  if (before === null) {
    return failed("balance does not say what a guest has left", "Deploy balance again.");
  }
  const [model] = await cheapestModels(project, "publishable");
  const answer = await askQuestion(project, "publishable", model ?? found(examination, "model"));
  if (before.left === 0) {
    const isRefused = answer.status === 429 && field(answer, "code") === "FREE_LIMIT_REACHED";
    if (!isRefused) {
      return failed(
        `a guest without free exchanges is not refused: ${inWords(answer)}`,
        "See the log of chat-proxy.",
      );
    }
    return ok(
      before.limit === 0
        ? "guests are off, and refused"
        : `the ${before.limit} free ones of this address are used up, and one more is refused`,
    );
  }
  if (answer.status === 403 || answer.status === 429) {
    return skipped(`guests may not ask now: ${inWords(answer)}`);
  }
  const after = await left(answer.headers.get("x-guest-token") ?? undefined);
  return answer.status === 200 && after?.left === before.left - 1
    ? ok(`${after.left} of ${after.limit} left`)
    : failed(
      `a guest's chat answers ${inWords(answer).slice(0, 100)}; ${before.left} were left before ` +
        `it, ${after?.left ?? "unknown"} after it`,
      "See the log of chat-proxy.",
    );
}

async function examineInsufficient(examination: Examination): Promise<Finding> {
  const { project, options, known, target } = examination;
  if (options.skipChat) return skipped(SKIPPED);
  const enforcement = known.facts?.settings.balance_enforcement;
  if (known.facts?.settings.usage_tracking === "off") return skipped("usage_tracking is off");
  if (enforcement !== "enforce") return skipped(`balance_enforcement is ${enforcement}`);
  const [user] = found(examination, "users");
  await takeTheRest(target, user.id);
  const answer = await askQuestion(project, user, found(examination, "model"));
  if (answer.status === 402 && field(answer, "code") === "INSUFFICIENT_BALANCE") {
    return ok(`402 INSUFFICIENT_BALANCE, x-balance ${answer.headers.get("x-balance")}`);
  }
  if (field(answer, "code") === "TOO_MANY_REQUESTS") {
    return skipped("requests_per_minute_max is reached by the requests of this examination");
  }
  return failed(
    `a user without balance gets ${inWords(answer).slice(0, 120)}`,
    answer.status === 200
      ? "Is BALANCE_ENFORCEMENT or USAGE_TRACKING weakened in the functions' secrets? " +
        "`supabase secrets list` names them; `supabase secrets unset` takes them away."
      : "See the log of chat-proxy.",
  );
}

/** Leaves the user nothing, by one adjustment that is repeated safely. */
export async function takeTheRest(
  { ledger }: Examination["target"],
  userId: string,
): Promise<void> {
  const account = await ledger.accountBalance(userId);
  if (isRefusal(account)) throw account;
  if (parseUsd(account.available) === 0n) return;
  const result = await ledger.grantCredit({
    userId,
    amount: `-${account.available}`,
    kind: "adjustment",
    key: `doctor:${userId}`,
    note: "farebox doctor: taken back",
  });
  if (isRefusal(result)) throw result;
}

export const LIMIT_CHECKS: readonly Check[] = [
  {
    id: "guest",
    title: "a guest's chat is counted",
    needs: ["models_enabled"],
    after: ["publishable_key", "balance", "chat"],
    examine: examineGuest,
  },
  {
    id: "insufficient",
    title: "402 when the balance is insufficient",
    needs: ["models_enabled"],
    after: ["chat", "usage_recorded", "deducted"],
    examine: examineInsufficient,
  },
];
