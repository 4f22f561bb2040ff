import {
  orderMounts,
  parseCpus,
  parseMemory,
  parseMount,
  parsePublishedAll,
  parseTmpfs,
  parseVolume,
  type AppConfig,
  type PublishedPort,
  type RequestedMount,
} from "../application/index.ts";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Environment } from "../host/index.ts";
import { accelerators } from "./accelerators.ts";
import { buildingOptions } from "./building-options.ts";
import { bundleOf, outputOf, type BundlePlan } from "./bundle.ts";
import { absolute, optionalPath, type Caller } from "./caller.ts";
import { checkPublished } from "./check-published.ts";
import { planContent, type ContentPlan, type InitKind } from "./content-plan.ts";
import { parseDuration } from "./duration.ts";
import {
  buildOptionsSchema,
  runOptionsSchema,
  type BuildOptions,
  type RunOptions,
} from "./options.ts";
import { LIST_FORMAT, type BuildFormat } from "./image-formats.ts";
import { listPrefix } from "./list-options.ts";
import { formatOf } from "./image-options.ts";
import { overridesOf } from "./overrides.ts";
import { packingOf, type PackingPlan } from "./packing.ts";
import { parseOptions } from "./parse.ts";
import { drivesOf, type DrivePlan } from "./drive-options.ts";
import { jailOf, type JailPlan } from "./jail-options.ts";
import { networkOf, type NetworkPlan } from "./network-options.ts";
import { metricsOf } from "./metrics-option.ts";
import { vmmOf, type VmmName } from "./vmm-options.ts";

export interface BuildPlan extends ContentPlan {
  /** Absolute. */
  readonly output: string;
  /**
   * What is made of the image: a list of its files, and what is packed, has `format`
   * "initramfs".
   */
  readonly outputFormat: BuildFormat;
  /** Of a list: the directory in which it says that its files lie. */
  readonly listPrefix: string;
  /** What is built is packed into a kernel. */
  readonly packing: PackingPlan | undefined;
  /** The output is a directory with a machine that Firecracker and QEMU boot. */
  readonly bundle: BundlePlan | undefined;
}

/** How the machine's processor is made; `auto` is decided by what works on the host. */
export type RequestedAccel = (typeof accelerators)[number];

/** What one run sets, resolved. */
export interface RunPlan<Accel = Exclude<RequestedAccel, "auto">> extends NetworkPlan {
  /** Of a source that must be built first; a finished image has it all inside. */
  readonly content: ContentPlan;
  /** Options given that only building can follow, as `size`. */
  readonly buildingOptions: readonly string[];
  readonly overrides: AppConfig;
  readonly ports: readonly PublishedPort[];
  /** Whether the image's exposed ports are published too. */
  readonly publishAll: boolean;
  /** In the order in which they are made; sources on the host are absolute. */
  readonly mounts: readonly RequestedMount[];
  readonly memoryMiB: number;
  /** Whether the user said so; else an initramfs gets what it needs. */
  readonly isMemoryGiven: boolean;
  /** What a balloon leaves of it until the machine needs more; undefined: no balloon. */
  readonly reservationMiB: number | undefined;
  readonly cpus: number;
  /** Whether the user said so; a bundle says how many its machine has. */
  readonly isCpusGiven: boolean;
  readonly timeoutMs: number;
  readonly kernel: string | undefined;
  /** Whether the command says so, and not only WICK_KERNEL. */
  readonly isKernelGiven: boolean;
  readonly modules: string | undefined;
  /** Whether the command names the machine's architecture. */
  readonly isPlatformGiven: boolean;
  /** Whether what is built is packed into the kernel. */
  readonly packs: boolean;
  readonly append: string;
  readonly vmm: VmmName;
  readonly jail: JailPlan | undefined;
  readonly drives: DrivePlan;
  /** The file for the VMM's metrics, absolute. */
  readonly metrics: string | undefined;
  readonly accel: Accel;
  readonly root: "overlay" | "copy" | "ro";
  readonly readOnly: boolean;
  readonly directory: string | undefined;
}

const DEFAULTS = { memory: "256m", cpus: "1", timeout: "60s" } as const;

/** The plan of `build`; USAGE with every problem at once. */
export function planBuild(options: BuildOptions, caller: Caller): BuildPlan {
  const given = parseOptions(buildOptionsSchema, options, "build");
  const overrides = overridesOf(given, given.cmd, caller);
  const content = planContent(sized(given), overrides, caller);
  const output = absolute(outputOf(given), caller);
  const isList = given.format === LIST_FORMAT;
  const format = formatOf(given);
  const kernel = optionalPath(given.kernel, caller);
  const modules = optionalPath(given.modules, caller);
  const { commandLine } = given;
  return {
    ...content,
    output,
    outputFormat: isList ? LIST_FORMAT : format,
    listPrefix: listPrefix(given, output),
    packing: packingOf({ ...given, output, kernel, modules, commandLine }, format),
    bundle: bundleOf({ ...given, kernel, modules }, DEFAULTS),
  };
}

