import { assertEquals } from "@std/assert";
import {
  canonicalAddress,
  clientAddress,
  clientAddressHeaders,
} from "../../shared/edge/client_address.ts";

const HOSTED = "https://abcdefghij.supabase.co";

function address(headers: Record<string, string>, supabaseUrl: string, configured?: string) {
  return clientAddress(new Headers(headers), clientAddressHeaders(supabaseUrl, configured));
}

Deno.test("on hosted Supabase the edge's own headers are believed before the list of proxies", () => {
  const all = {
    "cf-connecting-ip": "203.0.113.1",
    "x-real-ip": "203.0.113.2",
    "x-forwarded-for": "1.1.1.1, 203.0.113.3",
  };
  const { "cf-connecting-ip": _, ...others } = all;
  for (const domain of ["co", "in", "net"]) {
    const url = `https://abcdefghij.supabase.${domain}`;
    assertEquals(address(all, url), "203.0.113.1");
    assertEquals(address(others, url), "203.0.113.2");
    assertEquals(address({ "x-forwarded-for": all["x-forwarded-for"] }, url), "203.0.113.3");
  }
});

Deno.test("elsewhere nothing that a client can send changes its address", () => {
  const forged = { "cf-connecting-ip": "6.6.6.6", "x-real-ip": "7.7.7.7" };
  const forwarded = { "x-forwarded-for": "8.8.8.8, 203.0.113.9" };
  for (
    const url of [
      "http://127.0.0.1:54321",
      "http://kong:8000",
      "https://api.example.com",
      "https://supabase.co.example.com",
      "https://notsupabase.co",
      "https://example.com/x.supabase.co",
    ]
  ) {
    assertEquals(address({ ...forged, ...forwarded }, url), "203.0.113.9", url);
    assertEquals(address(forged, url), "unknown", url);
  }
});

Deno.test("a configured header is the only one that counts, hosted or not", () => {
  const headers = { "cf-connecting-ip": "203.0.113.1", "x-real-ip": "203.0.113.2" };
  for (const url of [HOSTED, "http://127.0.0.1:54321"]) {
    assertEquals(address(headers, url, "x-real-ip"), "203.0.113.2");
    assertEquals(address(headers, url, "fly-client-ip"), "unknown");
  }
});

Deno.test("no header and an unreadable one are both unknown", () => {
  assertEquals(address({}, HOSTED), "unknown");
  assertEquals(
    address({ "cf-connecting-ip": "localhost", "x-real-ip": "203.0.113.2" }, HOSTED),
    "unknown",
  );
});

Deno.test("all addresses of one /64 are one holder, and neighbouring networks are not", () => {
  const home = canonicalAddress("2001:db8:1:2:aaaa:bbbb:cccc:dddd");
  assertEquals(home, "2001:db8:1:2::/64");
  assertEquals(canonicalAddress("2001:DB8:1:2::1"), home);
  assertEquals(canonicalAddress("[2001:db8:1:2::1]:443"), home);
  assertEquals(canonicalAddress("2001:0db8:0001:0002::1%eth0"), home);
  assertEquals(canonicalAddress("2001:db8:1:3::1"), "2001:db8:1:3::/64");
  assertEquals(canonicalAddress("::1"), "0:0:0:0::/64");
});

Deno.test("an IPv4 address is the same one with a port, and mapped into IPv6", () => {
  for (
    const text of ["203.0.113.7", " 203.0.113.7:8080", "::ffff:203.0.113.7", "::ffff:cb00:7107"]
  ) {
    assertEquals(canonicalAddress(text), "203.0.113.7", text);
  }
});

Deno.test("what is no address is none", () => {
  for (
    const text of [
      "",
      "unknown",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      "1:2:3",
      "1::2::3",
      ":::",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::1",
      "::1.2.3.999",
    ]
  ) {
    assertEquals(canonicalAddress(text), undefined, text);
  }
});
