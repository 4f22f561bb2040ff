/** formats/ext4: writes ext4 images from a stream of files and a tree. */
export { createExt4, type Ext4Options, type Ext4Summary, type Ext4Writer } from "./writer.ts";
export type { Ext4Sink } from "./sink.ts";
