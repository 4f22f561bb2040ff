import { parseCpus, parseMemory } from "../application/index.ts";
import { display, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { refuseModulesAlone } from "./packing.ts";

/** The machine that a bundle describes: `--bundle`. */
export interface BundlePlan {
  /** Absolute; without it the distribution's. */
  readonly kernel: string | undefined;
  /** Absolute: that kernel's modules. */
  readonly modules: string | undefined;
  /** More words for the kernel's command line. */
  readonly append: string;
  readonly memoryMiB: number;
  /** Whether the user said so; else an initramfs gets what it needs. */
  readonly isMemoryGiven: boolean;
  readonly cpus: number;
}

interface Given {
  readonly bundle?: string | undefined;
  readonly output?: string | undefined;
  readonly format?: string | undefined;
  readonly kernel?: string | undefined;
  readonly modules?: string | undefined;
  readonly commandLine?: string | undefined;
  readonly memory?: string | undefined;
  readonly cpus?: string | undefined;
}

/** Where `build` writes: one file, or the directory of a bundle. USAGE for none or both. */
export function outputOf({ bundle, output, format }: Given): string {
  if (bundle !== undefined && output !== undefined) {
    throw usage(
      "there are two outputs, wanted -o FILE or --bundle DIRECTORY",
      "a bundle holds the image: leave -o out",
    );
  }
  if (bundle !== undefined && format === "initramfs-list") {
    throw usage(
      "a bundle holds what boots, and a list does not",
      "--format ext4, erofs, squashfs, initramfs or kernel",
    );
  }
  const path = bundle ?? output;
  if (path === "-") {
    throw usage(
      "the output is -, and what boots is no stream, wanted a file",
      "./- is a file of that name",
    );
  }
  if (path !== undefined) return path;
  throw usage("there is no output, wanted -o FILE or --bundle DIRECTORY");
}

/** The plan of `build`'s options, whose paths are absolute; undefined without `--bundle`. USAGE. */
export function bundleOf(
  given: Given,
  defaults: { readonly memory: string; readonly cpus: string },
): BundlePlan | undefined {
  const { kernel, modules, memory, cpus } = given;
  if (given.bundle === undefined) {
    refuseMachine({ memory, cpus });
    return undefined;
  }
  if (modules !== undefined && kernel === undefined) throw refuseModulesAlone(modules);
  return {
    kernel,
    modules,
    append: appendOf(given.commandLine ?? ""),
    memoryMiB: parseMemory(memory ?? defaults.memory),
    isMemoryGiven: memory !== undefined,
    cpus: cpusOf(cpus ?? defaults.cpus),
  };
}

/** Firecracker's MAX_SUPPORTED_VCPUS. */
const CPUS_MOST = 32;

function cpusOf(text: string): number {
  const cpus = parseCpus(text);
  if (cpus <= CPUS_MOST) return cpus;
  throw usage(`a bundle's machine has ${cpus} CPUs, and Firecracker gives ${CPUS_MOST} at most`);
}

/** Firecracker takes printable ASCII alone, and refuses the configuration for anything else. */
function appendOf(words: string): string {
  if (/^[ -~]*$/u.test(words)) return words;
  throw usage(`--cmdline is "${display(utf8(words))}", wanted printable ASCII`);
}

/** An image alone is no machine. */
function refuseMachine(options: Readonly<Record<string, string | undefined>>): void {
  const [name] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw usage(`--${name} belongs to a machine`, "--bundle DIRECTORY describes one");
}

function usage(why: string, hint?: string): WickError {
  return new WickError("USAGE", `Cannot build: ${why}`, hint === undefined ? {} : { hint });
}
