/** The settings that there are: what each takes, its default, what it means. */

/** Amounts are decimal strings in USD, as the ledger tells them. */
export type SettingValue = string | number | boolean | string[] | null;
export type Settings = Readonly<Record<string, SettingValue>>;

export type Setting = {
  readonly name: string;
  readonly takes:
    | { kind: "amount" }
    | { kind: "count"; min: number; max: number }
    | { kind: "choice"; choices: readonly string[] }
    | { kind: "yes_no" }
    | { kind: "list"; of: "model" | "origin" | "domain" };
  readonly default: SettingValue;
  /** What `none` means; absent where there is no none. */
  readonly none?: string;
  readonly meaning: string;
};

/** USD; the ledger takes no more. */
export const AMOUNT_MAX = "1000000";
const COUNT_MAX = 999_999_999;

const amount = { kind: "amount" } as const;
const count = { kind: "count", min: 1, max: COUNT_MAX } as const;
const models = { kind: "list", of: "model" } as const;
const noLimit = "no limit";

/** In the order in which they are shown. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "usage_tracking",
    takes: { kind: "choice", choices: ["on", "off"] },
    default: "on",
    meaning: "off: users are served without being metered or charged",
  },
  {
    name: "balance_enforcement",
    takes: { kind: "choice", choices: ["enforce", "observe", "off"] },
    default: "enforce",
    meaning: "observe: serve whom the balance would refuse, and note it; off: only serve",
  },
  {
    name: "requests_per_minute_max",
    takes: count,
    default: null,
    none: noLimit,
    meaning: "requests of a user in a minute",
  },
  {
    name: "concurrent_requests_max",
    takes: count,
    default: null,
    none: noLimit,
    meaning: "requests of a user at the same time",
  },
  {
    name: "daily_spend_per_user_max",
    takes: amount,
    default: null,
    none: noLimit,
    meaning: "USD of a user in a day, which begins at midnight UTC",
  },
  {
    name: "daily_spend_of_guests_max",
    takes: amount,
    default: null,
    none: noLimit,
    meaning: "USD of all guests together in a day",
  },
  {
    name: "allowed_models",
    takes: models,
    default: null,
    none: "all models",
    meaning: "models that can be used: provider:model or provider:*",
  },
  {
    name: "guest_models",
    takes: models,
    default: null,
    none: "all that are allowed",
    meaning: "of those, the models that guests can use",
  },
  {
    name: "cors_allowed_origins",
    takes: { kind: "list", of: "origin" },
    default: null,
    none: "what CORS_ALLOWED_ORIGINS says",
    meaning: "web pages that may call: https://app.example, or *",
  },
  {
    name: "save_chat_history",
    takes: { kind: "yes_no" },
    default: false,
    meaning: "whether transcripts are kept for their users",
  },
  {
    name: "own_stored_items_only",
    takes: { kind: "yes_no" },
    default: true,
    meaning: "whether requests go on (previous_response_id) from their own user's answers alone",
  },
  {
    name: "chat_history_days",
    takes: { kind: "count", min: 1, max: 36_500 },
    default: null,
    none: "until their user deletes them",
    meaning: "days that transcripts are kept",
  },
  {
    name: "low_balance_threshold",
    takes: amount,
    default: "1",
    none: "no notices",
    meaning: "USD below which a user is told of a low balance",
  },
  {
    name: "welcome_credit",
    takes: amount,
    default: "10",
    meaning: "USD that a new user is given",
  },
  {
    name: "welcome_per_address_per_day_max",
    takes: { kind: "count", min: 0, max: COUNT_MAX },
    default: 10,
    none: noLimit,
    meaning: "welcome credits for one address in a day, where the sign-up hook is set",
  },
  {
    name: "blocked_email_domains",
    takes: { kind: "list", of: "domain" },
    default: [],
    none: "no domain is blocked",
    meaning: "e-mail domains that cannot sign up",
  },
  {
    name: "minimum_balance",
    takes: amount,
    default: "0.01",
    meaning: "USD that must be available for any request",
  },
  {
    name: "markup_basis_points",
    takes: { kind: "count", min: 0, max: 100_000 },
    default: 0,
    meaning: "what users pay on top of the provider's price; 100 are one per cent",
  },
  {
    name: "early_start_loss_per_day_max",
    takes: amount,
    default: "1",
    meaning: "USD a day that requests may cost the house that begin before they are reserved; " +
      "0: none begins so",
  },
  {
    name: "output_slice_tokens",
    takes: count,
    default: 1024,
    meaning: "output tokens that are held at a time while an answer streams",
  },
  {
    name: "reservation_ttl_seconds",
    // Less than a live worker's heartbeat, of up to 30 s, and a missed one would expire live requests.
    takes: { kind: "count", min: 45, max: COUNT_MAX },
    default: 90,
    meaning: "seconds without a heartbeat after which a request's worker is taken for dead",
  },
  {
    name: "reservation_retention_hours",
    takes: { kind: "count", min: 1, max: 87_600 },
    default: 48,
    meaning: "hours that an Idempotency-Key is remembered",
  },
  {
    name: "guest_window_hours",
    takes: { kind: "count", min: 1, max: 8760 },
    default: 24,
    meaning: "hours after which a guest's free exchanges begin again",
  },
  {
    name: "guest_input_tokens_max",
    takes: count,
    default: 16_384,
    meaning: "upper bound of a guest's prompt in tokens",
  },
  {
    name: "guest_output_tokens_max",
    takes: count,
    default: 4096,
    meaning: "tokens of an answer to a guest",
  },
  {
    name: "incident_retention_days",
    takes: { kind: "count", min: 1, max: 36_500 },
    default: 90,
    meaning: "days that incidents are kept",
  },
];
