/** Whether there is a project, and whether the keys open what they should and nothing else. */
import { type Check, failed, ok, skipped } from "./finding.ts";
import { type Answer, field, inWords } from "./project.ts";

/** A key's kind by its form: new keys say it, legacy ones are tokens with a role. */
export function kindOfKey(key: string): "secret" | "publishable" | "unknown" {
  if (key.startsWith("sb_secret_")) return "secret";
  if (key.startsWith("sb_publishable_")) return "publishable";
  try {
    const payload = key.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const { role } = JSON.parse(atob(payload));
    return role === "service_role" ? "secret" : role === "anon" ? "publishable" : "unknown";
  } catch {
    return "unknown";
  }
}

const PERMISSION_DENIED = "42501";

/** Whether the gateway let the key in; what the database then says to its role is another matter. */
function isLetIn(answer: Answer): boolean {
  return (answer.status !== 401 && answer.status !== 403) ||
    field(answer, "code") === PERMISSION_DENIED;
}

export const PROJECT_CHECKS: readonly Check[] = [
  {
    id: "reachable",
    title: "the project answers",
    async examine({ project }) {
      const answer = await project.ask("secret", "/auth/v1/health");
      // A project that is paused answers 540; one that does not exist has no address at all.
      if (answer.status === 540) {
        return failed("the project is paused", "Restore it in the dashboard.");
      }
      if (answer.status >= 500 || answer.status === 404) {
        return failed(
          `${project.url} answers ${inWords(answer)}`,
          "Check the URL: it is like https://<ref>.supabase.co, without a path. If it is right, " +
            "look at https://status.supabase.com.",
        );
      }
      return ok(project.url);
    },
  },
  {
    id: "secret_key",
    title: "the secret key is accepted",
    needs: ["reachable"],
    async examine({ project, target }) {
      if (kindOfKey(target.secretKey) === "publishable") {
        return failed(
          "what was given as the secret key is a publishable key",
          "Give a secret key (sb_secret_…): Settings > API Keys in the dashboard.",
        );
      }
      const answer = await project.ask("secret", "/rest/v1/user_balances?select=user_id&limit=1");
      if (isLetIn(answer)) return ok("by the Data API");
      return failed(
        `the Data API refuses it: ${inWords(answer)}`,
        "Give a secret key of this project: --secret-key or SUPABASE_SECRET_KEY.",
      );
    },
  },
  {
    id: "publishable_key",
    title: "the publishable key is accepted, and may not use the ledger",
    needs: ["secret_key"],
    async examine({ project, target }) {
      if (target.publishableKey === null) {
        return skipped(
          "no publishable key was given",
          "Give it with --publishable-key or SUPABASE_PUBLISHABLE_KEY: more can be tried with it.",
        );
      }
      if (
        kindOfKey(target.publishableKey) === "secret" || target.publishableKey === target.secretKey
      ) {
        return failed(
          "what was given as the publishable key is a secret one",
          "If an app carries it, revoke it at once (Settings > API Keys). Give the one that " +
            "begins with sb_publishable_.",
        );
      }
      const answer = await project.ask("publishable", "/auth/v1/settings");
      if (answer.status !== 200) {
        return failed(
          `Auth refuses it: ${inWords(answer)}`,
          "Give a publishable key of this project: --publishable-key or SUPABASE_PUBLISHABLE_KEY.",
        );
      }
      const ledger = await project.ask("publishable", "/rest/v1/rpc/health_details", {
        method: "POST",
        body: {},
      });
      // 404: it is not there at all, which is told by the migrations.
      if ([401, 403, 404].includes(ledger.status)) return ok("by Auth; the ledger refuses it");
      return failed(
        `it may call health_details of the ledger: ${inWords(ledger)}`,
        "Run `select billing.only_for_service_role(array['health_details'])` in the SQL editor.",
      );
    },
  },
];