/** A bundle's root is never written to: no room is wanted beside its contents. */
function sized(given: BuildOptions): BuildOptions {
  const isRoomy = given.bundle !== undefined && given.size === undefined;
  return isRoomy && formatOf(given) === "ext4" ? { ...given, size: "min" } : given;
}

/** The plan of `run`; everything is checked before anything is started (C12). */
export function planRun(options: RunOptions, caller: Caller): RunPlan<RequestedAccel> {
  const given = parseOptions(runOptionsSchema, options, "run");
  const overrides = overridesOf(given, given.command ?? given.cmd, caller);
  const built = builtIn(given.init ?? "wick", overrides);
  // Without a command of this run's own the source must name one: its error lists likely ones.
  const needsApplication = [overrides.Entrypoint, overrides.Cmd].every((words) => !words?.length);
  const content = { ...planContent(given, built, caller), needsApplication };
  const vmm = vmmOf({ given, arch: content.arch, hostArch: caller.arch });
  const usual = vmm === "firecracker" ? "relay" : "user";
  const { network, tap } = networkOf(given.network ?? usual);
  const ports = parsePublishedAll(given.publish ?? []);
  checkPublished(ports, network, given.publishAll === true);
  return {
    content,
    buildingOptions: buildingOptions(given),
    overrides,
    ports,
    publishAll: given.publishAll ?? false,
    mounts: mountsOf(given, caller),
    ...reservedMemory(given, caller),
    isMemoryGiven: (given.memory ?? caller.environment["WICK_MEMORY"]) !== undefined,
    cpus: parseCpus(given.cpus ?? DEFAULTS.cpus),
    isCpusGiven: given.cpus !== undefined,
    timeoutMs: parseDuration(given.timeout ?? DEFAULTS.timeout, "the timeout"),
    kernel: optionalPath(given.kernel ?? caller.environment["WICK_KERNEL"], caller),
    isKernelGiven: given.kernel !== undefined,
    modules: optionalPath(given.modules, caller),
    isPlatformGiven: given.platform !== undefined,
    packs: formatOf(given) === "kernel",
    append: given.append ?? "",
    vmm,
    jail: jailOf(given, vmm, caller.workingDirectory),
    drives: drivesOf(given, vmm),
    metrics: metricsOf(given, vmm, caller.workingDirectory),
    // WICK_ACCEL is for those VMMs that have a choice.
    accel: given.accel ?? (vmm === "firecracker" ? "kvm" : acceleratorOf(caller.environment)),
    root: given.root ?? "overlay",
    readOnly: given.readOnly ?? false,
    network,
    tap,
    directory: optionalPath(given.directory, caller),
  };
}

function reservedMemory(
  { memory, memoryReservation: text }: RunOptions,
  caller: Caller,
): Pick<RunPlan, "memoryMiB" | "reservationMiB"> {
  const memoryMiB = parseMemory(setting(memory, "WICK_MEMORY", DEFAULTS.memory, caller));
  const reservationMiB = text === undefined ? undefined : parseMemory(text);
  if (reservationMiB === undefined || reservationMiB < memoryMiB) {
    return { memoryMiB, reservationMiB };
  }
  throw new WickError(
    "USAGE",
    `Cannot use ${sanitise(text!)} as --memory-reservation: wanted less than the memory, ${memoryMiB} MiB`,
    { hint: "--memory says how much the machine may have" },
  );
}

/**
 * Wick's init takes them at each start; an application that is process 1 gets arguments and
 * variables by the kernel's command line; any other init has them only in the image itself.
 */
function builtIn(init: InitKind, overrides: AppConfig): AppConfig {
  if (init === "wick") return {};
  if (init !== "app") return overrides;
  const { Cmd: _, Env: __, ...rest } = overrides;
  return rest;
}

function mountsOf(given: RunOptions, caller: Caller): readonly RequestedMount[] {
  const mounts: readonly RequestedMount[] = [
    ...(given.volume ?? []).map(parseVolume),
    ...(given.mount ?? []).map(parseMount),
    ...(given.tmpfs ?? []).map(parseTmpfs),
  ];
  const placed = mounts.map((mount) =>
    mount.kind === "bind" ? { ...mount, source: absolute(mount.source, caller) } : mount,
  );
  return orderMounts(placed);
}

function acceleratorOf(environment: Environment): RequestedAccel {
  const text = environment["WICK_ACCEL"] ?? "auto";
  const found = accelerators.find((one) => one === text);
  if (found !== undefined) return found;
  throw new WickError(
    "USAGE",
    `Cannot use WICK_ACCEL "${sanitise(text)}": wanted auto, tcg or kvm`,
  );
}

function setting(
  given: string | undefined,
  variable: string,
  fallback: string,
  caller: Caller,
): string {
  return given ?? caller.environment[variable] ?? fallback;
}
