/** tree/: the file tree in memory, paths in it, and how layers' entries become one. Pure, no I/O. */
export { kindOf, S_IFMT, type Kind } from "./kinds.ts";
export type { Entry, Layer, LayerVisitor, Metadata, Time, Xattr } from "./entry.ts";
export { NO_PLACE, type Place, type Sink } from "./sink.ts";
export type { Ino, Inodes } from "./inodes.ts";
export { Tree } from "./tree.ts";
export {
  directoryAt,
  findPath,
  locatePath,
  pathOf,
  placeFor,
  type Follow,
  type Location,
  type TreePath,
} from "./resolve.ts";
export { Unpacker, type UnpackOptions } from "./unpack.ts";
export { type StackOptions, type StackSummary, unpackLayers } from "./layer-stack.ts";
export { graftTree } from "./graft.ts";
export { MemorySink } from "./memory-sink.ts";
export { SpoolSink } from "./spool-sink.ts";
export { playTree } from "./play.ts";
