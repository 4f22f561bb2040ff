import { type ReadableStorage, stretchOf } from "../bytes/index.ts";
import { PT } from "../formats/elf/index.ts";
import { readVmlinux } from "./vmlinux.ts";

/**
 * Where a plain kernel's own texts lie: in what is loaded of an ELF file, which may be followed
 * by much more for debuggers; anywhere in an Image. Errors: KERNEL_INVALID for an ELF file
 * without readable program headers.
 */
export function kernelTexts(
  kernel: ReadableStorage,
  { form, name }: { readonly form: "ELF" | "Image"; readonly name: string },
): readonly ReadableStorage[] {
  if (form === "Image") return [kernel];
  return readVmlinux(kernel, `the kernel ${name}`)
    .segments.filter(({ type }) => type === PT.PT_LOAD)
    .map(({ offset, fileSize }) =>
      stretchOf(kernel, { offset: Number(offset), sizeBytes: Number(fileSize) }),
    );
}
