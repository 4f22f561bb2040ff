/** An image grows while it is mounted; in a machine, as a container's root may not do it. */
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Tree } from "../../src/tree/index.ts";
import { qemu } from "../../src/vmm/index.ts";
import {
  buildExt4,
  canMount,
  dumpe2fs,
  e2fsck,
  kernelManifest,
  mountImage,
  type Built,
} from "../support/ext4-image.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { compileTestInit, writeTestInitrd } from "../support/test-guest.ts";

const MiB = 1 << 20;

function smallImage(): Built {
  return buildExt4(
    (make) => {
      const directory = make.directory(Tree.ROOT, "d");
      for (let i = 0; i < 500; i++) make.file(directory, `f${i}`, `${i}\n`.repeat(i));
    },
    { sizeBytes: 256 * MiB, journal: true },
  );
}

/** What the guest prints while it grows the image. */
async function growInMachine(image: string): Promise<string> {
  const kernel = await testKernel();
  const directory = temporaryDirectory();
  const machine = await qemu().start({
    arch: "x86_64",
    kernel: kernel.path,
    initrd: writeTestInitrd(
      join(directory, "initrd"),
      compileTestInit("grow-init"),
      kernel.modules,
    ),
    commandLine: "console=ttyS0 panic=-1 reboot=t loglevel=5",
    memoryMiB: 128,
    cpus: 1,
    drives: [{ path: image, readOnly: false }],
    ports: [],
    network: "none",
    relay: false,
    accel: "tcg",
    directory,
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of machine.console) chunks.push(chunk);
  await machine.exited;
  return Buffer.concat(chunks).toString("latin1").replaceAll("\r", "");
}

test("a mounted image grows twelvefold and holds a file larger than it was", async () => {
  const built = smallImage();
  truncateSync(built.path, 3072 * MiB);
  const text = await growInMachine(built.path);
  expect(text).toMatch(/^GREW 1[12] times$/m);
  expect(text).not.toMatch(/^(RESIZE|FILL|UMOUNT|MODULE|CANNOT)/m);
  expect(text).not.toMatch(/EXT4-fs.*(warning|error)/i);
  expect(e2fsck(built.path)).toMatchObject({ status: 0 });
  expect(dumpe2fs(built.path, "-h")).toContain("meta_bg");
  if (!canMount) return;
  using mount = mountImage(built.path);
  const found = kernelManifest(mount.root).filter((line) => line.startsWith("/d"));
  expect(found).toEqual(built.expected().filter((line) => line.startsWith("/d")));
});
