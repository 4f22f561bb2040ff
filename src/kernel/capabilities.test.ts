import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { testKernel } from "../../test/support/kernel-packages.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { isWickError } from "../errors/index.ts";
import { checkCanBoot, type KernelNeeds } from "./can-boot.ts";
import { capabilitiesOf, kernelCapabilities, type KernelCapabilities } from "./capabilities.ts";
import { decompressorNames } from "./feature-marks.ts";
import { type UnpackedKernel, unpackKernelFile } from "./unpack-kernel.ts";

let kernel: UnpackedKernel;
let path: string;

beforeAll(async () => {
  ({ path } = await testKernel());
  kernel = await unpackKernelFile(path);
});

/** The kernel with `text` written over, wherever it stands. */
function without(...texts: string[]): UnpackedKernel {
  const bytes = Buffer.from(kernel.bytes);
  for (const text of texts) {
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
      bytes.fill("#", at, at + text.length);
    }
  }
  return { ...kernel, bytes };
}

/** The kernel with a configuration in it, as CONFIG_IKCONFIG puts it there. */
function carrying(config: string): UnpackedKernel {
  const parts = [kernel.bytes, "IKCFG_ST", gzipSync(config), "IKCFG_ED"];
  return { ...kernel, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) };
}

function refusal(capabilities: KernelCapabilities, needs: Omit<KernelNeeds, "name">): string {
  try {
    checkCanBoot(capabilities, { name: "vmlinuz", ...needs });
  } catch (error) {
    if (isWickError(error, "KERNEL_INVALID")) return `${error.message}. ${error.hint}`;
    throw error;
  }
  return "boots";
}

test("the distribution's kernel takes initramfs of every compression, its own strings say so", () => {
  const found = capabilitiesOf(kernel);
  const yes = { value: true, evidence: "strings in the image" };
  expect(found).toMatchObject({ initrd: yes, arch: "x86_64", pvhEntry: expect.any(Number) });
  for (const name of decompressorNames) expect(found.decompressors[name]).toEqual(yes);
  // A module is not in the image; strings cannot tell that from "not at all".
  expect(found.features.virtioNet.value).toBeUndefined();
});

test("a kernel without a decompressor's messages lacks it, and the hint names another one", () => {
  const found = capabilitiesOf(without("ZSTD-compressed data is corrupt", "Not a gzip file"));
  expect(refusal(found, { compression: "zstd" })).toBe(
    "Cannot boot the kernel vmlinuz: it cannot unpack an initramfs compressed with zstd (strings in the image). make the initramfs again with --compression xz",
  );
  expect(refusal(found, { compression: "xz" })).toBe("boots");
  expect(refusal(found, { initrd: true, compression: "none" })).toBe("boots");
});

test("a kernel without initrd support or PVH note is refused where that is needed", () => {
  const found = capabilitiesOf(without("no cpio magic", "Initramfs unpacking failed"));
  expect(refusal(found, { initrd: true })).toContain(
    "it takes no initramfs (strings in the image)",
  );
  expect(refusal({ ...found, pvhEntry: undefined }, { pvh: "Cloud Hypervisor" })).toContain(
    'it has no PVH entry (ELF note "Xen" 18), which Cloud Hypervisor needs',
  );
});

test("the configuration that a kernel carries comes before everything else", () => {
  const config = "CONFIG_BLK_DEV_INITRD=y\n# CONFIG_RD_GZIP is not set\nCONFIG_VIRTIO_NET=m\n";
  const found = capabilitiesOf(carrying(config));
  expect(found.initrd).toEqual({ value: true, evidence: "IKCONFIG" });
  expect(found.decompressors.gzip).toEqual({ value: false, evidence: "IKCONFIG" });
  expect(found.features.virtioNet).toEqual({ value: false, isModule: true, evidence: "IKCONFIG" });
  const damaged = carrying(config);
  damaged.bytes.subarray(-40, -12).fill(0x55);
  expect(capabilitiesOf(damaged).initrd.evidence).toBe("strings in the image");
});

test("a configuration beside the kernel is read, one of another version is not", async () => {
  const directory = temporaryDirectory();
  const copy = join(directory, "vmlinuz");
  copyFileSync(path, copy);
  writeFileSync(
    join(directory, "config"),
    "# Linux/x86 5.10.1 Kernel Configuration\nCONFIG_RD_XZ=y\n",
  );
  expect((await kernelCapabilities(copy)).initrd.evidence).toBe("strings in the image");
  const name = `config-${kernel.release}`;
  writeFileSync(join(directory, name), "CONFIG_IP_PNP=y\n");
  const { features, initrd } = await kernelCapabilities(copy);
  expect(features.ipPnp).toEqual({ value: true, evidence: `${name} beside it` });
  expect(initrd.value).toBe(false);
});
