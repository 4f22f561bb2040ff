import type { Arch } from "../../config/index.ts";
import type { RootFormat } from "../../config/index.ts";

/** Names of a bundle's files beside its kernel and its root. */
export const INITRD = "initrd.cpio";
export const FIRECRACKER = "firecracker.json";
export const FIRECRACKER_NET = "firecracker-net.json";
export const QEMU = "run-qemu.sh";
export const MANIFEST = "manifest.json";
export const README = "README.md";

/** The kernel's name: what Firecracker loads differs between the two. */
export function kernelName(arch: Arch, isPacked: boolean): string {
  if (isPacked) return arch === "x86_64" ? "app.vmlinux" : "app.image";
  return arch === "x86_64" ? "vmlinux" : "Image";
}

/** The root file system's name. */
export function rootName(format: Exclude<RootFormat, "initramfs">): string {
  return `rootfs.${format}`;
}

/** All names that a bundle may have: a directory with others in it is none, and is left alone. */
export const bundleNames: readonly string[] = [
  ...(["x86_64", "aarch64"] as const).flatMap((arch) => [
    kernelName(arch, false),
    kernelName(arch, true),
  ]),
  ...(["ext4", "erofs", "squashfs"] as const).map(rootName),
  INITRD,
  FIRECRACKER,
  FIRECRACKER_NET,
  QEMU,
  MANIFEST,
  README,
];
