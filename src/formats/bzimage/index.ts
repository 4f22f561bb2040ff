/** bzimage: the compressed kernel for x86 and its setup header. */
export {
  ENTRY_64,
  HIGH_ADDRESS,
  INIT_SIZE_VERSION,
  LOADFLAGS,
  PARAGRAPH_BYTES,
  SETUP_HEADER_OFFSET,
  setupHeader,
  XLOADFLAGS,
} from "./layout.ts";
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
