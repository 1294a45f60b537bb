/**
 * What the sign-up webhooks send, reduced to what is needed. Everything else is not looked at.
 */
import * as z from "zod/mini";

const User = z.object({
  id: z.uuid(),
  email: z.nullish(z.string()),
  is_anonymous: z.nullish(z.boolean()),
});

/** A hook of Supabase Auth. The name tells which. */
const AuthHook = z.object({
  metadata: z.object({ name: z.string(), ip_address: z.nullish(z.string()) }),
  user: User,
});

/** A database webhook on `auth.users`. An update may turn an anonymous user into a real one. */
const DatabaseWebhook = z.object({
  type: z.enum(["INSERT", "UPDATE", "DELETE"]),
  schema: z.literal("auth"),
  table: z.literal("users"),
  record: z.nullish(z.object({ id: z.uuid() })),
});

export type AuthHookEvent = {
  name: string;
  userId: string;
  email: string | null;
  isAnonymous: boolean;
  ipAddress: string | null;
};

/** Reads a hook of Supabase Auth from its JSON; undefined when it has another form. */
export function readAuthHook(body: string): AuthHookEvent | undefined {
  const parsed = AuthHook.safeParse(parseJson(body));
  if (!parsed.success) return undefined;
  const { metadata, user } = parsed.data;
  return {
    name: metadata.name,
    userId: user.id,
    // Auth sends "" for a user who signs up by phone.
    email: user.email || null,
    isAnonymous: user.is_anonymous ?? false,
    ipAddress: metadata.ip_address || null,
  };
}

/**
 * The user whose account a database webhook may be about: null when there is nothing to do (a
 * deletion), undefined when the JSON has another form.
 */
export function readDatabaseWebhook(body: string): { userId: string | null } | undefined {
  const parsed = DatabaseWebhook.safeParse(parseJson(body));
  if (!parsed.success) return undefined;
  const { type, record } = parsed.data;
  if (type === "DELETE") return { userId: null };
  return record ? { userId: record.id } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
