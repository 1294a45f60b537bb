/** What a check is, and what it can find. */
import type { Target } from "../target.ts";
import type { Facts } from "./facts.ts";
import type { Project } from "./project.ts";
import type { Spending } from "./spending.ts";
import type { TestUser } from "./test_users.ts";

/**
 * What was found. `says` is what is so; `todo` is what to do about it, an imperative sentence;
 * `items` are its parts, one a line.
 */
export type Finding =
  | { readonly state: "ok"; readonly says: string }
  | {
    /** A warning weakens something on purpose, or is soon to be wrong; it fails nothing. */
    readonly state: "failed" | "warning";
    readonly says: string;
    readonly todo: string;
    readonly items?: readonly string[];
  }
  | { readonly state: "skipped"; readonly says: string; readonly todo?: string };

/** One line of the doctor's report. */
export interface Check {
  /** For `--only`. */
  readonly id: string;
  /** What is to be, as a short statement: it stands on the line. */
  readonly title: string;
  /** Checks without whose good end this one can't be made. */
  readonly needs?: readonly string[];
  /** Checks whose failing would only be told again by this one. */
  readonly after?: readonly string[];
  examine(examination: Examination): Promise<Finding>;
}

export interface DoctorOptions {
  readonly skipChat: boolean;
  /** `provider:model` to chat with; null: the cheapest that is enabled. */
  readonly model: string | null;
  /** Address of the page that shows the components; null: not known. */
  readonly page: string | null;
  /** `v1,whsec_…` of the before-user-created hook; null: not known. */
  readonly hookSecret: string | null;
}

/** What all checks of one run share. */
export interface Examination {
  readonly target: Target;
  readonly project: Project;
  readonly options: DoctorOptions;
  /** Tells the operator something before it is done. */
  readonly say: (line: string) => void;
  /** What checks have found out, for those that need them. */
  readonly known: Known;
}

export interface Known {
  /** By `migrations`. */
  facts?: Facts;
  /** By `sign_up`: two who signed up just now. */
  users?: readonly [TestUser, TestUser];
  /** By `models_enabled`. */
  model?: string;
  /** By `chat`: the one metered request. */
  spending?: Spending;
}

export function ok(says: string): Finding {
  return { state: "ok", says };
}

export function failed(says: string, todo: string, items?: readonly string[]): Finding {
  return { state: "failed", says, todo, ...(items && { items }) };
}

export function warning(says: string, todo: string): Finding {
  return { state: "warning", says, todo };
}

export function skipped(says: string, todo?: string): Finding {
  return { state: "skipped", says, ...(todo && { todo }) };
}

/** What an earlier check has found: `needs` sees to it that it did. */
export function found<K extends keyof Known>(
  { known }: Pick<Examination, "known">,
  name: K,
): NonNullable<Known[K]> {
  const value = known[name];
  if (value === undefined) throw new Error(`A check uses ${name} without needing who finds it`);
  return value as NonNullable<Known[K]>;
}
