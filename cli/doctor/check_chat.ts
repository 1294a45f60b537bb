/** A metered chat from the question to the receipt. */
import { isRefusal } from "../../shared/edge/refusal.ts";
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import {
  type Check,
  type Examination,
  failed,
  type Finding,
  found,
  ok,
  skipped,
  warning,
} from "./finding.ts";
import { inWords } from "./project.ts";
import { askQuestion, cheapestModels, costMax, readComment } from "./spending.ts";

/** Why a line is left out that would cost something. */
export const SKIPPED = "--skip-chat";

async function examineModels(examination: Examination): Promise<Finding> {
  const { project, options, known } = examination;
  const [user] = found(examination, "users");
  const models = await cheapestModels(project, user);
  const chosen = options.model ?? models[0];
  if (chosen === undefined) {
    return failed(
      "no model can be asked",
      "Set a provider's key: `supabase secrets set OPENAI_API_KEY=sk-…`; and see whether " +
        "allowed_models leaves any.",
    );
  }
  if (!models.includes(chosen)) {
    return failed(
      `${chosen} is not among the ${models.length} that can be asked over OpenAI's chat API`,
      "Name another with --model, set its provider's key, or leave --model out.",
    );
  }
  known.model = chosen;
  return ok(`${models.length} models; ${chosen} is asked`);
}

