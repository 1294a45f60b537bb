/**
 * The before-user-created hook, called as Supabase Auth calls it: signed by the Standard Webhooks
 * rules, 5 s in all, up to three attempts with an id of their own.
 */
import { Webhook } from "standardwebhooks";

/** Where the hook is, and its secrets in the form `v1,whsec_<base64>`, the newest first. */
export interface SignUpHook {
  readonly uri: string;
  readonly secrets: readonly string[];
}

/** What Auth tells the hook about the user to be. */
export interface NewUser {
  /** The id that the row will have. */
  readonly id: string;
  readonly email: string;
  readonly appMetadata: Record<string, unknown>;
  readonly userMetadata: Record<string, unknown>;
  readonly isAnonymous: boolean;
}

/** `refused` carries the answer that Auth gives its client: a status, a code and a message. */
export type HookVerdict =
  | { readonly kind: "allowed" }
  | {
    readonly kind: "refused";
    readonly status: number;
    readonly errorCode: string;
    readonly message: string;
  };

/** How patient Auth is; tests are less so. */
export interface HookPatience {
  readonly budgetMs: number;
  /** Pause after an attempt that did not reach the hook. */
  readonly backoffMs: number;
}

const PATIENCE: HookPatience = { budgetMs: 5_000, backoffMs: 2_000 };
const ATTEMPTS_MAX = 3;

/** Asks the hook. Never throws: a hook that cannot be asked refuses the sign-up, as in production. */
export async function askSignUpHook(
  hook: SignUpHook,
  user: NewUser,
  ipAddress: string,
  { budgetMs, backoffMs }: HookPatience = PATIENCE,
): Promise<HookVerdict> {
  const payload = JSON.stringify(signUpPayload(user, ipAddress, new Date()));
  const budget = new AbortController();
  const timer = setTimeout(() => budget.abort(), budgetMs);
  const deadline = budget.signal;
  try {
    return await askWithin(deadline, hook, payload, budgetMs, backoffMs);
  } finally {
    clearTimeout(timer);
  }
}

async function askWithin(
  deadline: AbortSignal,
  hook: SignUpHook,
  payload: string,
  budgetMs: number,
  backoffMs: number,
): Promise<HookVerdict> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    try {
      const response = await post(hook, payload, deadline);
      const verdict = await readVerdict(response);
      if (verdict !== "try again") return verdict;
    } catch {
      if (deadline.aborted) break;
      if (attempt === ATTEMPTS_MAX) {
        return refused(
          422,
          "hook_timeout_after_retry",
          "Failed to reach hook after maximum retries",
        );
      }
      await pause(backoffMs, deadline);
    }
  }
  if (deadline.aborted) {
    const seconds = (budgetMs / 1000).toFixed(6);
    return refused(
      422,
      "hook_timeout",
      `Failed to reach hook within maximum time of ${seconds} seconds`,
    );
  }
  return unexpected("Service currently unavailable due to hook");
}

/** The JSON that a before-user-created hook receives. The dates are Go's zero: the row does not exist. */
export function signUpPayload(user: NewUser, ipAddress: string, time: Date): unknown {
  return {
    metadata: {
      uuid: crypto.randomUUID(),
      time: time.toISOString(),
      name: "before-user-created",
      ip_address: ipAddress,
    },
    user: {
      id: user.id,
      aud: "authenticated",
      role: "",
      email: user.email,
      phone: "",
      app_metadata: user.appMetadata,
      user_metadata: user.userMetadata,
      identities: [],
      created_at: "0001-01-01T00:00:00Z",
      updated_at: "0001-01-01T00:00:00Z",
      is_anonymous: user.isAnonymous,
    },
  };
}

async function post(
  hook: SignUpHook,
  payload: string,
  signal: AbortSignal,
): Promise<Response> {
  const id = crypto.randomUUID();
  const time = new Date();
  const signatures = hook.secrets.map((secret) =>
    new Webhook(secret.replace(/^v1,/, "")).sign(id, time, payload)
  );
  return await fetch(hook.uri, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(time.getTime() / 1000)),
      "webhook-signature": signatures.join(", "),
    },
    body: payload,
    signal,
    redirect: "manual",
  });
}

async function readVerdict(response: Response): Promise<HookVerdict | "try again"> {
  const body = await response.text();
  switch (response.status) {
    case 200:
    case 202:
    case 204:
      return readBody(response, body);
    case 429:
    case 503:
      return response.headers.has("retry-after")
        ? "try again"
        : unexpected("Service currently unavailable due to hook");
    case 400:
      return unexpected("Invalid payload sent to hook");
    case 401:
      return unexpected("Hook requires authorization token");
    default:
      return unexpected(`Unexpected status code returned from hook: ${response.status}`);
  }
}

function readBody(response: Response, body: string): HookVerdict {
  const contentType = response.headers.get("content-type");
  if (contentType === null && response.status === 204) return { kind: "allowed" };
  if (contentType?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    return refused(
      400,
      "hook_payload_invalid_content_type",
      contentType === null
        ? "Invalid Content-Type: Missing Content-Type header"
        : `Invalid JSON response. Received content-type: ${contentType}`,
    );
  }
  let answer: { error?: { http_code?: number; message?: string } | null };
  try {
    answer = JSON.parse(body) ?? {};
  } catch {
    return unexpected("Error unmarshaling JSON output.");
  }
  if (!answer.error?.message) return { kind: "allowed" };
  const status = answer.error.http_code || 500;
  return refused(
    status,
    status === 500 ? "unexpected_failure" : "unknown",
    answer.error.message,
  );
}

function refused(status: number, errorCode: string, message: string): HookVerdict {
  return { kind: "refused", status, errorCode, message };
}

function unexpected(message: string): HookVerdict {
  return refused(500, "unexpected_failure", message);
}

/** Resolves after `ms`, or at once when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done);
  });
}
