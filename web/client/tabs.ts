/** Tabs of one browser tell each other at once what an answer has left. */
import { isObject } from "./failures.ts";
import type { Owner } from "./http.ts";

/** Of a user: the balance after a charge. Of a guest: the free exchanges that are left. */
export type Heard = { readonly balance: string } | { readonly left: number };

export interface Tabs {
  open(): void;
  tell(owner: Owner, heard: Heard): void;
  close(): void;
}

/** @param hear called with what another tab tells, and of whom. */
export function createTabs(url: string, hear: (owner: Owner, heard: Heard) => void): Tabs {
  let channel: BroadcastChannel | null = null;
  const make = () =>
    typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`farebox-balance ${url}`);
  return {
    open() {
      channel = make();
      if (channel === null) return;
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (!isObject(data)) return;
        const { owner, balance, left } = data;
        if (owner !== null && typeof owner !== "string") return;
        if (typeof balance === "string") hear(owner, { balance });
        else if (typeof left === "number") hear(owner, { left });
      };
    },
    tell(owner, heard) {
      const to = channel ?? make();
      to?.postMessage({ owner, ...heard });
      if (to !== channel) to?.close();
    },
    close() {
      channel?.close();
      channel = null;
    },
  };
}
