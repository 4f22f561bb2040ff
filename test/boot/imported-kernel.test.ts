import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { qemu } from "../../src/vmm/index.ts";
import { wick } from "../support/cli.ts";
import { ownCache } from "../support/own-cache.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { compileTestInit, writeTestInitrd } from "../support/test-guest.ts";

test("wick kernel import: the distribution's vmlinux boots by PVH, and its modules are listed", async () => {
  const { modules, release } = await testKernel();
  const directory = temporaryDirectory();
  const env = { ...process.env, WICK_CACHE: ownCache(directory) };
  const args = ["kernel", "import", "-o", "vmlinux", "--initramfs", "modules.cpio", "--json"];
  const made = await wick(args, { cwd: directory, env });
  expect(made.stderr).not.toContain("error:");
  const result = JSON.parse(made.stdout);
  expect(result).toMatchObject({ format: "ELF", from: "bzImage", release });

  const names = execFileSync("bsdtar", ["-tf", join(directory, "modules.cpio")]).toString();
  expect(result.initramfs.modules).toContain("virtio_net");
  for (const name of result.initramfs.modules) {
    expect(names).toContain(`.wick/modules/${name}.ko\n`);
  }
  const initrd = join(directory, "initrd");
  writeTestInitrd(initrd, compileTestInit(), modules);
  const machine = await qemu().start({
    arch: "x86_64",
    kernel: result.output,
    initrd,
    commandLine: "console=ttyS0 panic=-1 reboot=t loglevel=5 do=nothing",
    memoryMiB: 192,
    cpus: 1,
    drives: [],
    ports: [],
    network: "none",
    relay: false,
    accel: "tcg",
    directory,
  });
  let text = "";
  for await (const chunk of machine.console) text += Buffer.from(chunk).toString("latin1");
  expect(text).toContain("INIT pid 1 uid 0");
});

test("wick kernel ls lists it, inspect says what it can do, and what is no kernel writes nothing", async () => {
  const { path, release } = await testKernel();
  const directory = temporaryDirectory();
  const env = { ...process.env, WICK_CACHE: ownCache(directory) };
  const cli = (...args: string[]) => wick(["kernel", ...args], { cwd: directory, env });
  const rows = (await cli("ls", "--json")).stdout.trim().split("\n");
  expect(rows.map((row) => JSON.parse(row))).toContainEqual(
    expect.objectContaining({ release, arch: "x86_64", format: "bzImage" }),
  );
  expect((await cli("inspect", path)).stdout).toContain(`release  ${release}\n`);
  const refused = await cli("import", "/etc/passwd", "-o", "vmlinux");
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("[KERNEL_INVALID]");
  expect(execFileSync("ls", [directory]).toString()).toBe("cache\n");
});
