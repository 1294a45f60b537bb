import { assertEquals } from "@std/assert";
import { canonicalAddress, clientAddress } from "../../shared/edge/client_address.ts";

function address(headers: Record<string, string>, header?: string): string {
  return clientAddress(new Headers(headers), header);
}

Deno.test("the platform's own header is believed before those that a client can send", () => {
  assertEquals(
    address({
      "cf-connecting-ip": "203.0.113.1",
      "x-real-ip": "203.0.113.2",
      "x-forwarded-for": "203.0.113.3",
    }),
    "203.0.113.1",
  );
  assertEquals(
    address({ "x-real-ip": "203.0.113.2", "x-forwarded-for": "1.1.1.1" }),
    "203.0.113.2",
  );
});

Deno.test("of x-forwarded-for only the right-most entry counts: the client writes the others", () => {
  assertEquals(address({ "x-forwarded-for": "6.6.6.6, 7.7.7.7, 203.0.113.9" }), "203.0.113.9");
});

Deno.test("a configured header is the only one that counts", () => {
  const headers = { "cf-connecting-ip": "203.0.113.1", "x-real-ip": "203.0.113.2" };
  assertEquals(address(headers, "x-real-ip"), "203.0.113.2");
  assertEquals(address(headers, "fly-client-ip"), "unknown");
});

Deno.test("no header and an unreadable one are both unknown", () => {
  assertEquals(address({}), "unknown");
  assertEquals(address({ "cf-connecting-ip": "localhost", "x-real-ip": "203.0.113.2" }), "unknown");
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
