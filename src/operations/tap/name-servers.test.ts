import { expect, test } from "vitest";
import { serversIn } from "./name-servers.ts";

test("name servers on the host's own loopback, and of IPv6, are not handed on", () => {
  const text = [
    "# nameserver 9.9.9.9",
    "search example.org",
    "nameserver 127.0.0.53",
    "nameserver\t192.0.2.1",
    "nameserver fe80::1%eth0",
    "nameserver 192.0.2.2 ",
    "nameserver 0.0.0.0",
    "nameserver 192.0.2.300",
    "nameserver 192.0.2.3",
    "nameserver 192.0.2.4",
    "",
  ].join("\n");
  expect(serversIn(text)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  expect(serversIn("")).toEqual([]);
});
