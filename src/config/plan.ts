import { resolve } from "node:path";
import {
  configOf,
  orderMounts,
  parseCpus,
  parseEnvFile,
  parseMemory,
  parseMount,
  parsePublishedAll,
  parseSize,
  parseTmpfs,
  parseVolume,
  type AppConfig,
  type PublishedPort,
  type RequestedMount,
} from "../application/index.ts";
import { sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { readSmallFile, type Environment } from "../host/index.ts";
import { parseAddition, type Addition } from "../shaping/index.ts";
import {
  parseSecret,
  type Allowance,
  type DockerfileSettings,
  type ListSettings,
} from "../sources/index.ts";
import { accelerators } from "./accelerators.ts";
import { buildingOptions } from "./building-options.ts";
import { bundleOf, outputOf, type BundlePlan } from "./bundle.ts";
import { checkPublished, type Network } from "./check-published.ts";
import { parseDuration } from "./duration.ts";
import {
  buildOptionsSchema,
  runOptionsSchema,
  type BuildOptions,
  type RunOptions,
} from "./options.ts";
import {
  LIST_FORMAT,
  type BuildFormat,
  type Compression,
  type RootFormat,
} from "./image-formats.ts";
import { listPrefix, listSettings } from "./list-options.ts";
import { checkFormatOptions, compressionOf, formatOf } from "./image-options.ts";
import type { initKinds } from "./init-kinds.ts";
import { packingOf, type PackingPlan } from "./packing.ts";
import { parseOptions } from "./parse.ts";
import type { PullPolicy } from "./pull-policies.ts";
import { archOf, type Arch } from "./platform.ts";
import { drivesOf, type DrivePlan } from "./drive-options.ts";
import { jailOf, type JailPlan } from "./jail-options.ts";
import { vmmOf, type VmmName } from "./vmm-options.ts";

export type InitKind = (typeof initKinds)[number];
/** Where relative paths start and what `-e NAME` takes from. */
export interface Caller {
  readonly environment: Environment;
  readonly workingDirectory: string;
  /** The machine that wick runs on: the guest's unless a platform is given. */
  readonly arch: Arch;
}

/** What a root file system is made from, resolved. */
export interface ContentPlan {
  readonly source: string;
  readonly with: readonly string[];
  /** Files on the host, absolute, and where they go. */
  readonly add: readonly Addition[];
  readonly recipe: string | undefined;
  readonly owner: "keep" | { readonly uid: number; readonly gid: number } | undefined;
  /** Where a program's libraries are looked for, absolute. */
  readonly rootDirectory: string | undefined;
  readonly arch: Arch;
  readonly format: RootFormat;
  readonly compression: Compression | undefined;
  readonly init: InitKind;
  readonly sizeBytes: number | "min" | undefined;
  readonly volumeLabel: string;
  readonly journal: boolean;
  /** What the user says about the application, over what source and recipe say. */
  readonly overrides: AppConfig;
  /** Whether an image without an application is an error: a run may still name one. */
  readonly needsApplication: boolean;
  /** Time of everything that wick itself adds: SOURCE_DATE_EPOCH, else 1970. */
  readonly mtimeSeconds: number;
  readonly refresh: boolean;
  readonly pull: PullPolicy;
  /** Registries, `HOST[:PORT]`. */
  readonly insecure: readonly string[];
  /** For a folder with a Dockerfile. */
  readonly dockerfile: DockerfileSettings;
  /** What such a folder is allowed. */
  readonly allowed: readonly Allowance[];
  /** For the kernel's lists. */
  readonly list: ListSettings;
}

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
export interface RunPlan<Accel = Exclude<RequestedAccel, "auto">> {
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
  readonly cpus: number;
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
  readonly accel: Accel;
  readonly root: "overlay" | "copy" | "ro";
  readonly readOnly: boolean;
  /** "relay": no card; published ports go through init. */
  readonly network: Network;
  readonly directory: string | undefined;
}

const DEFAULTS = { memory: "256m", cpus: "1", timeout: "60s" } as const;

/** ext4's s_volume_name. */
const VOLUME_LABEL_BYTES = 16;

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
  const content = planContent(given, built, caller);
  const vmm = vmmOf({ given, arch: content.arch, hostArch: caller.arch });
  const network = given.network ?? (vmm === "firecracker" ? "relay" : "user");
  const ports = parsePublishedAll(given.publish ?? []);
  checkPublished(ports, network);
  return {
    content,
    buildingOptions: buildingOptions(given),
    overrides,
    ports,
    publishAll: given.publishAll ?? false,
    mounts: mountsOf(given, caller),
    isMemoryGiven: (given.memory ?? caller.environment["WICK_MEMORY"]) !== undefined,
    memoryMiB: parseMemory(setting(given.memory, "WICK_MEMORY", DEFAULTS.memory, caller)),
    cpus: parseCpus(given.cpus ?? DEFAULTS.cpus),
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
    // WICK_ACCEL is for those VMMs that have a choice.
    accel: given.accel ?? (vmm === "firecracker" ? "kvm" : acceleratorOf(caller.environment)),
    root: given.root ?? "overlay",
    readOnly: given.readOnly ?? false,
    network,
    directory: optionalPath(given.directory, caller),
  };
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

type Content = Omit<BuildOptions, "output"> | RunOptions;

function planContent(given: Content, overrides: AppConfig, caller: Caller): ContentPlan {
  const format = formatOf(given);
  checkFormatOptions(given, format);
  const mtimeSeconds = sourceDateEpoch(caller.environment);
  return {
    source: given.source,
    with: given.with ?? [],
    add: (given.add ?? []).map((text) => absoluteAddition(parseAddition(text), caller)),
    recipe: given.recipe === undefined ? undefined : absolute(given.recipe, caller),
    owner: parseOwner(given.owner),
    rootDirectory: given.rootDir === undefined ? undefined : absolute(given.rootDir, caller),
    arch: archOf(given.platform, caller),
    format: format === "kernel" ? "initramfs" : format,
    compression: compressionOf(given, format),
    init: given.init ?? "wick",
    sizeBytes:
      given.size === undefined || given.size === "min"
        ? given.size
        : parseSize(given.size, "the size"),
    volumeLabel: volumeLabel(given.label ?? []),
    journal: given.journal ?? true,
    overrides,
    needsApplication: "output" in given || "bundle" in given,
    mtimeSeconds,
    refresh: given.refresh ?? false,
    pull: given.pull ?? "missing",
    insecure: (given.insecure ?? []).map((host) => host.toLowerCase()),
    dockerfile: dockerfileSettings(given, caller),
    allowed: given.allow ?? [],
    list: listSettings(given, caller, mtimeSeconds),
  };
}

function dockerfileSettings(given: Content, caller: Caller): DockerfileSettings {
  const { workingDirectory } = caller;
  return {
    file: given.file === undefined ? undefined : absolute(given.file, caller),
    buildArgs: (given.buildArg ?? []).map(checkedBuildArg),
    target: given.target,
    secrets: (given.secret ?? []).map((text) => parseSecret(text, workingDirectory)),
    noCache: given.cache === false,
    pull: given.pull === "always",
  };
}

function checkedBuildArg(text: string): string {
  if (/^[A-Za-z_]\w*(=|$)/.test(text) && !text.includes("\0")) return text;
  const shown = sanitise(text.split("=", 1)[0]!.slice(0, 80));
  throw new WickError(
    "USAGE",
    `Cannot use the build argument "${shown}": wanted NAME=value, or NAME for the caller's value`,
  );
}

function overridesOf(
  given: Content,
  command: readonly string[] | undefined,
  caller: Caller,
): AppConfig {
  const files = (given.envFile ?? []).flatMap((file) => {
    const path = absolute(file, caller);
    return parseEnvFile(readSmallFile(path), path, caller.environment);
  });
  const labels = (given.label ?? []).filter((text) => text.includes("="));
  return configOf(
    {
      entrypoint: given.entrypoint,
      command,
      env: [...files, ...(given.env ?? [])],
      workdir: given.workdir,
      user: given.user,
      expose: given.expose,
      labels: labels.length === 0 ? undefined : labels,
      stopSignal: given.stopSignal,
      hostname: "hostname" in given ? given.hostname : undefined,
    },
    caller.environment,
  );
}

function absolute(path: string, caller: Caller): string {
  return resolve(caller.workingDirectory, path);
}

function optionalPath(path: string | undefined, caller: Caller): string | undefined {
  return path === undefined ? undefined : absolute(path, caller);
}

function absoluteAddition(addition: Addition, caller: Caller): Addition {
  return { ...addition, file: absolute(addition.file, caller) };
}

function parseOwner(text: string | undefined): ContentPlan["owner"] {
  if (text === undefined || text === "keep") return text;
  const match = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && uid < 2 ** 32 && gid < 2 ** 32) return { uid, gid };
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the owner: wanted keep or UID:GID`,
  );
}

function volumeLabel(labels: readonly string[]): string {
  const names = labels.filter((text) => !text.includes("="));
  const label = names.at(-1) ?? "";
  if (utf8(label).length <= VOLUME_LABEL_BYTES) return label;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(label)}" as the volume label: wanted at most ${VOLUME_LABEL_BYTES} bytes`,
    {
      hint: "a label of the image is KEY=VALUE",
    },
  );
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDateEpoch(environment: Environment): number {
  const text = environment["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === "") return 0;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new WickError(
    "USAGE",
    `Cannot use SOURCE_DATE_EPOCH "${sanitise(text)}": wanted seconds since 1970`,
  );
}
