/** bytes/: tables for binary structures, checked integers, crc32c, byte strings, storage. */
export { u8, le16, le32, le64, be32, be64, raw, array, type Codec } from "./codecs.ts";
export { struct, type Row, type Struct, type ValueOf } from "./struct.ts";
export { alignUp, isZero, toSafeNumber } from "./numbers.ts";
export { crc32c } from "./crc32c.ts";
export { compareBytes, display, equalBytes, sanitise, utf8 } from "./text.ts";
export { uuidText } from "./uuid.ts";
export {
  storageOf,
  stretchOf,
  type ReadableStorage,
  type Storage,
  type WritableStorage,
} from "./storage.ts";
export { bytesOf, type Window, windowsFromEnd, windowsOf } from "./windows.ts";
export { BytePool } from "./byte-pool.ts";
export {
  Column,
  float64Column,
  int32Column,
  uint16Column,
  uint32Column,
  uint8Column,
} from "./column.ts";
