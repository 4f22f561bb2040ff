import { join } from "node:path";
import { utf8 } from "../bytes/index.ts";
import {
  directoriesIn,
  makePrivateDirectory,
  publish,
  publishDirectory,
  readSmallFile,
  removeAbandoned,
  removePath,
} from "../host/index.ts";
import {
  isIntact,
  manifestFile,
  readManifest,
  type KernelManifest,
  type ManifestFile,
} from "./manifest.ts";

/** The largest file that is kept: distributions' kernels have 10 to 60 MB. */
const FILE_BYTES = 256 << 20;

const MANIFEST = "manifest.json";
const KERNEL = "vmlinuz";
/** Where what a kernel can do is looked up, too. */
const CONFIG = "config";
const MODULES = "modules";

/** A kernel on its way into the cache. */
export interface NewKernel {
  readonly request: string;
  readonly package: string;
  readonly version: string;
  readonly arch: string;
  readonly release: string | undefined;
  readonly kernel: Uint8Array;
  readonly config?: Uint8Array | undefined;
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** A kernel in the cache, every byte of it as it was put there. */
export interface CachedKernel {
  readonly path: string;
  readonly manifest: KernelManifest;
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** Puts a kernel into `kernels/PACKAGE_VERSION_ARCH`, whole or not at all; that directory. */
export async function storeKernel(cacheDirectory: string, made: NewKernel): Promise<string> {
  const key = `${made.package}_${made.version}_${made.arch}`.replace(/[^\w.+~-]/g, "_");
  const directory = join(cacheDirectory, "kernels", key);
  await publishDirectory(directory, (temporary) => fill(temporary, made));
  return directory;
}

async function fill(directory: string, made: NewKernel): Promise<void> {
  const write = (name: string, bytes: Uint8Array): Promise<void> =>
    publish(join(directory, name), (storage) => storage.writeAt(bytes, 0), { mode: 0o600 });
  makePrivateDirectory(join(directory, MODULES));
  await write(KERNEL, made.kernel);
  if (made.config !== undefined) await write(CONFIG, made.config);
  for (const { name, bytes } of made.modules) await write(join(MODULES, `${name}.ko`), bytes);
  const manifest: KernelManifest = {
    wick: 1,
    request: made.request,
    package: made.package,
    version: made.version,
    ...(made.release === undefined ? {} : { release: made.release }),
    kernel: manifestFile(KERNEL, made.kernel),
    ...(made.config === undefined ? {} : { config: manifestFile(CONFIG, made.config) }),
    modules: made.modules.map(({ name, bytes }) => manifestFile(name, bytes)),
  };
  await write(MANIFEST, utf8(`${JSON.stringify(manifest, undefined, 2)}\n`));
}

/** The newest intact kernel that was made for `request`; damaged ones are removed. */
export function cachedKernel(cacheDirectory: string, request: string): CachedKernel | undefined {
  removeAbandoned(join(cacheDirectory, "kernels"));
  // Made here: it takes 10 ms, and most commands look for no kernel.
  const versionOrder = new Intl.Collator("en", { numeric: true });
  const found = directoriesIn(join(cacheDirectory, "kernels"))
    .map((path) => ({ path, manifest: readManifest(join(path, MANIFEST)) }))
    .filter((one): one is { path: string; manifest: KernelManifest } => {
      return one.manifest?.request === request;
    })
    // 6.1.9 comes before 6.1.10.
    .sort((a, b) => versionOrder.compare(b.manifest.version, a.manifest.version));
  for (const { path, manifest } of found) {
    const kernel = readCached(path, manifest);
    if (kernel !== undefined) return kernel;
    removePath(path);
  }
  return undefined;
}

function readCached(path: string, manifest: KernelManifest): CachedKernel | undefined {
  const read = (name: string, expected: ManifestFile): Uint8Array | undefined => {
    const bytes = readIfThere(join(path, name));
    return bytes !== undefined && isIntact(expected, bytes) ? bytes : undefined;
  };
  if (read(KERNEL, manifest.kernel) === undefined) return undefined;
  if (manifest.config !== undefined && read(CONFIG, manifest.config) === undefined)
    return undefined;
  const modules = [];
  for (const expected of manifest.modules) {
    const bytes = read(join(MODULES, `${expected.name}.ko`), expected);
    if (bytes === undefined) return undefined;
    modules.push({ name: expected.name, bytes });
  }
  return { path: join(path, KERNEL), manifest, modules };
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readSmallFile(path, FILE_BYTES);
  } catch {
    return undefined; // missing or unreadable: made anew, and that tells what is wrong
  }
}

/** Every kernel that is kept, by path: what its manifest says, unlooked at. */
export function keptKernels(
  cacheDirectory: string,
): readonly { readonly path: string; readonly manifest: KernelManifest }[] {
  return directoriesIn(join(cacheDirectory, "kernels"))
    .map((path) => ({ path: join(path, KERNEL), manifest: readManifest(join(path, MANIFEST)) }))
    .filter((one): one is { path: string; manifest: KernelManifest } => one.manifest !== undefined)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
