import { WickError } from "../../errors/index.ts";
import type { PackRequest } from "./types.ts";

/** Where machines of x86_64 may have their devices from: QEMU's q35 above 2 GiB, others above 3. */
const RAM_BYTES = 2 ** 31;

/** Errors: UNSUPPORTED for an initramfs that would end where no memory may be. */
export function checkEnd(
  end: number,
  { kernelName, initramfs }: Pick<PackRequest, "kernelName" | "initramfs">,
): void {
  if (end <= RAM_BYTES) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot pack an initramfs of ${initramfs.sizeBytes} bytes with the kernel ${kernelName}: it ends at 0x${end.toString(16)} in memory, wanted at most 2 GiB`,
    { hint: "an image on a drive has no such bound: wick build --format erofs" },
  );
}
