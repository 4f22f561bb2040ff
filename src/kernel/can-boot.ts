import { WickError } from "../errors/index.ts";
import type { Finding, KernelCapabilities } from "./capabilities.ts";
import type { DecompressorName } from "./feature-marks.ts";

/** What a machine or a packed file wants of its kernel. */
export interface KernelNeeds {
  /** For messages; safe to print. */
  readonly name: string;
  /** Who enters it by PVH: `Cloud Hypervisor`, `packing an ELF kernel`. */
  readonly pvh?: string | undefined;
  readonly initrd?: boolean | undefined;
  /** How the initramfs is compressed; "none" needs nothing. */
  readonly compression?: DecompressorName | "none" | undefined;
}

/**
 * Refuses a kernel that is known to lack what is needed, with what says so; what nothing tells
 * is given the benefit of the doubt. Errors: KERNEL_INVALID.
 */
export function checkCanBoot(capabilities: KernelCapabilities, needs: KernelNeeds): void {
  const refuse = (lacks: string, hint: string): WickError =>
    new WickError("KERNEL_INVALID", `Cannot boot the kernel ${needs.name}: ${lacks}`, { hint });
  if (needs.pvh !== undefined && capabilities.pvhEntry === undefined) {
    throw refuse(
      `it has no PVH entry (ELF note "Xen" 18), which ${needs.pvh} needs`,
      "use a kernel with CONFIG_PVH=y",
    );
  }
  const { compression = "none" } = needs;
  const wantsInitrd = needs.initrd === true || compression !== "none";
  if (wantsInitrd && capabilities.initrd.value === false) {
    throw refuse(
      `it takes no initramfs${by(capabilities.initrd)}`,
      "use a kernel with CONFIG_BLK_DEV_INITRD=y",
    );
  }
  if (compression === "none") return;
  const found = capabilities.decompressors[compression];
  if (found.value !== false) return;
  throw refuse(
    `it cannot unpack an initramfs compressed with ${compression}${by(found)}`,
    insteadOf(capabilities),
  );
}

function by({ evidence }: Finding): string {
  return ` (${evidence})`;
}

/** What this kernel does unpack, of what wick writes. */
function insteadOf({ decompressors }: KernelCapabilities): string {
  const written = ["gzip", "zstd", "xz", "lz4"] as const;
  const other = written.find((name) => decompressors[name].value === true) ?? "none";
  return `make the initramfs again with --compression ${other}`;
}
