import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { compileInitPart } from "../../test/support/init-part.ts";

/** What init reads of each line. */
function readAll(lines: readonly string[]): string[] {
  const program = compileInitPart("kernel-ip-main.c", ["kernel-ip.c", "text.c", "copy.c"]);
  return lines.map((line) => execFileSync(program, [line], { encoding: "utf8" }));
}

const addresses: Readonly<Record<string, string>> = {
  "ip=172.16.0.42::172.16.0.1:255.255.255.0::eth0:off": "172.16.0.42/24 172.16.0.1 eth0",
  "quiet ip=10.1.2.3::10.1.2.1:255.255.255.252::eth1:off panic=1\n": "10.1.2.3/30 10.1.2.1 eth1",
  "ip=10.0.0.2": "10.0.0.2/8  eth0",
  "ip=172.16.0.2": "172.16.0.2/16  eth0",
  "ip=192.168.0.2:::::": "192.168.0.2/24  eth0",
  "ip=1.2.3.4 ip=5.6.7.8:::255.255.255.255": "5.6.7.8/32  eth0",
  "ip=1.2.3.4:::255.255.0.0:name:a-name-of-16-bytes-and-more": "1.2.3.4/16  a-name-of-16-by",
};

test("init reads an address, gateway, mask and device as the kernel does, with its defaults", () => {
  expect(readAll(Object.keys(addresses))).toEqual(Object.values(addresses));
});

test("no word, one that says off, one behind -- and one inside another ask for no address", () => {
  const lines = ["", "quiet", "ip=", "ip=off", "ip=none:x", "-- ip=1.2.3.4", "zip=1.2.3.4"];
  expect(readAll(lines)).toEqual(lines.map(() => "none"));
});

test("what is no address is said to be broken, and never half-read", () => {
  const words = [
    "dhcp",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4567",
    "1.2.3.4.5",
    "1.2.3.4::gateway",
    "1.2.3.4:::255.0.255.0",
    "1.2.3.4:::mask",
  ];
  expect(readAll(words.map((word) => `ip=${word}`))).toEqual(words.map(() => "broken"));
});
