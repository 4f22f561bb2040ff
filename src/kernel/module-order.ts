import { WickError } from "../errors/index.ts";
import { type ModuleSet, type ReadModule, readModule } from "./module-set.ts";

/** A module to load, in its place. */
export interface LoadableModule extends ReadModule {
  readonly name: string;
}

/** A module that the machine's devices need. */
export interface WantedModule {
  readonly name: string;
  /** Whether a machine can do without: what it brings is missed, nothing breaks. */
  readonly optional?: boolean;
}

/** Whose devices a machine has; "any": what is made now runs who knows where. */
export type DeviceKind = "qemu" | "firecracker" | "any";

/** Entropy from the host is welcome, but kernels get along without. */
const entropy: WantedModule = { name: "virtio_rng", optional: true };

/** Whichever bus they sit on. */
const qemuModules: readonly WantedModule[] = [
  { name: "virtio_pci" },
  { name: "virtio_mmio" },
  { name: "virtio_net" },
  { name: "virtio_console" },
  entropy,
];

/** The channel to the host is a vsock there; a card only where the host has a TAP for it. */
const VSOCK = "vmw_vsock_virtio_transport";
const firecrackerModules: readonly WantedModule[] = [
  { name: "virtio_mmio" },
  { name: VSOCK },
  { name: "virtio_net", optional: true },
  entropy,
];

const deviceModules: Readonly<Record<DeviceKind, readonly WantedModule[]>> = {
  qemu: qemuModules,
  firecracker: firecrackerModules,
  // A kernel without vsock serves QEMU as well as ever.
  any: [...qemuModules, { name: VSOCK, optional: true }],
};

/** Changes of a run lie in ext4 whatever the root is; so do the folders that it is shown. */
const driveModules: readonly WantedModule[] = [
  { name: "virtio_blk" },
  { name: "ext4" },
  { name: "overlay" },
];

/** Where a root can lie; an initramfs is no drive and needs none. */
export type RootFileSystem = "ext4" | "erofs" | "squashfs" | "initramfs";

const rootModules: Readonly<Record<RootFileSystem, readonly WantedModule[]>> = {
  ext4: driveModules,
  erofs: [...driveModules, { name: "erofs" }],
  squashfs: [...driveModules, { name: "squashfs" }],
  initramfs: [],
};

/** Loaded where a machine has one: in others it would only take memory. */
const BALLOON = "virtio_balloon";

/** What a machine with such devices needs whose root lies in `fileSystem`. */
export function wantedModules(
  fileSystem: RootFileSystem,
  devices: DeviceKind,
  { balloon = false }: { readonly balloon?: boolean | undefined } = {},
): readonly WantedModule[] {
  const own = balloon ? [{ name: BALLOON }] : [];
  return [...deviceModules[devices], ...rootModules[fileSystem], ...own];
}

/** What any machine may need: a kernel that is kept serves them all. */
export const keptModules: readonly WantedModule[] = [
  ...deviceModules.any,
  ...driveModules,
  { name: "erofs", optional: true },
  { name: "squashfs", optional: true },
  { name: BALLOON, optional: true },
];

/**
 * `wanted` and all that they depend on, in the order in which they can be loaded: what the
 * kernel has built in is left out, a missing one is KERNEL_INVALID.
 */
export async function orderModules(
  set: ModuleSet,
  wanted: readonly WantedModule[],
  signal?: AbortSignal,
): Promise<LoadableModule[]> {
  const walk = new Walk(set, signal);
  for (const { name, optional } of wanted) {
    await walk.visit(name, { neededBy: undefined, optional: optional === true });
  }
  return walk.ordered;
}

interface Need {
  readonly neededBy: string | undefined;
  readonly optional: boolean;
}

/** A walk in depth: dependencies are loaded before those who need them. */
class Walk {
  readonly ordered: LoadableModule[] = [];
  readonly #set: ModuleSet;
  readonly #signal: AbortSignal | undefined;
  readonly #seen = new Set<string>();

  constructor(set: ModuleSet, signal: AbortSignal | undefined) {
    this.#set = set;
    this.#signal = signal;
  }

  async visit(wanted: string, need: Need): Promise<void> {
    const name = this.#resolve(wanted.replaceAll("-", "_"), need);
    // Seen before it is done: modules that depend on each other in a circle end here.
    if (name === undefined || this.#seen.has(name)) return;
    this.#seen.add(name);
    const module = await readModule(this.#set.files.get(name)!, this.#signal);
    const { depends, softdeps } = module.info;
    for (const other of softdeps.pre) await this.visit(other, { neededBy: name, optional: true });
    for (const other of depends) await this.visit(other, { neededBy: name, optional: false });
    this.ordered.push({ name, ...module });
    for (const other of softdeps.post) await this.visit(other, { neededBy: name, optional: true });
  }

  /** The name of the module to load; undefined when the kernel has it, or it may be missing. */
  #resolve(name: string, { neededBy, optional }: Need): string | undefined {
    // Soft dependencies may name an algorithm (`crc32c`); its plain module is the `_generic` one.
    for (const candidate of optional ? [name, `${name}_generic`] : [name]) {
      if (this.#set.builtin.has(candidate)) return undefined;
      if (this.#set.files.has(candidate)) return candidate;
    }
    if (optional) return undefined;
    const who = neededBy === undefined ? "the machine's devices need it" : `${neededBy} needs it`;
    throw new WickError(
      "KERNEL_INVALID",
      `Cannot use the modules of ${this.#set.origin}: ${name} is neither there nor built in, and ${who}`,
      { hint: "give the directory of all the kernel's modules, with its modules.builtin" },
    );
  }
}
