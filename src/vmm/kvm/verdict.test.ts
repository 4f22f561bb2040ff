import { execFileSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../test/support/at-once.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError } from "../../errors/index.ts";
import { setFaults } from "../../host/index.ts";
import { kvmVerdict } from "./verdict.ts";

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => setFaults([]));

/** A script in the probe's place that also counts how often it was run. */
function standIn(script: string): { program: string; device: string; runs: () => number } {
  const [program, counted] = [join(directory, "probe"), join(directory, "counted")];
  writeFileSync(program, `#!/bin/sh\necho run >> ${counted}\n${script}\n`, { mode: 0o755 });
  const runs = (): number =>
    existsSync(counted) ? readFileSync(counted, "latin1").split("\n").length - 1 : 0;
  return { program, device: "/dev/null", runs };
}

function canOpenKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const WALK = "printf 'open\\nmachine\\nmemory\\nprocessor\\nreal mode\\n'";

test("this host's verdict comes within the deadline, with every step up to its reason", async () => {
  const start = performance.now();
  const verdict = await kvmVerdict();
  expect(performance.now() - start).toBeLessThan(5000 + AT_ONCE_MS);
  if (verdict.works) {
    expect(verdict.passed.slice(0, 4)).toEqual(["open", "machine", "memory", "processor"]);
    expect(verdict.passed.at(-1)).toBe("work");
  } else {
    expect(verdict.reason).not.toBe("");
    expect(verdict.hint).toBeDefined();
    expect(verdict.passed).not.toContain("work");
  }
});

test("a device that is not there, and one that is no KVM, are a no that says so", async () => {
  const missing = await kvmVerdict({ device: join(directory, "kvm") });
  expect(missing).toMatchObject({ works: false, passed: [] });
  expect(missing.reason).toBe(`this host has no ${join(directory, "kvm")}`);
  expect(missing.hint).toContain("kvm_intel or kvm_amd");
  const other = await kvmVerdict({ device: "/dev/null" });
  expect(other.reason).toBe("KVM refused KVM_GET_API_VERSION (ENOTTY)");
  expect(other.passed).toEqual(["open"]);
});

test.each([
  ["failed open 13", "this user may not open /dev/null (EACCES)", "group kvm"],
  ["failed open 24", "/dev/null cannot be opened (EMFILE)", "nested"],
  ["failed KVM_CREATE_VM 16", "another hypervisor holds the processor", "other hypervisor"],
  ["failed KVM_CREATE_IRQCHIP 19", "KVM refused KVM_CREATE_IRQCHIP (ENODEV)", "nested"],
  ["failed KVM_RUN: exit 8", "went astray before its first step (it shut down by", "ordinary"],
  ["failed KVM_RUN: station 255", "(it found a wrong value)", "ordinary"],
  ["failed KVM_RUN: exit 99", "(exit 99)", "ordinary"],
])("%s is said in words", async (line, reason, hint) => {
  const verdict = await kvmVerdict(standIn(`echo '${line}'; exit 1`));
  expect(verdict.works).toBe(false);
  expect(verdict.reason).toContain(reason);
  expect(verdict.hint).toContain(hint);
});

test("a guest that stands still is a no after the deadline, and its processes are gone", async () => {
  const { program, device } = standIn(`${WALK}; trap '' TERM; sleep 100 & wait; sleep 100`);
  const start = performance.now();
  const verdict = await kvmVerdict({ program, device, deadlineMs: 500 });
  expect(performance.now() - start).toBeLessThan(20_000); // not the 100 s that it sleeps
  expect(verdict.works).toBe(false);
  expect(verdict.reason).toBe('a probe guest stood still after the step "real mode" for 0.5 s');
});

/** The probe with a guest that never comes further than real mode. */
function standingProbe(): string {
  const parts = fileURLToPath(new URL("probe", import.meta.url));
  const start = fileURLToPath(new URL("../../guest/init/start.S", import.meta.url));
  const guest = new URL("../../../test/support/guest/standing-guest.S", import.meta.url);
  const program = join(directory, "standing");
  const flags = ["-std=c11", "-Os", "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-w"];
  const more = ["-fno-builtin", "-fno-stack-protector", `-I${parts}`, "-o", program];
  const sources = ["main.c", "x86_64.c"].map((name) => join(parts, name));
  execFileSync("cc", [...flags, ...more, ...sources, fileURLToPath(guest), start]);
  return program;
}

test.skipIf(process.arch !== "x64" || !canOpenKvm())(
  "where KVM holds a real guest for ever, the probe is killed in it",
  async () => {
    const verdict = await kvmVerdict({ program: standingProbe(), deadlineMs: 1000 });
    expect(verdict.reason).toBe('a probe guest stood still after the step "real mode" for 1 s');
    expect(verdict.passed).toEqual(["open", "machine", "memory", "processor", "real mode"]);
  },
);

