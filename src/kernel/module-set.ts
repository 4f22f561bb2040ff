import { basename } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { decompress } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { type ModuleInfo, readElf, readModuleInfo } from "../formats/elf/index.ts";
import { filesBelow, readChunks, readSmallFile } from "../host/index.ts";

/** A kernel module's file: `.ko`, plain or compressed. */
const MODULE_FILE = /^(.+)\.ko(?:\.(?:xz|zst|gz))?$/;

/** No module of a distribution's kernel is near this when unpacked. */
const MODULE_BYTES = 64 << 20;

/** The modules that belong to one kernel, by name; names have underscores, as in the kernel. */
export interface ModuleSet {
  /** Where the set came from, for messages. */
  readonly origin: string;
  /** Paths of files on this machine. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of what is part of the kernel itself. */
  readonly builtin: ReadonlySet<string>;
}

/** One module, unpacked. */
export interface ReadModule {
  readonly bytes: Uint8Array;
  readonly info: ModuleInfo;
}

/** A module's name from the name of its file: `virtio-rng.ko.xz` is `virtio_rng`; undefined: no module. */
export function moduleName(file: string): string | undefined {
  return MODULE_FILE.exec(basename(file))?.[1]?.replaceAll("-", "_");
}

/** Names in a `modules.builtin`, a path of a module a line. */
export function builtinNames(text: Uint8Array): Set<string> {
  const lines = new TextDecoder().decode(text).split("\n");
  return new Set(lines.map(moduleName).filter((name) => name !== undefined));
}

/** The modules of a directory such as /lib/modules/6.1.0, or of any tree of .ko files. */
export function modulesOfDirectory(directory: string): ModuleSet {
  const files = new Map<string, string>();
  let builtin = new Set<string>();
  for (const path of filesBelow(directory)) {
    const name = moduleName(path);
    if (name !== undefined) files.set(name, path);
    if (basename(path) === "modules.builtin") builtin = builtinNames(readSmallFile(path));
  }
  return { origin: directory, files, builtin };
}

/** Reads one module's file, whatever its compression. Errors: KERNEL_INVALID, COMPRESSION_INVALID. */
export async function readModule(path: string, signal?: AbortSignal): Promise<ReadModule> {
  const name = sanitise(basename(path));
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const options = { name, ...(signal === undefined ? {} : { signal }) };
  for await (const chunk of decompress(readChunks(path, signal), options)) {
    sizeBytes += chunk.length;
    if (sizeBytes > MODULE_BYTES) throw invalid(name, `more than ${MODULE_BYTES} bytes`);
    chunks.push(Uint8Array.from(chunk));
  }
  const bytes = Buffer.concat(chunks);
  const elf = readElf(bytes, { what: `the kernel module ${name}`, code: "KERNEL_INVALID" });
  const info = readModuleInfo(elf);
  if (info === undefined) throw invalid(name, "a file without .modinfo");
  return { bytes, info };
}

function invalid(name: string, is: string): WickError {
  return new WickError(
    "KERNEL_INVALID",
    `Cannot use the kernel module ${name}: ${is}, wanted a module`,
  );
}
