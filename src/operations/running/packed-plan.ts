import { sanitise } from "../../bytes/index.ts";
import { refuseModulesAlone, type RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage } from "../../host/index.ts";
import type { PackRecord } from "../../kernel/index.ts";
import { parseSource } from "../../sources/index.ts";
import type { Context } from "../common/context.ts";
import { packedRecord } from "../packed/packed-file.ts";

/**
 * The plan of a run where its file may be a packed one: that is for one architecture and brings
 * its kernel, so that what names others is refused. USAGE.
 */
export function planForFile<Accel>(
  plan: RunPlan<Accel>,
  { workingDirectory }: Context,
): RunPlan<Accel> {
  const { kind, rest } = parseSource(plan.content.source, { cwd: workingDirectory });
  const record = kind === "image" ? recordAt(rest) : undefined;
  if (record === undefined) {
    const { modules, kernel } = plan;
    if (modules !== undefined && kernel === undefined) throw refuseModulesAlone(modules);
    return plan;
  }
  checkFits(plan, record);
  const content = { ...plan.content, arch: record.arch };
  return { ...plan, content, kernel: undefined };
}

function recordAt(path: string): PackRecord | undefined {
  using storage = new FileStorage(path, "read");
  return packedRecord(storage);
}

function checkFits(plan: RunPlan<unknown>, { arch }: PackRecord): void {
  const source = sanitise(plan.content.source);
  if (plan.isKernelGiven) {
    throw new WickError(
      "USAGE",
      `Cannot run ${source} with --kernel: the file is packed with a kernel of its own`,
      { hint: `wick unpack ${source} --initramfs FILE gives what is in it for another kernel` },
    );
  }
  if (plan.isPlatformGiven && plan.content.arch !== arch) {
    throw new WickError(
      "USAGE",
      `Cannot run ${source} for ${plan.content.arch}: its kernel is for ${arch}`,
    );
  }
}
