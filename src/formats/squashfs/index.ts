/** formats/squashfs: what the superblock says; mksquashfs and unsquashfs do the rest. */
export { isSquashfs, readSquashfs, type SquashfsFacts } from "./reader.ts";
