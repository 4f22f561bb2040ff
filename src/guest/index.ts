/** guest/: what runs inside: init (C), the records it reads, the channel it reports on. */
export {
  decodeRecords,
  driveSource,
  encodeRecords,
  type InitMount,
  type InitRecords,
} from "./records.ts";
export {
  FrameReader,
  decodeReport,
  encodeCommand,
  exitStatus,
  isFinal,
  type Command,
  type ExecReason,
  type FinalReport,
  type Report,
} from "./protocol.ts";
export {
  decodeRelay,
  encodeRelay,
  relayBroken,
  relayFrameReader,
  type RelayMessage,
} from "./relay.ts";
export { relayLimits, relayVersion } from "./relay-types.ts";
export { initBinary, stubBinary, type GuestArch } from "./binaries.ts";
