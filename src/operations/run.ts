import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { planRun, refuseCopy, type RunOptions, type RunPlan } from "../config/index.ts";
import { initBinary } from "../guest/index.ts";
import {
  cloneFile,
  monotonicMs,
  readSmallFile,
  wickDirectories,
  writePrivateFile,
} from "../host/index.ts";
import { buildInitrd, findKernel, type Kernel } from "../kernel/index.ts";
import { debLayer, fetchPackages, type FetchProgress } from "../sources/index.ts";
import { qemu, type Drive, type MachineSpec, type PortForward } from "../vmm/index.ts";
import { callerOf } from "./caller.ts";
import { refuseOverrides } from "./check-image-options.ts";
import { choosePorts, publishedPorts } from "./choose-ports.ts";
import type { Context } from "./context.ts";
import { readImageFacts, type ImageFacts } from "./image-facts.ts";
import { RunningMachine } from "./machine.ts";
import { checkMountSources, prepareMounts, type PreparedMounts } from "./mount-drives.ts";
import { writeOverlayDrive } from "./overlay-drive.ts";
import { runStep } from "./progress.ts";
import { prepareRunFiles, type RunFiles } from "./run-image.ts";
import { runFiles } from "./run-records.ts";
import { withStore } from "./with-store.ts";

const INIT_MAX_BYTES = 1 << 20;

/**
 * Builds what is not an image yet, boots it, and gives the running machine. Everything that is
 * made for the run alone lies in one private directory, which goes with the machine.
 */
export async function run(options: RunOptions, context: Context): Promise<RunningMachine> {
  const plan = planRun(options, callerOf(context));
  await qemu().version(plan.content.arch);
  checkMountSources(plan.mounts);
  return withStore(context, async (store) => {
    const files = await prepareRunFiles(plan, store, context);
    try {
      return await start(plan, files, context);
    } catch (error) {
      files[Symbol.dispose]();
      throw error;
    }
  });
}

async function start(plan: RunPlan, files: RunFiles, context: Context): Promise<RunningMachine> {
  const vmm = qemu();
  const { directory, image } = files;
  const facts = await readImageFacts(image, context.signal);
  if (!files.isBuilt) refuseOverrides(plan, facts);
  if (plan.root === "copy" && facts.format !== "ext4") throw refuseCopy(facts.format);
  const kernel = await kernelOf(plan, facts, context);
  const ports = await choosePorts(publishedPorts(plan, facts));
  const at = { directory, imageUuid: facts.uuid };
  const mounts = await prepareMounts(plan.mounts, at, context);
  const spec = specOf({ plan, image, facts, kernel, ports, mounts, directory });
  const startedAtMs = monotonicMs();
  const names = { step: "boot", title: "Start the machine" };
  const machine = await runStep(context.onEvent, names, () => vmm.start(spec, context.signal));
  return new RunningMachine({
    machine,
    spec,
    commandByHand: vmm.commandByHand({ ...spec, ports: machine.ports }),
    startedAtMs,
    reports: facts.reports,
    timeoutMs: plan.timeoutMs,
    hintIfLost: hintIfLost(plan, facts),
    onWarning: (message) => context.onEvent({ type: "warning", message }),
    release: () => files[Symbol.dispose](),
  });
}

/** What to try with a machine that went away in silence. */
function hintIfLost({ kernel, modules, memoryMiB }: RunPlan, { format }: ImageFacts): string {
  const drivers = [...new Set(["virtio", format, "ext4", "overlay"])].join(", ");
  const loud = "--append loglevel=7 shows what the kernel says";
  return kernel !== undefined && modules === undefined
    ? `without --modules, a kernel must have ${drivers} built in; ${loud}`
    : `more memory than ${memoryMiB} MiB may help (-m); ${loud}`;
}

function kernelOf(plan: RunPlan, facts: ImageFacts, context: Context): Promise<Kernel> {
  const cacheDirectory = wickDirectories(context.environment).cache;
  const { signal } = context;
  return runStep(context.onEvent, { step: "kernel", title: "Find a kernel" }, async (step) => {
    const onProgress = ({ doneBytes, totalBytes }: FetchProgress): void =>
      step.bytes(doneBytes, totalBytes);
    const kernel = await findKernel({
      arch: plan.content.arch,
      kernelFile: plan.kernel,
      modulesDirectory: plan.modules,
      cacheDirectory,
      refresh: plan.content.refresh,
      fileSystem: facts.format,
      packages: {
        fetch: (names, arch, only) => {
          const packages = names.map((name) => ({ name }));
          return fetchPackages({ packages, arch, only, cacheDirectory, signal, onProgress });
        },
        layer: ({ name, version, path }) => debLayer({ label: `${name} ${version}`, path }),
      },
      signal,
    });
    step.detail(kernel.origin);
    return kernel;
  });
}

interface Parts {
  readonly plan: RunPlan;
  readonly image: string;
  readonly facts: ImageFacts;
  readonly kernel: Kernel;
  readonly ports: readonly PortForward[];
  readonly mounts: PreparedMounts;
  readonly directory: string;
}

/** Writes what this run adds (drives, initramfs) and says how the machine is made. */
function specOf(parts: Parts): MachineSpec {
  const { plan, kernel, directory } = parts;
  const { drives, boot } = rootOf(parts);
  const initrd = join(directory, "initrd.cpio");
  const init = readSmallFile(fileURLToPath(initBinary(plan.content.arch)), INIT_MAX_BYTES);
  const files = runFiles(plan, parts.facts, { ports: parts.ports, mounts: parts.mounts.mounts });
  writePrivateFile(initrd, buildInitrd({ init, modules: kernel.modules, boot, runFiles: files }));
  return {
    arch: plan.content.arch,
    kernel: kernel.path,
    initrd,
    commandLine: commandLine(plan),
    memoryMiB: plan.memoryMiB,
    cpus: plan.cpus,
    drives: [...drives, ...parts.mounts.drives],
    ports: parts.ports,
    network: plan.network,
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
function commandLine({ append, content }: RunPlan): string {
  const console = qemu().consoleDevice(content.arch);
  // Where the host is busy, the kernel's test of its timer fails now and then, and says so on the
  // console even when it is to be quiet, amid the application's words.
  const pc = content.arch === "x86_64" ? ["reboot=t", "no_timer_check"] : [];
  return [`console=${console}`, "quiet", "panic=-1", ...pc, append]
    .filter((word) => word !== "")
    .join(" ");
}
