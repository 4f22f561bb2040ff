/** cpio: the newc archives that the kernel unpacks as its initial file system. */
export type { CpioEntry, CpioFile } from "./entry.ts";
export { CpioWriter, encodeCpio, type CpioContents, type NewCpioEntry } from "./writer.ts";
export { writeCpioTree } from "./write-tree.ts";
export {
  CpioReader,
  decodeCpio,
  type CpioVisitor,
  type DecodedCpio,
  type DecodedCpioFile,
  type ReadCpioEntry,
} from "./reader.ts";
export { CpioImage } from "./image.ts";
