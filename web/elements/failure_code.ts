/** @returns what was refused, by its code and not its class: the client may be of another bundle. */
export function codeOf(cause: unknown): string | null {
  return cause instanceof Error && "code" in cause ? String(cause.code) : null;
}
