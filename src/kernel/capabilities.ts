import { dirname, join } from "node:path";
import { type ReadableStorage, sanitise, windowsFromEnd } from "../bytes/index.ts";
import { readSmallFile, statOf } from "../host/index.ts";
import {
  type DecompressorName,
  decompressorMarks,
  decompressorNames,
  type FeatureMark,
  featureMarks,
  type FeatureName,
  featureNames,
  initrdMark,
} from "./feature-marks.ts";
import { embeddedConfig, type KernelConfig, parseKernelConfig } from "./kconfig.ts";
import { type UnpackedKernel, unpackKernelFile } from "./unpack-kernel.ts";
import { pvhEntryOf, readVmlinux } from "./vmlinux.ts";

/** Whether a kernel can do something, and what says so. */
export interface Finding {
  /** Built in; undefined when nothing tells. */
  readonly value: boolean | undefined;
  /** A module of it can be loaded. */
  readonly isModule?: true;
  /** `IKCONFIG`, `config-6.1.0-56-cloud-amd64`, `strings in the image`, `an ELF note`. */
  readonly evidence: string;
}

/** What a kernel is and can do. */
export interface KernelCapabilities {
  readonly from: UnpackedKernel["from"];
  readonly compression: UnpackedKernel["compression"];
  readonly arch: string;
  readonly release: string | undefined;
  /** Physical address; undefined when VMMs cannot enter it by PVH. */
  readonly pvhEntry: number | undefined;
  readonly initrd: Finding;
  readonly decompressors: Readonly<Record<DecompressorName, Finding>>;
  readonly features: Readonly<Record<FeatureName, Finding>>;
}

/** A configuration, and where it was found. */
interface ConfigFound {
  readonly config: KernelConfig;
  readonly evidence: string;
}

const CONFIG_BYTES = 16 << 20;
/** No mark has more characters. */
const LONGEST_TEXT = 64;

/**
 * Looks into a kernel's file of any form. Its configuration is the one that it carries, else
 * `configFile`, else `config-RELEASE`, `config` or `.config` beside it; what no configuration
 * tells, strings in the unpacked kernel may.
 * Errors: those of unpacking, and IO of a `configFile` that is not there.
 */
export async function kernelCapabilities(
  path: string,
  options: {
    readonly configFile?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<KernelCapabilities> {
  const kernel = await unpackKernelFile(path, options.signal);
  const { release } = kernel;
  return capabilitiesOf(kernel, configBeside(path, { release, configFile: options.configFile }));
}

/** What an unpacked kernel can do, by its own words and a configuration's. */
export function capabilitiesOf(kernel: UnpackedKernel, beside?: ConfigFound): KernelCapabilities {
  const embedded = embeddedConfig(kernel.bytes);
  const config = embedded === undefined ? beside : { config: embedded, evidence: "IKCONFIG" };
  const { bytes } = kernel;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const look = (mark: FeatureMark): Finding => findingOf(mark, { config, text });
  return {
    from: kernel.from,
    compression: kernel.compression,
    arch: kernel.arch,
    release: kernel.release,
    pvhEntry:
      kernel.format === "ELF" ? pvhEntryOf(readVmlinux(kernel.bytes, "the kernel")) : undefined,
    initrd: look(initrdMark),
    decompressors: every(decompressorNames, (name) => look(decompressorMarks[name])),
    features: every(featureNames, (name) => look(featureMarks[name])),
  };
}

/**
 * Whether a kernel's own texts, in the parts in which they lie, say that it takes an initramfs
 * compressed in all of these ways: then nothing else needs to be asked. They are searched from
 * the end, where linkers put what is only used at the start.
 */
export function takesInitramfs(
  texts: readonly ReadableStorage[],
  compressions: readonly (DecompressorName | "none")[],
): boolean {
  const names = compressions.filter((name) => name !== "none");
  const missing = new Set([initrdMark, ...names.map((name) => decompressorMarks[name])]);
  for (const text of texts.toReversed()) {
    for (const { bytes } of windowsFromEnd(text, LONGEST_TEXT)) {
      for (const mark of missing) {
        if (mark.texts.some((one) => bytes.includes(one))) missing.delete(mark);
      }
      if (missing.size === 0) return true;
    }
  }
  return false;
}

/** Each is looked for when it is asked for: that may take a walk through the whole kernel. */
function every<N extends string>(
  names: readonly N[],
  find: (name: N) => Finding,
): Record<N, Finding> {
  const all = {} as Record<N, Finding>;
  for (const name of names) {
    let found: Finding | undefined;
    Object.defineProperty(all, name, { enumerable: true, get: () => (found ??= find(name)) });
  }
  return all;
}

function findingOf(
  mark: FeatureMark,
  { config, text }: { readonly config: ConfigFound | undefined; readonly text: Buffer },
): Finding {
  if (config !== undefined) {
    const values = mark.options.map((option) => config.config.get(option));
    const { evidence } = config;
    if (values.includes("y")) return { value: true, evidence };
    return values.includes("m")
      ? { value: false, isModule: true, evidence }
      : { value: false, evidence };
  }
  const evidence = "strings in the image";
  if (mark.texts.some((one) => text.includes(one))) return { value: true, evidence };
  return { value: mark.always === true ? false : undefined, evidence };
}

/** The configuration that lies beside a kernel, under the names that distributions use. */
function configBeside(
  path: string,
  known: { readonly release: string | undefined; readonly configFile: string | undefined },
): ConfigFound | undefined {
  const { release, configFile } = known;
  if (configFile !== undefined) return readConfig(configFile, sanitise(configFile));
  const names = release === undefined ? [] : [`config-${release}`];
  for (const name of [...names, "config", ".config"]) {
    const file = join(dirname(path), name);
    if (statOf(file)?.isFile() !== true) continue;
    const found = readConfig(file, `${sanitise(name)} beside it`);
    // A configuration of another kernel says nothing of this one.
    if (found.config.size > 0 && isFor(file, release)) return found;
  }
  return undefined;
}

function readConfig(file: string, evidence: string): ConfigFound {
  const text = new TextDecoder().decode(readSmallFile(file, CONFIG_BYTES));
  return { config: parseKernelConfig(text), evidence };
}

/** `# Linux/x86 6.1.192 Kernel Configuration` names a version; a release begins otherwise for Debian. */
function isFor(file: string, release: string | undefined): boolean {
  if (release === undefined) return true;
  const text = new TextDecoder().decode(readSmallFile(file, CONFIG_BYTES).subarray(0, 4096));
  const version = /^# Linux\/\S+ (\d+\.\d+)/m.exec(text)?.[1];
  return version === undefined || release.startsWith(`${version}.`) || release === version;
}
