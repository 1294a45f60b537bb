/** The secret by which the local stack signs its sign-up hook; null where there is none. */
export async function hookSecretOf(dataFolder: string): Promise<string | null> {
  try {
    const { hookSecret } = JSON.parse(await Deno.readTextFile(`${dataFolder}/secrets.json`));
    return typeof hookSecret === "string" ? hookSecret : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