test.each([
  ["a probe that is killed", `${WALK}; kill -SEGV $$`, "SIGSEGV"],
  ["one that says it works and fails", "echo works; exit 3", "status 3"],
  ["one that ends well and says nothing", "exit 0", "status 0"],
  ["one that goes on after it", "echo works; echo more", "status 0"],
  ["garbage", "head -c 100000 /dev/urandom", "status 0"],
  ["a file that is no program", "\0", "status"],
])("%s is a no", async (_, script, how) => {
  const verdict = await kvmVerdict(standIn(script));
  expect(verdict.works).toBe(false);
  expect(verdict.reason).toContain(how);
  expect(verdict.passed.every((step) => /^[\w ]+$/.test(step))).toBe(true);
});

test("a verdict that a guest gave is kept for this boot, private to its user", async () => {
  const { runs, ...probe } = standIn(`${WALK}; echo works`);
  const kept = join(directory, "cache");
  const first = await kvmVerdict({ ...probe, directory: kept });
  expect(first).toEqual({ works: true, reason: expect.anything(), passed: expect.anything() });
  expect(await kvmVerdict({ ...probe, directory: kept })).toEqual({ ...first, isRemembered: true });
  expect(runs()).toBe(1);
  expect(statSync(join(kept, "kvm.json")).mode & 0o777).toBe(0o600);
  await kvmVerdict({ ...probe, directory: kept, doubtsNo: true });
  expect(runs()).toBe(1);
  await kvmVerdict(probe); // without a directory nothing is looked up
  expect(runs()).toBe(2);
});

test("a no by a guest is kept with its hint, one by KVM's refusal is asked anew", async () => {
  const astray = standIn(`${WALK}; echo 'failed KVM_RUN: exit 8'; exit 1`);
  const first = await kvmVerdict({ ...astray, directory });
  expect(await kvmVerdict({ ...astray, directory })).toEqual({ ...first, isRemembered: true });
  expect(astray.runs()).toBe(1);
  expect(await kvmVerdict({ ...astray, directory, doubtsNo: true })).toEqual(first);
  expect(astray.runs()).toBe(2);
  const refused = standIn("echo open; echo 'failed KVM_CREATE_VM 16'; exit 1");
  await kvmVerdict({ ...refused, directory });
  await kvmVerdict({ ...refused, directory });
  expect(refused.runs()).toBe(4);
});

test("another probe, device or boot, or a damaged file, has the probe run again", async () => {
  const { runs, ...probe } = standIn(`${WALK}; echo works`);
  await kvmVerdict({ ...probe, directory });
  await kvmVerdict({ ...probe, device: "/dev/zero", directory });
  expect(runs()).toBe(2);
  writeFileSync(probe.program, `${readFileSync(probe.program, "latin1")}# newer\n`);
  await kvmVerdict({ ...probe, device: "/dev/zero", directory });
  expect(runs()).toBe(3);
  const file = join(directory, "kvm.json");
  const text = readFileSync(file, "latin1");
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  for (const damage of [
    text.replace(bootId, "0".repeat(bootId.length)),
    text.replace("true", "1"),
    text.slice(0, 20),
    "x".repeat(5000),
  ]) {
    const before = runs();
    writeFileSync(file, damage);
    expect((await kvmVerdict({ ...probe, device: "/dev/zero", directory })).works).toBe(true);
    expect(runs()).toBe(before + 1);
  }
});

test("where nothing can be kept the verdict is the same", async () => {
  const { runs, ...probe } = standIn(`${WALK}; echo works`);
  const file = join(directory, "file");
  writeFileSync(file, "");
  expect((await kvmVerdict({ ...probe, directory: join(file, "below") })).works).toBe(true);
  setFaults([{ call: "write", pathPrefix: directory, nth: 1, errno: "ENOSPC" }]);
  expect((await kvmVerdict({ ...probe, directory })).works).toBe(true);
  expect(runs()).toBe(2);
});

test("a wick built without the probe does not know", async () => {
  const verdict = await kvmVerdict({ program: join(directory, "none"), directory });
  expect(verdict).toMatchObject({ works: false, hint: expect.stringContaining("C compiler") });
  expect(existsSync(join(directory, "kvm.json"))).toBe(false);
});

test("a probe that may not be executed is a no", async () => {
  mkdirSync(join(directory, "d"));
  const probe = standIn("echo works");
  chmodSync(probe.program, 0o644);
  expect((await kvmVerdict(probe)).reason).toContain("status 126");
});

test("an interruption ends the probe at once", async () => {
  const { program, device } = standIn("sleep 100");
  const start = performance.now();
  const error: unknown = await kvmVerdict({
    program,
    device,
    signal: AbortSignal.timeout(200),
  }).catch((reason: unknown) => reason);
  expect(isWickError(error, "INTERRUPTED")).toBe(true);
  expect(performance.now() - start).toBeLessThan(20_000); // not the 100 s that it sleeps
});
