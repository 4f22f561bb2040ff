import { WickError } from "../errors/index.ts";
import type { RunOptions } from "./options.ts";
import type { Arch } from "./platform.ts";
import type { vmmNames } from "./vmm-names.ts";

/** Which VMM runs the machine. */
export type VmmName = Exclude<(typeof vmmNames)[number], "auto">;

/** What is asked for, and for which machine on which. */
interface Asked {
  readonly given: Pick<RunOptions, "vmm" | "accel" | "network">;
  readonly arch: Arch;
  readonly hostArch: Arch;
}

/** QEMU runs anywhere, and so is what `auto` means. USAGE for what Firecracker has not. */
export function vmmOf(asked: Asked): VmmName {
  const { vmm } = asked.given;
  if (vmm !== "firecracker") return "qemu";
  checkFirecracker(asked);
  return vmm;
}

function checkFirecracker({ given: { accel, network }, arch, hostArch }: Asked): void {
  if (accel === "tcg") {
    throw refused("--accel tcg: it runs on KVM alone", "--vmm qemu emulates");
  }
  if (network === "user") {
    throw refused(
      "--network user: it has none",
      "leave it out: published ports are relayed by init; --network tap for more, none for no ports at all",
    );
  }
  if (arch !== hostArch) {
    throw refused(
      `a machine for ${arch}: KVM runs those of this host, ${hostArch}`,
      "--vmm qemu emulates others",
    );
  }
}

function refused(what: string, hint: string): WickError {
  return new WickError("USAGE", `Cannot run with Firecracker and ${what}`, { hint });
}
