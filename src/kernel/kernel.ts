import type { Layer } from "../tree/index.ts";
import type { DebianArch } from "./distribution.ts";
import type { KernelFormat } from "./image.ts";
import type { LoadableModule } from "./module-order.ts";

/** Architectures of machines. */
export type KernelArch = "x86_64" | "aarch64";

/** A kernel to boot, and what its initramfs must load. */
export interface Kernel {
  /** Absolute path of the file to boot. */
  readonly path: string;
  readonly format: KernelFormat;
  readonly arch: KernelArch;
  /** `uname -r` where the file or its modules tell it. */
  readonly release: string | undefined;
  /** For the summary: `linux-image-6.1.0-56-cloud-amd64 6.1.192-2`, or the file's path. */
  readonly origin: string;
  /** In load order. */
  readonly modules: readonly Pick<LoadableModule, "name" | "bytes">[];
}

/** A package that has been downloaded. */
export interface KernelPackageFile {
  readonly name: string;
  readonly version: string;
  readonly path: string;
}

/** The distribution's packages, as sources/ gives them. */
export interface KernelPackages {
  /** Resolves `names` and what they depend on, and downloads those of them that are wanted. */
  fetch(
    names: readonly string[],
    arch: DebianArch,
    isWanted: (name: string) => boolean,
  ): Promise<readonly KernelPackageFile[]>;
  /** The files that the package would install. */
  layer(file: KernelPackageFile): Layer;
}
