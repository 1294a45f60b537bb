/** What must run by itself, the switches, the prices and the books. */
import { isRefusal } from "../../shared/edge/refusal.ts";
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import { type Check, failed, type Finding, found, ok, skipped, warning } from "./finding.ts";
import type { Facts } from "./facts.ts";
import { inWords } from "./project.ts";

const EXPIRE_JOB = "farebox-expire";
const ALERTS_JOB = "farebox-alerts";

/** Whether a job is active and ended well the last time. Null: there is no such job. */
function judgeJob(facts: Facts, name: string): Finding | null {
  const job = facts.jobs?.[name];
  if (job === undefined) return null;
  if (!job.active) {
    return failed(
      `the job ${name} is switched off`,
      `select cron.alter_job((select jobid from cron.job where jobname = '${name}'), ` +
        "active := true);",
    );
  }
  return job.last_failure === null ? ok(`pg_cron, ${job.schedule}`) : failed(
    `the last run of the job ${name} failed: ${job.last_failure}`,
    `Look at cron.job_run_details of ${name} in the SQL editor.`,
  );
}

function judgeSweeper(facts: Facts, isLocal: boolean): Finding {
  const overdue = facts.reservations_overdue;
  const job = judgeJob(facts, EXPIRE_JOB);
  if (job !== null && job.state !== "ok") return job;
  if (overdue > 0) {
    return failed(
      `${overdue} reservations are overdue by more than two minutes: nothing sweeps them`,
      job === null
        ? "Enable pg_cron (Integrations in the dashboard) and run 20261122000017_schedule.sql " +
          "again. Until then: `farebox sweep`."
        : "Look at cron.job_run_details in the SQL editor. Until then: `farebox sweep`.",
    );
  }
  if (job !== null) return job;
  if (facts.jobs !== null) {
    return failed(
      `pg_cron has no job ${EXPIRE_JOB}`,
      "Run 20261122000017_schedule.sql again in the SQL editor.",
    );
  }
  if (isLocal) return ok("the local stack's timer; nothing is overdue");
  return warning(
    "nothing is overdue, but pg_cron is not enabled",
    "Enable it (Integrations in the dashboard) and run 20261122000017_schedule.sql again in the " +
      "SQL editor, or see that something else calls expire twice a minute, as `farebox sweep` does.",
  );
}

/** What weakens, by the setting's name: the values that do, and what comes of it. */
const WEAK: readonly { name: keyof Facts["settings"]; is: readonly string[]; so: string }[] = [
  { name: "usage_tracking", is: ["off"], so: "nothing is metered and nobody pays" },
  { name: "balance_enforcement", is: ["observe", "off"], so: "nobody is refused for no balance" },
];

/** The lowest of a reservation's life that survives a missed heartbeat of 15 s. */
const TTL_SECONDS_MIN = 45;

function judgeSettings({ settings, models }: Facts): Finding {
  const wrong: string[] = [];
  if (Number(settings.reservation_ttl_seconds) < TTL_SECONDS_MIN) {
    wrong.push(
      `reservation_ttl_seconds is ${settings.reservation_ttl_seconds}: a live answer expires ` +
        `between two heartbeats (15 s); at least ${TTL_SECONDS_MIN}`,
    );
  }
  for (const name of ["allowed_models", "guest_models"]) {
    const unknown = listOf(settings[name]).filter((pattern) => !isKnown(pattern, models));
    if (unknown.length > 0) wrong.push(`${name} has what no price is for: ${unknown.join(", ")}`);
  }
  if (settings.allowed_models === "[]") {
    wrong.push("allowed_models is empty: every chat is refused");
  }
  if (wrong.length > 0) {
    return failed(
      `${wrong.length} of them can't be meant so`,
      "Change them with `farebox settings set <name> <value>`.",
      wrong,
    );
  }
  const weak = WEAK.filter(({ name, is }) => is.includes(settings[name] ?? ""));
  if (weak.length > 0) {
    return warning(
      weak.map(({ name, so }) => `${name} is ${settings[name]}: ${so}`).join("; "),
      `Switch back when you are done: \`farebox settings set ${
        weak.map(({ name }) => `${name} ${name === "usage_tracking" ? "on" : "enforce"}`).join(" ")
      }\`.`,
    );
  }
  return ok("nothing is switched off or weakened");
}

/** A text[] as jsonb gives it; null is no list. */
function listOf(text: string | null | undefined): string[] {
  return text == null ? [] : JSON.parse(text);
}

