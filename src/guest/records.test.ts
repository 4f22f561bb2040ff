import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isWickError } from "../errors/index.ts";
import { decodeRecords, encodeRecords, type InitRecords } from "./records.ts";

const DRIVE = "01234567-89ab-8def-8123-456789abcdef";
const driveMount = (source: string) => ({
  mounts: [{ source, target: "/x", fstype: "ext4", flags: 1, data: "" }],
});

const full: InitRecords = {
  argv: ["/bin/app", "", "ä b"],
  env: ["PATH=/bin", "EMPTY="],
  directory: "/srv",
  uid: 0xffffffff,
  gid: 7,
  groups: [7, 8],
  stopSignal: 3,
  hostname: "app",
  addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
  gateway: "10.0.2.2",
  nameservers: ["10.0.2.3"],
  search: ["example.org"],
  hosts: ["10.0.2.2 host.internal"],
  ports: [80, 65535],
  mounts: [
    { source: "tmpfs", target: "/x", fstype: "tmpfs", flags: 6, data: "size=1m" },
    { source: `UUID=${DRIVE}/data`, target: "/a b,c=d", fstype: "ext4", flags: 1, data: "" },
  ],
  ending: "restart",
  limits: [{ resource: "nofile", soft: 1024, hard: "unlimited" }],
  readOnly: true,
  names: true,
  relay: "10.0.2.15",
  modules: ["/lib/modules/a.ko", "/lib/modules/b.ko"],
  root: { uuid: "01234567-89ab-cdef-0123-456789abcdef", fstype: "ext4", mode: "overlay" },
  overlay: { uuid: "fedcba98-7654-3210-fedc-ba9876543210" },
  rootWaitMs: 500,
};

test("every key of init's records comes back as it was written", () => {
  expect(decodeRecords(encodeRecords(full))).toEqual(full);
  expect(decodeRecords(encodeRecords({}))).toEqual({});
});

test("an empty list is written, so that run.rec can take the image's away", () => {
  const emptied: InitRecords = {
    env: [],
    groups: [],
    ports: [],
    mounts: [],
    gateway: "",
    relay: "",
  };
  expect(decodeRecords(encodeRecords(emptied))).toEqual(emptied);
  expect(decodeRecords(encodeRecords({ overlay: "tmpfs", argv: [""] }))).toEqual({
    overlay: "tmpfs",
    argv: [""],
  });
});

test("the bytes of a small record file are those that docs/init.md shows", () => {
  const hex = Buffer.from(encodeRecords({ argv: ["ls"], uid: 33 })).toString("hex");
  expect(hex).toBe(
    ["5749434b2d524543", "01000000", "12000000", "0180020000006c73", "04800400000021000000"].join(
      "",
    ),
  );
});

test.each([
  ["an empty argv", { argv: [] }],
  ["a NUL in an argument", { argv: ["a\0b"] }],
  ["an environment word without a name", { env: ["=x"] }],
  ["a relative directory", { directory: "srv" }],
  ["a drive whose UUID is broken", driveMount("UUID=0123/data")],
  ["a drive without a name in it", driveMount(`UUID=${DRIVE}`)],
  ["a drive and a name that leads out of it", driveMount(`UUID=${DRIVE}/..`)],
  ["a drive and a path in it", driveMount(`UUID=${DRIVE}/a/b`)],
  ["a user below zero", { uid: -1 }],
  ["an address with a leading zero", { gateway: "10.0.2.02" }],
  ["an address without a prefix", { addresses: [{ interface: "eth0", address: "10.0.2.15" }] }],
  ["a prefix over 32", { addresses: [{ interface: "eth0", address: "10.0.2.15/33" }] }],
  ["a long interface name", { addresses: [{ interface: "e".repeat(16), address: "1.1.1.1/8" }] }],
  ["a line break in a name server", { nameservers: ["1.1.1.1\nsearch x"] }],
  ["a signal of 65", { stopSignal: 65 }],
  ["a port over 65535", { ports: [65536] }],
  ["a word over MAX_ARG_STRLEN", { argv: ["x".repeat(1 << 17)] }],
  ["more than a mebibyte", { env: Array.from({ length: 9 }, () => "A=" + "x".repeat(131000)) }],
  ["a UUID that is none", { overlay: { uuid: "1234" } }],
] satisfies [string, InitRecords][])("%s is refused with a WickError", (_, records) => {
  expect(() => encodeRecords(records)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/CONFIG_INVALID|VALUE_OUT_OF_RANGE/u) }),
  );
});

test("an unknown key is skipped, unless it must be understood", () => {
  const bytes = encodeRecords({ uid: 1 });
  const ignorable = bytes.slice();
  new DataView(ignorable.buffer).setUint16(16, 0x7001, true);
  expect(decodeRecords(ignorable)).toEqual({});
  new DataView(ignorable.buffer).setUint16(16, 0xf001, true);
  expect(() => decodeRecords(ignorable)).toThrow(
    expect.objectContaining({ code: "IMAGE_INVALID" }),
  );
});

test("another version is refused", () => {
  const bytes = encodeRecords(full);
  bytes[8] = 2;
  expect(() => decodeRecords(bytes)).toThrow("version 2");
});

test("a file cut anywhere is refused", () => {
  const bytes = encodeRecords(full);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeRecords(bytes.subarray(0, length))).toThrow(
      expect.objectContaining({ code: "IMAGE_INVALID" }),
    );
  }
});

test("mutated record files give records or a WickError, nothing else", () => {
  const bytes = encodeRecords(full);
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const mutated = bytes.slice();
      for (const [at, value] of changes) mutated[at] = value;
      try {
        decodeRecords(mutated);
      } catch (error) {
        if (!isWickError(error, "IMAGE_INVALID")) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
