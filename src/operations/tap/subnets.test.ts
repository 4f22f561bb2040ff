import { expect, test } from "vitest";
import { addressBeside, freeSubnet, isTaken, macOf, netmask } from "./subnets.ts";

const subnet = (text: string) => {
  const [address = "", prefix] = text.split("/");
  return { address, prefix: Number(prefix ?? 32) };
};
const firstFree = (...used: string[]) => freeSubnet(used.map(subnet));

test("a TAP gets the first subnet of two addresses, and another machine the next one", () => {
  const first = { host: "172.30.252.1", guest: "172.30.252.2", prefix: 30 };
  expect(firstFree()).toEqual(first);
  expect(firstFree("172.30.252.1/30")?.guest).toBe("172.30.252.6");
  expect(firstFree("172.30.252.1/30", "172.30.252.4/30")?.guest).toBe("172.30.252.10");
  // The one between is free again.
  expect(firstFree("172.30.252.0/30", "172.30.252.8/30")?.guest).toBe("172.30.252.6");
});

test("a command that gives way goes on from another place, as long as there are several", () => {
  expect(freeSubnet([], 2)?.guest).toBe("172.30.252.10");
  expect(freeSubnet([subnet("172.30.252.4/30")], 2)?.guest).toBe("172.30.252.14");
  const nearlyAll = ["172.30.252.4/30", "172.30.252.8/29", "172.30.252.16/28"].map(subnet);
  for (const prefix of [27, 26, 25]) {
    nearlyAll.push({ address: `172.30.252.${2 ** (32 - prefix)}`, prefix });
  }
  const rest = ["172.30.253.0/24", "172.30.254.0/23", "100.64.0.0/10", "10.0.0.0/8"].map(subnet);
  const used = [...nearlyAll, ...rest, subnet("192.168.0.0/16")];
  expect(freeSubnet(used, 2)?.guest).toBe("172.30.252.2");
});

test("whatever overlaps is passed over: one address, a larger network, a whole range", () => {
  expect(firstFree("172.30.252.3")?.host).toBe("172.30.252.5");
  expect(firstFree("172.30.252.128/25")?.host).toBe("172.30.252.1");
  expect(firstFree("172.30.252.0/25")?.host).toBe("172.30.252.129");
  expect(firstFree("172.30.0.0/16")?.host).toBe("100.127.252.1");
  expect(firstFree("172.16.0.0/12", "100.64.0.0/10")?.host).toBe("10.213.252.1");
  expect(firstFree("172.16.0.0/12", "100.64.0.0/10", "10.0.0.0/8")?.host).toBe("192.168.252.1");
  expect(firstFree("172.16.0.0/12", "100.64.0.0/10", "10.0.0.0/8", "192.168.0.0/16")).toBe(
    undefined,
  );
});

test("a route for half of all addresses is a default route, and no network that is in use", () => {
  expect(firstFree("0.0.0.0/1", "128.0.0.0/1")?.host).toBe("172.30.252.1");
  expect(isTaken(subnet("10.0.0.0/30"), [subnet("10.0.0.0/8")])).toBe(true);
});

test.each([
  ["172.16.0.1/30", "172.16.0.2"],
  ["172.16.0.2/30", "172.16.0.1"],
  ["192.168.7.1/24", "192.168.7.2"],
  ["192.168.7.254/24", "192.168.7.253"],
  ["10.0.0.255/23", "10.0.1.0"],
  ["172.16.0.0/31", "172.16.0.1"],
  ["172.16.0.1/31", "172.16.0.0"],
  ["255.255.255.1/30", "255.255.255.2"],
  ["172.16.0.1/32", undefined],
])("beside %s the machine has %s", (host, guest) => {
  expect(addressBeside(subnet(host))).toBe(guest);
});

test("the kernel's mask of a prefix, and a card's address for each machine", () => {
  expect([30, 24, 22, 8].map(netmask)).toEqual([
    "255.255.255.252",
    "255.255.255.0",
    "255.255.252.0",
    "255.0.0.0",
  ]);
  expect(macOf("172.30.252.2")).toBe("06:00:ac:1e:fc:02");
});
