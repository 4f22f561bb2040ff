import { utf8 } from "../../bytes/index.ts";
import type { Arch } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import type { PortForward } from "../../vmm/index.ts";

/** The machine of a bundle; paths lie in its directory. */
export interface BundleMachine {
  readonly arch: Arch;
  readonly kernel: string;
  readonly initrd?: string;
  /** Read-only: changes lie in memory. */
  readonly root?: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Whether somebody in the machine follows `ip=`. */
  readonly hasNetwork: boolean;
  /** Words of the kernel's line behind those that a VMM needs, and behind `ip=`. */
  readonly append: readonly string[];
  readonly last: readonly string[];
  /** Ports that the application says it listens on, as QEMU publishes them. */
  readonly ports: readonly PortForward[];
}

/** COMMAND_LINE_SIZE of both architectures is 2048 with the NUL; a VMM's own words have to fit too. */
const LINE_BYTES = 2047 - 256;

/**
 * The kernel's line on one VMM: its words, what the user adds, the network, the application's.
 * VALUE_OUT_OF_RANGE: the kernel would cut it, and Firecracker refuse it.
 */
export function lineOf(
  { append, last }: BundleMachine,
  vmmWords: readonly string[],
  network: readonly string[],
): string {
  const words = [...vmmWords, ...append, ...network, ...last];
  const line = words.filter((word) => word !== "").join(" ");
  const { length } = utf8(line);
  if (length <= LINE_BYTES) return line;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot write the bundle: the kernel's command line has ${length} bytes, wanted at most ${LINE_BYTES}`,
    { hint: "the VMM adds words of its own, and the kernel takes 2047 bytes of all" },
  );
}
