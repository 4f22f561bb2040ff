import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { testKernel } from "../../test/support/kernel-packages.ts";
import { storageOf } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { checkKernel, identifyKernel } from "./image.ts";

/** An arm64 Image's head (Documentation/arch/arm64/booting.rst). */
function arm64Image(): Uint8Array {
  const bytes = Buffer.alloc(4096);
  bytes.write("ARM\x64", 0x38, "latin1");
  return bytes;
}

function refusal(bytes: Uint8Array, arch: "x86_64" | "aarch64"): string {
  try {
    checkKernel("vmlinuz", storageOf(bytes), arch);
  } catch (error) {
    expect(isWickError(error, "KERNEL_INVALID")).toBe(true);
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

test("the distribution's kernel is a bzImage with the release that its package's file name has", async () => {
  const kernel = await testKernel();
  const identity = identifyKernel(storageOf(readFileSync(kernel.path)));
  expect(identity).toMatchObject({ format: "bzImage", arch: "x86_64" });
  expect(identity!.release).toBe(kernel.release);
});

test("an Image is a kernel for aarch64, and one more when compressed", () => {
  expect(identifyKernel(storageOf(arm64Image()))).toMatchObject({
    format: "Image",
    arch: "aarch64",
  });
  const gzip = Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(1024)]);
  expect(checkKernel("k", storageOf(gzip), "aarch64").format).toBe("Image.gz");
});

test("an ELF executable is a kernel for its architecture alone", () => {
  const node = readFileSync(process.execPath);
  expect(identifyKernel(storageOf(node))).toMatchObject({ format: "ELF" });
});

test.each([
  [Buffer.alloc(0), "an empty file"],
  [Buffer.from("just text"), 'a file that begins with "just tex"'],
  [Buffer.from("7f454c4602010100000000000000000001003e00", "hex"), "an ELF file of type reloc"],
  [Buffer.from("\x28\xb5\x2f\xfd and so on", "latin1"), "zstd data"],
  [Buffer.concat([Buffer.from("MZ\0\0zimg"), Buffer.alloc(1024)]), "an EFI image that unpacks"],
])("a file that is no kernel is refused with what it is: %#", (bytes, words) => {
  const padded = bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(64)]);
  expect(refusal(padded, "x86_64")).toContain(words);
});

test("a kernel of another architecture is refused with both named", () => {
  expect(refusal(arm64Image(), "x86_64")).toBe(
    "Cannot boot the kernel vmlinuz: Image for aarch64, wanted a bzImage or an ELF vmlinux for x86_64",
  );
});

test("every truncation of a kernel's head is no kernel, without an error", async () => {
  const head = readFileSync((await testKernel()).path).subarray(0, 0x212);
  for (let length = 0; length < head.length; length++) {
    expect(identifyKernel(storageOf(head.subarray(0, length)))).toBeUndefined();
  }
});