function isKnown(pattern: string, models: readonly string[]): boolean {
  return pattern.endsWith(":*")
    ? models.some((model) => model.startsWith(pattern.slice(0, -1)))
    : models.includes(pattern);
}

const PRICE_AGE_DAYS_MAX = 45;
const DAY_MS = 24 * 3600 * 1000;

function judgePriceAge(facts: Facts, nowMs: number): Finding {
  if (facts.prices_checked_at === null) return skipped("there are no prices");
  const days = Math.floor((nowMs - Date.parse(facts.prices_checked_at)) / DAY_MS);
  if (days <= PRICE_AGE_DAYS_MAX) return ok(`${days} days since they were changed or checked`);
  return warning(
    `${days} days since they were changed or checked`,
    "Compare them with the providers': `farebox prices sync`.",
  );
}

export const PRICE_CHECK: Check = {
  id: "price_of_gpt_4o",
  title: "gpt-4o has its price",
  needs: ["migrations"],
  after: ["tables", "service_role"],
  async examine({ project, known }) {
    if (known.facts?.models.includes("openai:gpt-4o") === false) {
      return skipped("because it is missing: see the seeded models");
    }
    const answer = await project.ask(
      "secret",
      "/rest/v1/model_pricing?provider_id=eq.openai&model_id=eq.gpt-4o" +
        "&select=input_per_1k::text,output_per_1k::text,price_version",
    );
    const [row] = Array.isArray(answer.json) ? answer.json : [];
    if (row === undefined) {
      return failed(
        `the Data API does not show it: ${inWords(answer)}`,
        "Reload the Data API's schema: `notify pgrst, 'reload schema'` in the SQL editor.",
      );
    }
    const { input_per_1k: input, output_per_1k: output, price_version: version } = row;
    if (parseUsd(String(input)) === 0n || parseUsd(String(output)) === 0n) {
      return failed(
        "it is sold for nothing",
        "Set it: `farebox prices set openai:gpt-4o`, or `farebox prices sync`.",
      );
    }
    const [perInput, perOutput] = [input, output].map((price) =>
      formatUsd(parseUsd(String(price)))
    );
    return ok(`$${perInput} in, $${perOutput} out per 1,000 tokens (version ${version})`);
  },
};

export const OPERATION_CHECKS: readonly Check[] = [
  {
    id: "settings",
    title: "the settings are sane",
    needs: ["migrations"],
    after: ["tables"],
    examine: (examination) => Promise.resolve(judgeSettings(found(examination, "facts"))),
  },
  {
    id: "sweeper",
    title: "the sweeper runs",
    needs: ["migrations"],
    after: ["tables", "ledger_functions"],
    examine: (examination) =>
      Promise.resolve(judgeSweeper(found(examination, "facts"), examination.target.isLocal)),
  },
  {
    id: "alerts",
    title: "the alerts are scheduled",
    needs: ["migrations"],
    examine: (examination) =>
      Promise.resolve(
        judgeJob(found(examination, "facts"), ALERTS_JOB) ??
          (examination.target.isLocal ? ok("the local stack's timer, every minute") : skipped(
            "nothing schedules them",
            "Once Vault has the secret key as farebox_secret_key: `farebox alerts schedule`; or " +
              "run `farebox alerts --deliver` every minute from any scheduler.",
          )),
      ),
  },
  {
    id: "price_age",
    title: "the prices are not old",
    needs: ["migrations"],
    after: ["tables"],
    examine: (examination) =>
      Promise.resolve(judgePriceAge(found(examination, "facts"), Date.now())),
  },
];

export const RECONCILE_CHECK: Check = {
  id: "reconcile",
  title: "the ledger adds up",
  needs: ["migrations"],
  after: ["tables", "service_role", "ledger_functions"],
  async examine({ target }) {
    const report = await target.ledger.reconcile();
    if (isRefusal(report)) throw report;
    const { violations, accounts } = report;
    if (violations.length === 0) {
      return ok(`${accounts} accounts: every balance is its credits minus its charges`);
    }
    return failed(
      `${violations.length} violations`,
      "Somebody wrote to the ledger past its functions. Find out who, then put each right by " +
        "`farebox adjust`.",
      violations.map((v) =>
        `${v.check}: user ${v.user_id}: expected ${v.expected}, is ${v.actual}`
      ),
    );
  },
};
