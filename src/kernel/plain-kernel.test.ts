import { expect, test } from "vitest";
import { elfKernel } from "../../test/support/elf-kernel.ts";
import { storageOf } from "../bytes/index.ts";
import { readPlainKernel } from "./plain-kernel.ts";

/** As {@link elfKernel} makes it, with sections far behind what is loaded. */
function withFarSections(): Uint8Array {
  const far = Buffer.alloc(1 << 18);
  elfKernel().copy(far);
  far.fill("sections", 0x20000);
  return far;
}

test("of an ELF kernel only what is loaded is read, and its texts are those", () => {
  const file = withFarSections();
  const ranges: [number, number][] = [];
  const storage = {
    sizeBytes: file.length,
    readAt(target: Uint8Array, position: number) {
      ranges.push([position, position + target.length]);
      return storageOf(file).readAt(target, position);
    },
  };
  const { bytes, texts } = readPlainKernel(storage, { form: "ELF", name: "it" });
  expect(bytes.length).toBe(file.length);
  expect(Buffer.from(bytes).includes("sections", 0x20000)).toBe(false);
  expect(Math.max(...ranges.map(([, end]) => end))).toBe(1 << 16);
  expect(texts.map((text) => Buffer.from(text))).toEqual([
    Buffer.from(file.subarray(0x1000, 0x5000)),
    Buffer.from(file.subarray(0x5000, 0x6000)),
  ]);
});

test("an Image is read whole", () => {
  const file = Buffer.from("an Image, all of it");
  const read = readPlainKernel(storageOf(file), { form: "Image", name: "it" });
  expect(Buffer.from(read.bytes).equals(file)).toBe(true);
  expect(read.texts).toEqual([read.bytes]);
});

test("an ELF file that ends before its segments do is left to packing, one without a table is refused", () => {
  const cut = elfKernel().subarray(0, 0x4800);
  expect(readPlainKernel(storageOf(cut), { form: "ELF", name: "it" }).bytes.length).toBe(0x4800);
  const none = storageOf(elfKernel({ header: { e_phoff: 1n << 40n } }));
  expect(() => readPlainKernel(none, { form: "ELF", name: "it" })).toThrow(
    /Cannot read the kernel it: the table of program headers ends at byte/,
  );
});
