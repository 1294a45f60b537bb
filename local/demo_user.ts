/** The ready account of the local stack. */
export const DEMO_USER = { email: "demo@farebox.local", password: "farebox-demo" } as const;

/**
 * Signs the demo user up as anybody would, hook and welcome credit included, unless it exists.
 * @throws Error with Auth's answer when the sign-up is refused.
 */
export async function ensureDemoUser(url: string, publishableKey: string): Promise<void> {
  const response = await fetch(`${url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: publishableKey, "content-type": "application/json" },
    body: JSON.stringify(DEMO_USER),
  });
  const body = await response.text();
  if (response.ok || body.includes("user_already_exists")) return;
  throw new Error(`Cannot create the demo user: ${response.status} ${body}`);
}
