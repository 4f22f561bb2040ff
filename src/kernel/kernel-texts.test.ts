import { expect, test } from "vitest";
import { elfKernel } from "../../test/support/elf-kernel.ts";
import { joined } from "../../test/support/joined.ts";
import { storageOf } from "../bytes/index.ts";
import { takesInitramfs } from "./capabilities.ts";
import { kernelTexts } from "./kernel-texts.ts";

test("an ELF kernel's texts are in what is loaded; an Image's anywhere", () => {
  const file = elfKernel();
  const elf = kernelTexts(storageOf(file), { form: "ELF", name: "it" });
  expect(joined(elf).equals(file.subarray(0x1000, 0x6000))).toBe(true);
  const image = kernelTexts(storageOf(file), { form: "Image", name: "it" });
  expect(joined(image).equals(file)).toBe(true);
});

test("only what is loaded tells what a kernel can unpack", () => {
  const file = elfKernel();
  file.write("no cpio magic", 0x60f0 - 0x100); // among what is loaded, at its end
  const texts = kernelTexts(storageOf(file), { form: "ELF", name: "it" });
  expect(takesInitramfs(texts, ["none"])).toBe(true);
  expect(takesInitramfs(texts, ["none", "zstd"])).toBe(false);
  file.write("ZSTD-compressed data is corrupt", 0x1000);
  expect(takesInitramfs(texts, ["none", "zstd", "zstd"])).toBe(true);
  const behind = elfKernel();
  behind.write("no cpio magic", 0x6000);
  const none = kernelTexts(storageOf(behind), { form: "ELF", name: "it" });
  expect(takesInitramfs(none, ["none"])).toBe(false);
});

test("an ELF file without its table of program headers is refused", () => {
  const none = storageOf(elfKernel({ header: { e_phoff: 1n << 40n } }));
  expect(() => kernelTexts(none, { form: "ELF", name: "it" })).toThrow(
    /Cannot read the kernel it: the table of program headers ends at byte/,
  );
});
