/**
 * A client for `<farebox-usage>` that answers from a list of charges which the test writes:
 * `charges(count, days)`. With `held` a list, calls wait in it until the test ends them; with `refusal` a
 * code, all are refused.
 */
import type { Page } from "playwright-core";
import type { UsageSite } from "./usage_harness.ts";

const FAKE = `
const records = [];
const costs = new Set();
const owners = new Set();
const asked = [];
const listen = (listeners) => (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const answer = (name, make) => (query = {}) => {
  asked.push({ name, query });
  const { refusal, held } = globalThis;
  if (refusal) return Promise.reject(Object.assign(new Error(refusal), { code: refusal }));
  if (!held) return Promise.resolve(make(query));
  return new Promise((resolve, reject) => {
    held.push({ name, query, resolve: () => resolve(make(query)), reject });
  });
};
const within = ({ from, to, model }) =>
  records.filter((record) =>
    Date.parse(record.created_at) >= Date.parse(from) &&
    (!to || Date.parse(record.created_at) < Date.parse(to)) && (!model || record.model === model)
  );
const tokens = { input: 10, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 5 };
// Each costs a cent.
const sums = (list) => ({
  requests: list.length, tokens, cost: (BigInt(list.length) + 1000n).toString().replace(/^1?(\\d*)(\\d\\d)$/, "$1.$2"),
});

globalThis.held = null;
globalThis.refusal = null;
globalThis.asked = asked;
globalThis.charge = (at, model) => ({
  request_id: crypto.randomUUID(), chat_id: null, model, provider: "fake", tokens, cost: "0.01",
  collected: "0.01", uncollected: "0", basis: "reported", created_at: at, kind: "charge",
});
/** So many charges, the first one now, evenly over so many days. */
globalThis.charges = (count, days) => {
  records.length = 0;
  for (let index = 0; index < count; index++) {
    const at = new Date(Date.now() - Math.floor(index * days / count) * 86_400_000 - index).toISOString();
    records.push(charge(at, "fake:model-" + index % 3));
  }
};
globalThis.spend = () => {
  records.unshift(charge(new Date().toISOString(), "fake:new"));
  costs.forEach((listener) => listener({ chatId: null, requestId: records[0].request_id }));
};
globalThis.tellOwner = (owner) => owners.forEach((listener) => listener(owner));
globalThis.farebox = {
  onCost: listen(costs),
  onOwner: listen(owners),
  onBalance: listen(new Set()),
  usage: answer("usage", (query) => {
    const all = within(query);
    const start = query.before ? Number(query.before.split(".")[0]) : 0;
    const end = start + query.limit;
    return { records: all.slice(start, end), next_before: end < all.length ? end + ".0" : null };
  }),
  usageSummary: answer("usageSummary", (query) => {
    const all = within(query);
    const keyOf = ({ created_at, model }) => query.by === "day" ? created_at.slice(0, 10) : model;
    const keys = [...new Set(all.map(keyOf))].sort();
    const groups = keys.map((key) => ({ key, ...sums(all.filter((record) => keyOf(record) === key)) }));
    return { by: query.by, groups, total: sums(all) };
  }),
  transactions: answer("transactions", () => ({ transactions: [], next_before: null })),
  receipt: answer("receipt", () => { throw new Error("No receipt here"); }),
};
`;

/** The page with the fake in it, and these charges. */
export async function openWithFake(
  page: Page,
  site: UsageSite,
  charges: { readonly count: number; readonly days: number },
): Promise<void> {
  await page.goto(site.url);
  await page.waitForFunction("globalThis.web !== undefined");
  await page.evaluate(FAKE);
  await page.evaluate(`charges(${charges.count}, ${charges.days})`);
}
