/** formats/squashfs: what the superblock says; mksquashfs and unsquashfs do the rest. */
export { setRoot } from "./root.ts";
export { isSquashfs, readSquashfs, type SquashfsFacts } from "./reader.ts";
