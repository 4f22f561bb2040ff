/** formats/erofs: writes uncompressed EROFS images from a stream of files and a tree, and reads them. */
export { createErofs, type ErofsOptions, type ErofsSummary } from "./writer.ts";
export { ErofsImage, openErofs } from "./reader.ts";
export type { ErofsFacts } from "./reader-superblock.ts";
