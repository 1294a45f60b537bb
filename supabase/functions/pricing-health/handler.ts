/**
 * Whether the ledger works: for a load balancer in one word, for an operator in numbers.
 */
import { type Ledger, LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { refusalFromOutage } from "../../../shared/credit/refusals.ts";
import {
  addRoute,
  answerJson,
  type AppContext,
  createApp,
  refuse,
  type Route,
} from "../../../shared/edge/app.ts";
import type { ReadOrigins } from "../../../shared/edge/cors.ts";
import { identify, type IdentifyDeps } from "../../../shared/edge/identify.ts";
import { logError } from "../../../shared/edge/log.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import { type AlertsDeps, deliverAlerts, testWebhooks } from "./alerts.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "./metrics.ts";

export type PricingHealthDeps = {
  ledger: Pick<Ledger, "healthCheck" | "healthDetails" | "reconcile">;
  alerts: AlertsDeps;
  identify: IdentifyDeps;
  readOrigins: ReadOrigins;
};

/** Builds the function: from requests to responses. */
export function createHandler(deps: PricingHealthDeps): (request: Request) => Promise<Response> {
  const { ledger } = deps;
  const app = createApp({
    slug: "pricing-health",
    readOrigins: deps.readOrigins,
    refusalFromError: refusalFromOutage,
  });
  addRoute(app, "/", { GET: health });
  addRoute(app, "/details", { GET: forOperator(details) });
  addRoute(app, "/metrics", { GET: forOperator(metrics) });
  addRoute(app, "/alerts", { POST: forOperator(alerts) });
  return async (request) => await app.fetch(request);

  /** Anyone may ask, so the answer is a fixed sentence; the cause is in the log. */
  async function health(c: AppContext): Promise<Response> {
    const problem = await findProblem(c.get("requestId"));
    return problem === null
      ? answerJson({ status: "ok" })
      : answerJson({ status: "error", error: problem }, { status: 500 });
  }

  async function findProblem(requestId: string): Promise<string | null> {
    try {
      const check = await ledger.healthCheck();
      if (isRefusal(check)) throw new LedgerUnavailable("health_check", check.code);
      return check.pricing_rows === 0
        ? "No model has a price, so no request can be served. Apply the migrations."
        : null;
    } catch (error) {
      logError("Health check failed", { request_id: requestId, error });
      return "The pricing tables cannot be read. The log of this function says why.";
    }
  }

  async function details(c: AppContext): Promise<Response> {
    const [counters, reconciliation] = await Promise.all([ledger.healthDetails(), reconcile(c)]);
    if (isRefusal(counters)) return refuse(c, counters);
    const clean = reconciliation.violations?.length === 0;
    return answerJson({ status: clean ? "ok" : "error", ...counters, reconcile: reconciliation });
  }

  /** Reading the whole ledger may take longer than the rest, which must be told all the same. */
  async function reconcile(c: AppContext) {
    try {
      const result = await ledger.reconcile();
      return isRefusal(result) ? { violations: null, error: result.message } : result;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      logError("Reconciling failed", { request_id: c.get("requestId"), error });
      return { violations: null, error: `The ledger could not be reconciled: ${error.reason}.` };
    }
  }

  async function metrics(c: AppContext): Promise<Response> {
    const counters = await ledger.healthDetails();
    if (isRefusal(counters)) return refuse(c, counters);
    return new Response(renderMetrics(counters), {
      headers: { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" },
    });
  }

  /** `?dry_run=1` says how the rules stand and does nothing; `?test=1` sends a test message. */
  async function alerts(c: AppContext): Promise<Response> {
    if (c.req.query("test") === "1") return answerJson(await testWebhooks(deps.alerts));
    if (c.req.query("dry_run") !== "1") {
      const report = await deliverAlerts(deps.alerts);
      return isRefusal(report) ? refuse(c, report) : answerJson(report);
    }
    const found = await deps.alerts.ledger.alerts();
    return isRefusal(found) ? refuse(c, found) : answerJson({ dry_run: true, alerts: found });
  }

  function forOperator(route: (c: AppContext) => Promise<Response>): Route {
    return async (c) => {
      const caller = await identify(c.req.raw, deps.identify);
      if (isRefusal(caller)) return refuse(c, caller);
      if (caller.kind === "operator") return await route(c);
      return refuse(c, {
        code: "FORBIDDEN",
        message: "This is for the operator: send a secret key of the project.",
      });
    };
  }
}
