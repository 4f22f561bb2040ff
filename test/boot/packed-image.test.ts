/** Packed Images for aarch64, booted with no initrd and no drive, as any VMM would load them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { stubBinary } from "../../src/guest/index.ts";
import { packArm64Image } from "../../src/kernel/pack/arm64.ts";
import { bootParts, rootArchive, runArchive, type BootParts } from "../support/boot-parts.ts";
import { startMachine } from "../support/booted-machine.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let boot: BootParts;
let root: Buffer;

beforeAll(async () => {
  boot = await bootParts("aarch64");
  const script =
    "cat /proc/cmdline; ifconfig eth0 | grep 10.0.2.15; httpd -p 8080; sleep 1; exit 7";
  root = rootArchive(boot, { argv: ["sh", "-c", script], env: ["PATH=/bin"] });
}, 300_000);

/** One file with the kernel, modules, init and root. */
function packed(work: string, commandLine?: string): string {
  const addresses = [{ interface: "eth0", address: "10.0.2.15/24" }];
  const run = runArchive(work, { addresses, gateway: "10.0.2.2", ports: [8080] });
  const initramfs = Buffer.concat([boot.base, root, run]);
  const { pieces } = packArm64Image({
    kernel: readFileSync(boot.kernel),
    kernelName: "vmlinuz",
    initramfs: { sizeBytes: initramfs.length },
    commandLine,
    stub: readFileSync(stubBinary("image")),
  });
  const path = join(work, "packed");
  writeFileSync(path, Buffer.concat(pieces.map((p) => (p === "initramfs" ? initramfs : p))));
  return path;
}

test("a packed Image boots with the VMM's command line, and its application listens", async () => {
  const work = temporaryDirectory();
  const kernel = packed(work);
  const machine = await startMachine({ ...boot, kernel }, { work, network: true });
  const result = await machine.end();
  expect(result.console).toContain("console=ttyAMA0 panic=-1 quiet");
  expect(result.console).toContain("10.0.2.15");
  expect(result.reports).toContainEqual(expect.objectContaining({ kind: "listening", port: 8080 }));
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
});

test("a built-in command line goes around the VMM's own, and replaces its initrd", async () => {
  const work = temporaryDirectory();
  const kernel = packed(work, "wick.first=1 -- built in");
  const initrd = join(work, "vmm-initrd");
  writeFileSync(initrd, new Uint8Array(4096));
  const spec = { work, initrd, network: true, commandLine: "vmm=1 -- own" };
  const machine = await startMachine({ ...boot, kernel }, spec);
  const result = await machine.end();
  expect(result.console).toMatch(
    /wick\.first=1 console=ttyAMA0 panic=-1 quiet vmm=1 -- built in own/u,
  );
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
});
