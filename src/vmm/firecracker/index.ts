/** firecracker/: Firecracker as a VMM: its API, its start and end, what its versions can do. */
import type { MachineSpec, Vmm } from "../vmm.ts";
import { configPath } from "./files.ts";
import { checkJailer } from "./jail.ts";
import { startFirecracker, type FirecrackerOptions } from "./start.ts";
import { adviceOn, checkVersion, firecrackerProgram, firecrackerVersion } from "./version.ts";

export type { JailOptions } from "./jail.ts";
export type { FirecrackerOptions } from "./start.ts";

/** Firecracker, found in PATH unless `options` name a program. */
export function firecracker(options: FirecrackerOptions = {}): Vmm {
  return {
    name: "firecracker",
    guestEnds: (arch) => (arch === "x86_64" ? "restart" : "power-off"),
    kernelWords,
    async version() {
      const version = await firecrackerVersion(firecrackerProgram(options.program));
      checkVersion(version);
      if (options.jail !== undefined) checkJailer(options.jail);
      return version;
    },
    adviceOn,
    start: (spec, signal) => startFirecracker(spec, options, signal),
    commandByHand: ({ directory }) => [
      firecrackerProgram(options.program),
      "--no-api",
      "--config-file",
      configPath(directory),
    ],
  };
}

/**
 * `reboot=k`: the one way out of Firecracker on x86_64; power-off hangs there for ever. The
 * others save the time in which the kernel looks for a keyboard and a mouse.
 */
function kernelWords(arch: MachineSpec["arch"]): readonly string[] {
  const pc = ["reboot=k", "i8042.noaux", "i8042.nomux", "i8042.dumbkbd"];
  return ["console=ttyS0", "quiet", "panic=-1", ...(arch === "x86_64" ? pc : [])];
}
