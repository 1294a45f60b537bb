/** All checks, in the order of the report; what another needs stands before it. */
import { CATALOGUE_CHECKS } from "./check_catalogue.ts";
import { CHAT_CHECKS } from "./check_chat.ts";
import { FUNCTION_CHECKS } from "./check_functions.ts";
import { LIMIT_CHECKS } from "./check_limits.ts";
import { MIGRATION_CHECK } from "./check_migrations.ts";
import { OPERATION_CHECKS, PRICE_CHECK, RECONCILE_CHECK } from "./check_operation.ts";
import { PROJECT_CHECKS } from "./check_project.ts";
import { CATALOGUE_ROLE_CHECKS, USER_ROLE_CHECKS } from "./check_roles.ts";
import { SIGN_UP_CHECKS } from "./check_sign_up.ts";
import type { Check } from "./finding.ts";

export const CHECKS: readonly Check[] = [
  ...PROJECT_CHECKS,
  MIGRATION_CHECK,
  ...CATALOGUE_CHECKS,
  PRICE_CHECK,
  ...CATALOGUE_ROLE_CHECKS,
  ...OPERATION_CHECKS,
  ...FUNCTION_CHECKS,
  ...SIGN_UP_CHECKS,
  ...USER_ROLE_CHECKS,
  ...CHAT_CHECKS,
  ...LIMIT_CHECKS,
  RECONCILE_CHECK,
];
