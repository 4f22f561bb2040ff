import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { runTool } from "../../host/index.ts";
import type { MachineSpec } from "../vmm.ts";
import { platformOf } from "./platform.ts";

/** The version that `qemu-system-… --version` tells: `7.2.22`. */
export async function qemuVersion(arch: MachineSpec["arch"]): Promise<string> {
  const { program } = platformOf({ arch, accel: "tcg" });
  const text = await runTool(program, ["--version"], { purpose: "start the machine with QEMU" });
  const version = /^QEMU emulator version (\d+(?:\.\d+)+)/m.exec(text)?.[1];
  if (version !== undefined) return version;
  const firstLine = sanitise(text.split("\n")[0]!.slice(0, 200));
  throw new WickError(
    "TOOL_FAILED",
    `Cannot tell the version of ${program}: it says "${firstLine}"`,
  );
}
