import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { kvmVerdict, qemu } from "../../src/vmm/index.ts";
import { bootParts, rootArchive } from "../support/boot-parts.ts";
import { startInitramfs } from "../support/booted-machine.ts";
import { wick } from "../support/cli.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { compileTestInit, writeTestInitrd } from "../support/test-guest.ts";

const probe = fileURLToPath(new URL("../../dist/guest/kvm-probe.aarch64", import.meta.url));

/** A real guest has this long to come to its first process, which takes it a second or two. */
const REAL_GUEST_MS = 10_000;

function canOpenKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

// The other architecture's emulator has a level 2 for hypervisors, so that KVM really works
// there. (x86_64's takes a kernel with more modules: npm run test:kvm.)
test("the probe says yes where KVM works: in a machine whose processor has level 2", async () => {
  const boot = await bootParts("aarch64");
  const script = "/probe; echo status=$?; /probe /dev/null; echo status=$?";
  const root = rootArchive(boot, { argv: ["sh", "-c", script] }, { probe: readFileSync(probe) });
  const machine = await startInitramfs(boot, root, {}, { virtualization: true });
  const { console } = await machine.end();
  const lines = console.replaceAll("\r", "").split("\n");
  const steps = ["open", "machine", "memory", "processor", "kernel entry", "paged memory"];
  const walk = [...steps, "page fault", "user program", "work", "works", "status=0"];
  expect(lines).toEqual(expect.arrayContaining(walk));
  expect(console).toContain("failed KVM_GET_API_VERSION 25");
  expect(console).toContain("status=1");
}, 300_000);

test.skipIf(process.arch !== "x64" || !canOpenKvm())(
  "where /dev/kvm opens, a kernel runs under QEMU's KVM exactly if the probe says so",
  async () => {
    const { works } = await kvmVerdict();
    const kernel = await testKernel();
    const directory = temporaryDirectory();
    const machine = await qemu().start({
      arch: "x86_64",
      kernel: kernel.path,
      initrd: writeTestInitrd(join(directory, "initrd"), compileTestInit()),
      commandLine: "console=ttyS0 panic=-1 quiet do=exit",
      memoryMiB: 256,
      cpus: 1,
      drives: [],
      ports: [],
      network: "none",
      accel: "kvm",
      directory,
    });
    const late = setTimeout(() => void machine.kill(), REAL_GUEST_MS);
    let text = "";
    for await (const chunk of machine.console) text += Buffer.from(chunk).toString("latin1");
    clearTimeout(late);
    await machine.exited;
    // Its first process ended with 7.
    expect(text.includes("exitcode=0x00000700"), text).toBe(works);
  },
  60_000,
);

test("--accel kvm is refused at once where no guest runs, and auto says so and emulates", async () => {
  const { works, reason } = await kvmVerdict();
  const words = ["deb:busybox-static", "/bin/busybox", "sh", "-c", "exit 7"];
  const auto = await wick(["run", "--accel", "auto", ...words]);
  expect(auto.status, auto.stderr).toBe(7);
  const forced = await wick(["run", "--accel", "kvm", ...words]);
  if (works) {
    expect(auto.stderr).not.toContain("emulated");
    expect(forced.status, forced.stderr).toBe(7);
    return;
  }
  const notes = auto.stderr.split("\n").filter((line) => line.startsWith("note:"));
  expect(notes).toEqual([
    `note: the machine's processor is emulated (TCG), without KVM: ${reason}`,
  ]);
  expect(forced.status).toBe(125);
  expect(forced.stderr).toMatch(/^error: Cannot run with KVM: .* \[(UNSUPPORTED|PERMISSION)\]\n/);
  expect(forced.stderr).toContain(reason);
  expect(forced.stderr).toContain("--accel tcg");
});

test("Firecracker is not tried without KVM: the error says what was, and never emulates", async () => {
  const program = join(temporaryDirectory(), "firecracker");
  writeFileSync(program, "#!/bin/sh\necho 'Firecracker v1.16.1'\n", { mode: 0o755 });
  const env = { WICK_FIRECRACKER: program };
  const words = ["run", "--vmm", "firecracker"];
  const byOption = await wick([...words, "--accel", "tcg", "bin:/bin/true"], { env });
  expect(byOption.stderr).toMatch(/^error: Cannot run with Firecracker and --accel tcg: .*USAGE/);
  const { works, reason } = await kvmVerdict();
  if (works) return;
  const auto = await wick([...words, "bin:/bin/true"], { env });
  expect(auto.status).toBe(125);
  expect(auto.stderr).toContain(`Cannot start Firecracker: ${reason}`);
  expect(auto.stderr).toContain("--vmm qemu emulates the processor");
});

test("a guest of another architecture has no KVM, and WICK_ACCEL is checked", async () => {
  const other = process.arch === "x64" ? "linux/arm64" : "linux/amd64";
  const result = await wick(["run", "--accel", "kvm", "--platform", other, "deb:busybox-static"]);
  expect(result.status).toBe(125);
  expect(result.stderr).toContain("Cannot run with KVM: it runs no guests of");
  const wrong = await wick(["run", "bin:/bin/true"], { env: { WICK_ACCEL: "hvf" } });
  expect(wrong.stderr).toContain('Cannot use WICK_ACCEL "hvf": wanted auto, tcg or kvm [USAGE]');
});
