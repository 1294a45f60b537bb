/** `GET balance`, as a user's or a guest's. */
import { FareboxError } from "./errors.ts";
import { isObject, textOf } from "./failures.ts";
import type { Http, Owner } from "./http.ts";
import type { Balance } from "./types.ts";

type Exchanges = Extract<Balance, { kind: "guest" }>["exchanges"];

/** @throws FareboxError `BAD_ANSWER` where the answer has no balance. */
export async function readBalance(
  http: Http,
): Promise<{ readonly balance: Balance; readonly owner: Owner }> {
  const { json, owner } = await http.json("/balance");
  const { exchanges } = json;
  if (isObject(exchanges) && typeof exchanges.left === "number") {
    return { balance: { kind: "guest", exchanges: exchanges as unknown as Exchanges }, owner };
  }
  const balance = textOf(json.balance);
  if (balance === null) {
    throw new FareboxError(
      "The functions' address answered without a balance. Check the project's address.",
      { code: "BAD_ANSWER", status: 200, body: json },
    );
  }
  return {
    balance: {
      kind: "user",
      balance,
      currency: textOf(json.currency) ?? "USD",
      available: textOf(json.available),
      reserved: textOf(json.reserved),
    },
    owner,
  };
}
