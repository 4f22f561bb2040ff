/** formats/ext4: writes ext4 images from a stream of files and a tree, and reads them. */
export { createExt4, type Ext4Options, type Ext4Summary } from "./writer.ts";
export type { Ext4Sink } from "./sink.ts";
export { Ext4Image, openExt4 } from "./reader.ts";
export type { Ext4Facts } from "./reader-superblock.ts";
export type {
  ImageEntry,
  ImageNode,
  ImagePath,
  ImageReader,
  ImageStat,
  LookupOptions,
} from "../image-reader.ts";
