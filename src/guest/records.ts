/** The record files that init reads, `init.rec`, `run.rec` and `boot.rec`: docs/init.md. */
export type { InitMount, InitRecords } from "./record-types.ts";
export { driveSource } from "./record-values.ts";
export { encodeRecords } from "./record-encode.ts";
export { decodeRecords } from "./record-decode.ts";