async function examineChat(examination: Examination): Promise<Finding> {
  const { project, options, known, say } = examination;
  if (options.skipChat) return skipped(SKIPPED);
  const off = known.facts?.settings.usage_tracking === "off";
  if (off) return skipped("usage_tracking is off: nothing would be metered");
  const [user] = found(examination, "users");
  const model = found(examination, "model");
  const account = await examination.target.ledger.accountBalance(user.id);
  if (isRefusal(account)) throw account;
  const cost = await costMax(project, user, model);
  say(
    `  … asking ${model} one short question, which costs ${
      cost === null ? "little" : `at most $${cost}`
    } at your provider, and another as a guest (--skip-chat leaves both out)`,
  );
  const answer = await askQuestion(project, user, model);
  if (answer.status !== 200) {
    return failed(`it is refused: ${inWords(answer)}`, whatToDo(answer.status, model));
  }
  const comment = readComment(answer.text);
  if (comment === null || typeof comment.cost !== "string") {
    return failed(
      answer.text.includes("data:")
        ? "the answer came, but its stream does not say what it cost"
        : `the answer is no stream of events: ${answer.text.slice(0, 120)}`,
      "See whether USAGE_TRACKING is off in the functions' secrets, the log of chat-proxy for " +
        "`Failed to deduct balance`, and whether a proxy buffers or rewrites streams.",
    );
  }
  known.spending = {
    requestId: String(comment.request_id),
    model: String(comment.model ?? model),
    cost: comment.cost,
    balance: String(comment.balance),
    balanceBefore: account.balance,
    basis: String(comment.basis),
  };
  const said = `${model}, $${comment.cost}, ${comment.basis}`;
  if (/"finish_reason":\s*"error"|^data: \{"error"/m.test(answer.text)) {
    return failed(`the provider broke off: ${said}`, "See the log of chat-proxy.");
  }
  return ok(said);
}

function whatToDo(status: number, model: string): string {
  switch (status) {
    case 502:
      return `The provider of ${model} refuses or fails: see its key (\`supabase secrets set\`), ` +
        "its credit there, and `farebox incidents`. Or ask another with --model.";
    case 402:
      return "See the welcome credit and minimum_balance: `farebox settings`.";
    default:
      return "See the log of chat-proxy.";
  }
}

async function examineUsage(examination: Examination): Promise<Finding> {
  const { requestId, cost, basis } = found(examination, "spending");
  const [user] = found(examination, "users");
  const answer = await examination.project.ask(
    "secret",
    "/rest/v1/usage_records?select=user_id,cost::text,basis,input_tokens,output_tokens" +
      `&request_id=eq.${requestId}`,
  );
  const rows = Array.isArray(answer.json) ? answer.json : [];
  const [row] = rows;
  if (rows.length !== 1) {
    return failed(
      `usage_records has ${rows.length} rows of request ${requestId}, where one is right`,
      "See the log of chat-proxy for `Failed to deduct balance`; `farebox backfill` charges what " +
        "was not.",
    );
  }
  if (row.user_id !== user.id || parseUsd(String(row.cost)) !== parseUsd(cost)) {
    return failed(
      `the record of ${requestId} says $${row.cost} of user ${row.user_id}, the stream $${cost}`,
      "Run `farebox reconcile`, and look at the record.",
    );
  }
  const said = `${row.input_tokens} + ${row.output_tokens} tokens, ${row.basis}`;
  return basis === "reported"
    ? ok(said)
    : warning(said, "The provider did not report its usage: see the provider's documentation.");
}

async function examineDeducted(examination: Examination): Promise<Finding> {
  const { cost, balance, balanceBefore } = found(examination, "spending");
  const [user] = found(examination, "users");
  const account = await examination.target.ledger.accountBalance(user.id);
  if (isRefusal(account)) throw account;
  const due = parseUsd(balanceBefore) - parseUsd(cost);
  if (parseUsd(account.balance) === due && parseUsd(balance) === due) {
    return ok(`$${balanceBefore} − $${cost} = $${account.balance}`);
  }
  return failed(
    `$${balanceBefore} − $${cost} is $${formatUsd(due)}, the ledger has $${account.balance}, ` +
      `the stream said $${balance}`,
    "Run `farebox reconcile`, then `farebox receipts <request>`.",
  );
}

interface ReceiptShown {
  readonly lines: readonly { readonly cost: string }[] | null;
  readonly request_fee: string;
  readonly cost: string;
  readonly collected: string;
  readonly balance_before: string;
  readonly balance_after: string;
}

async function examineReceipt(examination: Examination): Promise<Finding> {
  const { requestId, cost } = found(examination, "spending");
  const [user] = found(examination, "users");
  const answer = await examination.project.ask(
    user,
    `/functions/v1/balance/receipts/${requestId}`,
  );
  if (answer.status !== 200) {
    return failed(`there is none: ${inWords(answer)}`, "See the log of balance.");
  }
  const receipt = answer.json as ReceiptShown;
  const lines = receipt.lines ?? [];
  const sum = [...lines.map((line) => line.cost), receipt.request_fee]
    .reduce((total, amount) => total + parseUsd(amount), 0n);
  const after = parseUsd(receipt.balance_before) - parseUsd(receipt.collected);
  const addsUp = sum === parseUsd(receipt.cost) && sum === parseUsd(cost) &&
    after === parseUsd(receipt.balance_after);
  return addsUp ? ok(`${lines.length} lines make $${receipt.cost}`) : failed(
    `its lines make $${formatUsd(sum)}, its cost is $${receipt.cost}, the stream said $${cost}`,
    "Run `farebox reconcile`, and compare `farebox receipts` with the price's history.",
  );
}

export const CHAT_CHECKS: readonly Check[] = [
  {
    id: "models_enabled",
    title: "models can be asked",
    needs: ["sign_up"],
    after: ["functions", "settings"],
    examine: examineModels,
  },
  {
    id: "chat",
    title: "a metered chat says its cost",
    needs: ["models_enabled"],
    after: ["welcome", "balance", "ledger_functions"],
    examine: examineChat,
  },
  {
    id: "usage_recorded",
    title: "its usage is recorded",
    needs: ["chat"],
    after: ["service_role"],
    examine: examineUsage,
  },
  {
    id: "deducted",
    title: "the balance is deducted exactly",
    needs: ["chat"],
    examine: examineDeducted,
  },
  {
    id: "receipt",
    title: "the receipt explains it",
    needs: ["chat"],
    after: ["balance", "usage_recorded"],
    examine: examineReceipt,
  },
];
