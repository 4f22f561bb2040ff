import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunPlan } from "../../config/index.ts";
import { initBinary } from "../../guest/index.ts";
import { cloneFile, readSmallFile, writePrivateFile } from "../../host/index.ts";
import { buildInitrd, type Kernel } from "../../kernel/index.ts";
import { type Drive, type MachineSpec, type PortForward, qemu, type Vmm } from "../../vmm/index.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import type { PreparedMounts } from "./mount-drives.ts";
import { writeOverlayDrive } from "./overlay-drive.ts";
import { runFiles } from "./run-records.ts";
import type { MachineTap } from "../tap/machine-tap.ts";

const INIT_MAX_BYTES = 1 << 20;

/** What a machine is made from. */
export interface Parts {
  readonly plan: RunPlan;
  readonly vmm: Vmm;
  readonly image: string;
  readonly facts: ImageFacts;
  readonly kernel: Kernel;
  readonly ports: readonly PortForward[];
  readonly tap: MachineTap | undefined;
  readonly mounts: PreparedMounts;
  readonly directory: string;
}

/** Writes what this run adds (drives, initramfs) and says how the machine is made. */
export function specOf(parts: Parts): MachineSpec {
  const { plan, kernel, directory } = parts;
  const { drives, boot } = rootOf(parts);
  const initrd = join(directory, "initrd.cpio");
  const init = readSmallFile(fileURLToPath(initBinary(plan.content.arch)), INIT_MAX_BYTES);
  const runFiles = runFilesOf(parts);
  writePrivateFile(initrd, buildInitrd({ init, modules: kernel.modules, boot, runFiles }));
  return { ...machineOf(parts), initrd, drives: [...drives, ...parts.mounts.drives] };
}

/** The files of this run's own archive. */
export function runFilesOf({
  plan,
  vmm,
  facts,
  ports,
  tap,
  mounts,
}: Parts): ReturnType<typeof runFiles> {
  const ending = vmm.guestEnds(plan.content.arch);
  return runFiles(plan, facts, { ports, tap, mounts: mounts.mounts, ending });
}

/** What machines of all kinds have. */
export function machineOf(parts: Parts): Omit<MachineSpec, "initrd"> {
  const { plan, vmm, kernel, directory } = parts;
  return {
    arch: plan.content.arch,
    kernel: kernel.path,
    commandLine: commandLineFor(plan.content.arch, plan.append, vmm),
    memoryMiB: plan.memoryMiB,
    reservationMiB: plan.reservationMiB,
    cpus: plan.cpus,
    drives: parts.mounts.drives,
    ports: plan.network === "user" ? parts.ports : [],
    network: parts.tap?.card ?? (plan.network === "user" ? "user" : "none"),
    relay: plan.network === "relay" && parts.ports.length > 0,
    accel: plan.accel,
    directory,
  };
}

/** The root as the machine sees it: the image itself is never written. */
function rootOf({ plan, image, facts, directory }: Parts) {
  const root = { uuid: facts.uuid, fstype: facts.format };
  const readOnly: Drive = { path: image, readOnly: true };
  switch (plan.root) {
    case "overlay": {
      const path = join(directory, "overlay.ext4");
      const uuid = writeOverlayDrive(path, facts.uuid);
      const drives = [readOnly, { path, readOnly: false }];
      return { drives, boot: { root: { ...root, mode: "overlay" }, overlay: { uuid } } as const };
    }
    case "copy": {
      const path = join(directory, "copy.ext4");
      cloneFile(image, path);
      return {
        drives: [{ path, readOnly: false }],
        boot: { root: { ...root, mode: "rw" } } as const,
      };
    }
    case "ro":
      return { drives: [readOnly], boot: { root: { ...root, mode: "ro" } } as const };
  }
}

/** Only what the kernel itself needs; the rest is in the run's records. */
export function commandLineFor(arch: MachineSpec["arch"], append = "", vmm = qemu()): string {
  return [...vmm.kernelWords(arch), append].filter((word) => word !== "").join(" ");
}
