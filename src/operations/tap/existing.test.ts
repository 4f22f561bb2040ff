import { expect, test } from "vitest";
import { isWickError } from "../../errors/index.ts";
import { addressesOf } from "./existing.ts";

const tap = {
  name: "tap0",
  index: 7,
  isUp: true,
  hasCarrier: false,
  alias: undefined,
  kind: "tap",
  isMultiQueue: false,
  addresses: [{ address: "172.16.0.1", prefix: 30 }],
} as const;

test("the machine's address is the one beside the host's", () => {
  const addresses = { host: "172.16.0.1", guest: "172.16.0.2", prefix: 30 };
  expect(addressesOf("tap0", tap)).toEqual(addresses);
});

test.each([
  ["SOURCE_NOT_FOUND", "there is no device tap0", undefined],
  ["USAGE", "tap0 is no TAP but a tun", { ...tap, kind: "tun" }],
  ["USAGE", "tap0 is no TAP", { ...tap, kind: undefined }],
  ["USAGE", "tap0 has several queues", { ...tap, isMultiQueue: true }],
  ["USAGE", "tap0 has no IPv4 address", { ...tap, addresses: [] }],
  [
    "USAGE",
    "the network of tap0 has no address but 172.16.0.1",
    { ...tap, addresses: [{ address: "172.16.0.1", prefix: 32 }] },
  ],
  ["USAGE", "tap0 is down", { ...tap, isUp: false }],
  ["IN_USE", "another program is attached to tap0", { ...tap, hasCarrier: true }],
])("%s: %s", (code, words, device) => {
  let error: unknown;
  try {
    addressesOf("tap0", device);
  } catch (thrown) {
    error = thrown;
  }
  if (!isWickError(error)) throw error;
  expect([error.code, error.message]).toEqual([
    code,
    expect.stringContaining(`Cannot give the machine a TAP: ${words}`),
  ]);
  expect(error.hint).toBeDefined();
});
