import { expect, test } from "vitest";
import { isWickError } from "../errors/index.ts";
import { planRun } from "./plan.ts";
import type { RunOptions } from "./options.ts";

const caller = { environment: {}, workingDirectory: "/", arch: "x86_64" } as const;
const plan = (options: Partial<RunOptions>) => planRun({ source: "app.ext4", ...options }, caller);

test("QEMU is what runs, and its own network what it has, unless Firecracker is asked for", () => {
  for (const vmm of [undefined, "auto", "qemu"] as const) {
    const { vmm: resolved, network } = plan(vmm === undefined ? {} : { vmm });
    expect([resolved, network]).toEqual(["qemu", "user"]);
  }
  const { vmm, network, accel } = plan({ vmm: "firecracker" });
  expect([vmm, network, accel]).toEqual(["firecracker", "relay", "kvm"]);
  expect(plan({ vmm: "firecracker", network: "none" }).network).toBe("none");
});

test.each<[Partial<RunOptions>, string, string]>([
  [{ accel: "tcg" }, "--accel tcg", "--vmm qemu"],
  [{ network: "user" }, "--network user", "relayed by init"],
  [{ publish: ["80", "53:53/udp"] }, "53:53/udp: the relay carries TCP alone", "--network user"],
  [{ network: "none", publish: ["80"] }, "--network none has no ports", "leave out"],
  [{ platform: "linux/arm64" }, "a machine for aarch64", "--vmm qemu"],
])("Firecracker and %j is refused with what to do", (options, words, hint) => {
  let error: unknown;
  try {
    plan({ vmm: "firecracker", ...options });
  } catch (thrown) {
    error = thrown;
  }
  if (!isWickError(error, "USAGE")) throw error;
  expect(error.message).toContain(words);
  expect(error.hint).toContain(hint);
});

test("ports that the network does not carry are refused with QEMU, too", () => {
  expect(() => plan({ network: "relay", publish: ["53/udp"] })).toThrow("TCP alone");
  expect(() => plan({ network: "none", publish: ["80"] })).toThrow("has no ports");
  expect(plan({ publish: ["53:53/udp"] }).ports).toHaveLength(1);
  expect(() => plan({ network: "none", publishAll: true })).toThrow("all ports (-P)");
});

test("a TAP is wick's own, or one that is named as devices are", () => {
  for (const vmm of ["qemu", "firecracker"] as const) {
    expect(plan({ vmm, network: "tap" })).toMatchObject({ network: "tap", tap: undefined });
    expect(plan({ vmm, network: "tap=tap0" })).toMatchObject({ network: "tap", tap: "tap0" });
  }
  expect(plan({ network: "tap=a-15-byte-nam.0" }).tap).toHaveLength(15);
  for (const name of [
    "",
    "sixteen-bytes-xx",
    "a/b",
    "a b",
    "a,script=/x",
    "tap%d",
    ".",
    "tap\u00e9",
  ]) {
    expect(() => plan({ network: `tap=${name}` })).toThrow("wanted 1 to 15 letters");
  }
  for (const network of ["", "bridge", "taps", "tap0"]) {
    expect(() => plan({ network })).toThrow("network: wanted user, relay, tap, tap=NAME or none");
  }
  expect(() => plan({ network: "tap", publish: ["53/udp"] })).toThrow("wick forwards TCP alone");
  expect(plan({ network: "tap", publish: ["80"] }).ports).toHaveLength(1);
});

test("a jail is Firecracker's alone, for a user of its own, with files of its own cgroup", () => {
  const jail = (options: Partial<RunOptions>) => plan({ vmm: "firecracker", ...options }).jail;
  expect(jail({})).toBeUndefined();
  expect(jail({ jailer: "20001:20002", jailerBase: "jails", cgroup: ["cpu.max=100 200"] })).toEqual(
    {
      uid: 20001,
      gid: 20002,
      baseDirectory: "/jails",
      makesBase: false,
      cgroups: ["cpu.max=100 200"],
    },
  );
  expect(jail({ jailer: "1:1" })).toMatchObject({ baseDirectory: "/srv/jailer", makesBase: true });
  for (const jailer of ["root", "1", "0:1", "1:0", "-1:1", "4294967295:1"]) {
    expect(() => jail({ jailer })).toThrow("wanted UID:GID");
  }
  for (const cgroup of ["../x=1", "memory.max", "memory.max=", "a/b.c=1", "cgroup.procs=0"]) {
    expect(() => jail({ jailer: "1:1", cgroup: [cgroup] })).toThrow("wanted FILE=VALUE");
  }
  expect(() => jail({ cgroup: ["memory.max=1"] })).toThrow("without --jailer");
  expect(() => jail({ jailerBase: "/x" })).toThrow("without --jailer");
  expect(() => plan({ jailer: "1:1" })).toThrow("Firecracker alone");
});

test("Firecracker's drives take an engine and rates, QEMU's none", () => {
  const drives = (options: Partial<RunOptions>) => plan({ vmm: "firecracker", ...options }).drives;
  expect(drives({})).toEqual({
    ioEngine: "sync",
    bytesPerSecond: undefined,
    requestsPerSecond: undefined,
  });
  expect(drives({ ioEngine: "async", driveRate: "20m/s", driveRequests: "500" })).toEqual({
    ioEngine: "async",
    bytesPerSecond: 20 << 20,
    requestsPerSecond: 500,
  });
  for (const driveRate of ["fast", "0", "-1"]) {
    expect(() => drives({ driveRate })).toThrow("the rate of the drives");
  }
  for (const driveRequests of ["0", "1.5", "1000001", "many"]) {
    expect(() => drives({ driveRequests })).toThrow("from 1 to 1000000");
  }
  expect(() => plan({ driveRate: "1m" })).toThrow("Cannot use --drive-rate with QEMU");
  expect(() => plan({ ioEngine: "sync" })).toThrow("Cannot use --io-engine with QEMU");
  expect(() => plan({ driveRequests: "1" })).toThrow("Cannot use --drive-requests with QEMU");
});

test("metrics are Firecracker's, and go to a file", () => {
  expect(plan({ vmm: "firecracker", metrics: "m.jsonl" }).metrics).toBe("/m.jsonl");
  expect(plan({ vmm: "firecracker" }).metrics).toBeUndefined();
  expect(() => plan({ metrics: "m" })).toThrow("Cannot use --metrics with QEMU");
});

test("memory that is reserved is less than what the machine may have", () => {
  const reserved = { memory: "512m", memoryReservation: "128m" };
  expect(plan(reserved)).toMatchObject({ memoryMiB: 512, reservationMiB: 128 });
  expect(plan({}).reservationMiB).toBeUndefined();
  for (const memoryReservation of ["256m", "1g"]) {
    expect(() => plan({ memoryReservation })).toThrow(/wanted less than the memory, 256 MiB/);
  }
  expect(() => plan({ memoryReservation: "much" })).toThrow(/"much"/);
});
