/**
 * Who is calling, as far as the network tells: used to hold a guest's free exchanges and the daily
 * cap of sign-ups, so that throwing a cookie away buys nothing. Only a keyed hash is ever kept.
 */
import { toHex } from "./constant_time.ts";

/** The holder of every request whose address is unknown: they all share one allowance. */
export const UNKNOWN_ADDRESS = "unknown";

/** Behind the edge of hosted Supabase, which writes the first two itself, over whatever came in. */
const HOSTED_HEADERS = ["cf-connecting-ip", "x-real-ip", "x-forwarded-for"];
/** Elsewhere these are the client's own words, but for the last entry that our own proxy adds. */
const SELF_HOSTED_HEADERS = ["x-forwarded-for"];

/**
 * The headers to believe about a client's address, best first.
 *
 * @param configured the one header that the operator names (`CLIENT_ADDRESS_HEADER`): then only that.
 */
export function clientAddressHeaders(supabaseUrl: string, configured?: string): readonly string[] {
  if (configured) return [configured];
  const { hostname } = new URL(supabaseUrl);
  return /\.supabase\.(co|in|net)$/.test(hostname) ? HOSTED_HEADERS : SELF_HOSTED_HEADERS;
}

/**
 * The client's address in canonical form: an IPv4 address, or the /64 network of an IPv6 address
 * (one household, one holder), or `UNKNOWN_ADDRESS`.
 *
 * @param names the headers to believe, of which the first that is there counts. Of a list, the
 * right-most entry: the only one that a proxy and not the client wrote.
 */
export function clientAddress(headers: Headers, names: readonly string[]): string {
  for (const name of names) {
    const value = headers.get(name);
    if (value === null) continue;
    return canonicalAddress(value.split(",").at(-1)!) ?? UNKNOWN_ADDRESS;
  }
  return UNKNOWN_ADDRESS;
}

/** A keyed hash of an address as 64 hexadecimal digits: stable, and not reversible without the salt. */
export async function addressHash(address: string, salt: string): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(salt),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return toHex(
    new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(address))),
  );
}

/** An address as written in a header or payload, in canonical form; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  let address = text.trim();
  const bracketed = /^\[([^\]]+)\](:\d+)?$/.exec(address);
  if (bracketed) address = bracketed[1]!;
  else if (/^[\d.]+:\d+$/.test(address)) address = address.replace(/:\d+$/, "");
  if (!address.includes(":")) return canonicalV4(address);

  const groups = expandV6(address.split("%", 1)[0]!);
  if (groups === undefined) return undefined;
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) {
    return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
  }
  return groups.slice(0, 4).map((group) => group.toString(16)).join(":") + "::/64";
}

function canonicalV4(text: string): string | undefined {
  const octets = text.split(".");
  const valid = octets.length === 4 &&
    octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  return valid ? octets.map(Number).join(".") : undefined;
}

/** The eight groups of an IPv6 address, `::` and a dotted IPv4 tail included. */
function expandV6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const octets = canonicalV4(part)?.split(".").map(Number);
      if (octets === undefined) return undefined;
      groups.push(octets[0]! * 256 + octets[1]!, octets[2]! * 256 + octets[3]!);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}
