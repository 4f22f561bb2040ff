/** bzimage: the compressed kernel for x86 and its setup header. */
export { LOADFLAGS, PARAGRAPH_BYTES, SETUP_HEADER_OFFSET, setupHeader } from "./layout.ts";
export { payloadCompression, type PayloadCompression, PLAIN_SIZE_BYTES } from "./payload.ts";
export {
  type BzImage,
  type BzImageSubject,
  type FileRange,
  readBzImage,
  readSetupHeader,
  releaseOf,
  type SetupHeader,
} from "./reader.ts";
