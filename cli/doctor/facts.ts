/** What the catalogue of a project says, and what it should say. */
import * as z from "zod/mini";
import type { Target } from "../target.ts";
import expectedFacts from "./expected_facts.json" with { type: "json" };

const definitions = z.record(z.string(), z.string());
const Role = z.enum(["anon", "authenticated", "service_role"]);
export type Role = z.infer<typeof Role>;

const Relation = z.object({
  is_table: z.boolean(),
  row_security: z.boolean(),
  /** Type and "not null", by name. */
  columns: definitions,
  privileges: z.record(Role, z.array(z.string())),
});
const DbFunction = z.object({
  name: z.string(),
  schema: z.string(),
  arguments: z.array(z.string()),
  is_trigger: z.boolean(),
  is_definer: z.boolean(),
  body_md5: z.string(),
  execute: z.array(Role),
});
export type DbFunction = z.infer<typeof DbFunction>;

const Catalogue = z.object({
  /** By name with schema, such as `public.user_balances`. */
  relations: z.record(z.string(), Relation),
  /** By signature, such as `public.receipt(uuid,uuid)`. */
  functions: z.record(z.string(), DbFunction),
  /** These four by `<table>: <name>`; indexes by their name with schema. */
  policies: definitions,
  constraints: definitions,
  triggers: definitions,
  indexes: definitions,
  /** `provider:model` of each that has a price. */
  models: z.array(z.string()),
});

const Facts = z.extend(Catalogue, {
  /** Null where nothing records which migrations were applied. */
  migrations: z.nullable(z.array(z.object({ version: z.string(), md5: z.string() }))),
  /** Null without pg_cron. */
  jobs: z.nullable(z.record(
    z.string(),
    z.object({ schedule: z.string(), active: z.boolean(), last_failure: z.nullable(z.string()) }),
  )),
  extensions: z.array(z.string()),
  prices_checked_at: z.nullable(z.string()),
  settings: z.record(z.string(), z.nullable(z.string())),
  reservations_overdue: z.number(),
});
export type Facts = z.infer<typeof Facts>;

/** What a database has to which all migrations of this repo were applied. */
export const EXPECTED = z.parse(
  z.extend(Catalogue, { public_names: z.array(z.string()) }),
  expectedFacts,
);

/** Asks the project. @throws LedgerUnavailable, a refusal. */
export function readFacts(target: Target): Promise<Facts> {
  return target.call("doctor_facts", { p_public_names: EXPECTED.public_names }, Facts);
}
